import { readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const { customer, total } = work.upstream[0].output

process.stdout.write(`an invoice for ${customer}\n`)
writeFileSync(`${work.outputDir}/${customer}.txt`, `${customer}, please pay ${total.toFixed(2)}.\n`)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({ summary: `${customer} pays ${total}`, output: { customer, total, file: `${customer}.txt` } }),
)
