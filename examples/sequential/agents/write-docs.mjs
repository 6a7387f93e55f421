// Runs what the part before has written, and documents what came out.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const work = JSON.parse(readFileSync(0, 'utf8'))
const { file } = work.upstream.find(({ key }) => key === 'code').output
const { slug } = await import(pathToFileURL(resolve(file)).href)
const rows = ['Two Words', 'Crème brûlée', 'Tea & Cake'].map((title) => `| ${title} | ${slug(title)} |`)

process.stdout.write(`${rows.length} examples run\n`)
writeFileSync(`${work.outputDir}/slug.md`, ['# slug', '', '| title | slug |', '| --- | --- |', ...rows, ''].join('\n'))
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({
    summary: `a page with ${rows.length} examples`,
    output: { pages: ['slug.md'] },
    evidence: [{ name: 'examples run', kind: 'COUNT', passed: true, detail: { examples: rows.length } }],
  }),
)
