// Stands in for a model: what it writes first is wrong, and it listens to what the gate says of it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const last = work.feedback.at(-1)?.text ?? ''
const accents = last.includes('without accents') ? ".normalize('NFD').replace(/\\p{M}/gu, '')" : ''
const code = `export const slug = (title) =>
  title${accents}.trim().toLowerCase().replace(/[^a-z0-9]+/g, '-')
`

const summary = accents === '' ? 'slug, first try' : 'slug without accents, as the test asked'
process.stdout.write(`${summary}\n`)
mkdirSync('build', { recursive: true })
writeFileSync('build/slug.mjs', code)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({ summary, output: { file: 'build/slug.mjs', exports: ['slug'] } }),
)
