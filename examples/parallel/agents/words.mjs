// With --spaces it makes a mistake: it takes every single space or line break for the end of a word.
import { readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const text = readFileSync('text.txt', 'utf8')
const words = process.argv.includes('--spaces') ? text.split(/\s/).length : text.match(/\S+/g).length

process.stdout.write(`${words} words\n`)
writeFileSync(`${work.outputDir}/result.json`, JSON.stringify({ summary: `${words} words`, output: { words } }))
