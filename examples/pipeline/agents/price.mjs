// Further stages are handed the output of the stage before, and nothing else.
import { readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const { customer, article, quantity } = work.upstream[0].output
const price = JSON.parse(readFileSync('prices.json', 'utf8'))[article]
if (price === undefined) {
  process.stderr.write(`there is no price for "${article}"\n`)
  process.exit(1)
}

process.stdout.write(`${quantity} times ${price}\n`)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({ summary: `${quantity * price} in all`, output: { customer, total: quantity * price } }),
)
