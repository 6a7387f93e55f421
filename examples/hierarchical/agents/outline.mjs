import { readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const headings = work.input.pages.flatMap((page) =>
  [...readFileSync(`book/${page}`, 'utf8').matchAll(/^(#+) (.*)$/gm)].map(([, marks, text]) => {
    return { page, level: marks.length, text }
  }),
)

process.stdout.write(`${headings.length} headings\n`)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({ summary: `${headings.length} headings`, output: { headings } }),
)
