import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const { page } = work.input
const links = [...readFileSync(`book/${page}`, 'utf8').matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target)
const dead = links.filter((target) => !existsSync(`book/${target}`))

process.stdout.write(`${links.length} links, ${dead.length} lead nowhere\n`)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({
    summary: dead.length === 0 ? 'all links lead somewhere' : `${dead.join(', ')} is missing`,
    output: { page, links: links.length, dead },
    evidence: [{ name: 'links', kind: 'COUNT', passed: dead.length === 0, detail: { dead } }],
  }),
)
