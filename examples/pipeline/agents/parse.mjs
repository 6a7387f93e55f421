// The first stage finds its item in the input.
import { readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const [, customer, quantity, article] = /^(\w+): (\d+) (\w+)$/.exec(work.input.item)

process.stdout.write(`an order of ${customer}\n`)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({ summary: `order of ${customer}`, output: { customer, article, quantity: Number(quantity) } }),
)
