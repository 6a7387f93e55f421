/**
 * Runs every test: `npm test`. The core first, with its coverage, which has to be 100 %; then all the rest without, since
 * to measure it there would cost a fifth more time. The last line adds up both.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installBeside } from './install-beside.ts'

const given = process.argv.slice(2)
const RUNS =
  given.length > 0
    ? [given]
    : [
        ['--project', 'core', '--coverage'],
        ['--project', '!core'],
      ]

// While the core is tested.
const isWanted = (name: string): boolean => given.length === 0 || given.some((word) => word.includes(name))
const installing = (['clients', 'coding-agents'] as const).filter(isWanted).map(installBeside)

const folder = mkdtempSync(join(tmpdir(), 'tutti-tally-'))
const sum = { passed: 0, failed: 0, skipped: 0 }
let exitCode = 0
for (const [index, run] of RUNS.entries()) {
  const tally = join(folder, String(index))
  const env = { ...process.env, TEST_TALLY: tally }
  if (!run.includes('core')) await Promise.all(installing)
  const [code] = (await once(spawn('vitest', ['run', ...run], { stdio: 'inherit', env }), 'exit')) as [number | null]
  exitCode ||= code ?? 1
  try {
    const { passed, failed, skipped } = JSON.parse(readFileSync(tally, 'utf8')) as typeof sum
    sum.passed += passed
    sum.failed += failed
    sum.skipped += skipped
  } catch {
    // It did not come as far as counting.
    sum.failed += 1
  }
}
rmSync(folder, { recursive: true })
const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''
process.stdout.write(`${sum.passed} passed, ${sum.failed} failed${skipped}\n`)
process.exitCode = exitCode
