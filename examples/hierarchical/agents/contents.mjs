import { readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const lines = work.upstream[0].output.headings.map(({ page, level, text }) => {
  return `${'  '.repeat(level - 1)}- [${text}](${page})`
})

process.stdout.write(`${lines.length} lines\n`)
writeFileSync(`${work.outputDir}/contents.md`, `${lines.join('\n')}\n`)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({ summary: `contents of ${lines.length} lines`, output: { contents: lines } }),
)
