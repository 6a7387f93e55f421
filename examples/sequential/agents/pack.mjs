// Is handed every earlier output, because the pattern is SEQUENTIAL.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const [code, docs] = ['code', 'docs'].map((key) => work.upstream.find((result) => result.key === key).output)
const sha256 = createHash('sha256').update(readFileSync(code.file)).digest('hex')

process.stdout.write(`${code.file} is ${sha256}\n`)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({
    summary: `${code.exports.length} export, ${docs.pages.length} page`,
    output: { exports: code.exports, pages: docs.pages, sha256 },
  }),
)
