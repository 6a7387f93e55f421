/**
 * Holds schema.graphql against schema.released.graphql, the one that clients were promised: `npm run compatibility`, which
 * is part of the checks. What breaks them fails it. `-- --release` makes the promise anew.
 */
import { copyFileSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { breaksOf } from './breaks.ts'

const CURRENT = fileURLToPath(new URL('../schema.graphql', import.meta.url))
const RELEASED = fileURLToPath(new URL('../schema.released.graphql', import.meta.url))

const breaks = breaksOf(readFileSync(RELEASED, 'utf8'), readFileSync(CURRENT, 'utf8'))
if (process.argv.includes('--release')) {
  copyFileSync(CURRENT, RELEASED)
  process.stdout.write(`schema.released.graphql is schema.graphql now: ${breaks.length} changes break clients\n`)
} else if (breaks.length > 0) {
  process.stderr.write(
    `schema.graphql breaks clients of schema.released.graphql:\n${breaks.map((line) => `  ${line}\n`).join('')}
Keep what was released beside what is new, marked as deprecated with a reason; it may go once a release has said so.
If it must break: npm run compatibility -- --release, and say so in CHANGELOG.md.\n`,
  )
  process.exitCode = 1
}
