import { readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const counts = new Map()
for (const letter of readFileSync('text.txt', 'utf8').toLowerCase().match(/\p{L}/gu)) {
  counts.set(letter, (counts.get(letter) ?? 0) + 1)
}
const times = Math.max(...counts.values())
const [letter] = [...counts].find(([, count]) => count === times)

process.stdout.write(`${counts.size} different letters\n`)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({ summary: `${letter}, ${times} times`, output: { letter, times } }),
)
