// Stands in for a model: looks at what the last round brought and says what is to be done next. It does nothing itself.
import { readFileSync, writeFileSync } from 'node:fs'

const work = JSON.parse(readFileSync(0, 'utf8'))
const { round } = work.input

const list = {
  instruction: 'Give each page to the proofreader, and all of them to a session of their own for the contents.',
  reasons: ['Nobody knows yet which pages there are.'],
  next: [{ key: 'list', title: 'List the pages', description: 'All pages in book/.', agent: 'librarian' }],
}

const perPage = (pages) => ({
  instruction: 'See whether everything is there.',
  reasons: [`There are ${pages.length} pages.`],
  next: [
    ...pages.map((page) => ({
      key: `links-${page.replace('.md', '')}`,
      title: `Check the links of ${page}`,
      description: 'Do they lead anywhere?',
      agent: 'proofreader',
      input: { page },
    })),
    {
      key: 'contents',
      title: 'Make the table of contents',
      description: 'Read the headings, then write the table.',
      session: {
        pattern: 'PIPELINE',
        parts: [
          {
            key: 'outline',
            title: 'Read the headings',
            description: 'Of all pages.',
            agent: 'reader',
            input: { pages },
          },
          {
            key: 'table',
            title: 'Write the table',
            description: 'From the headings.',
            agent: 'typesetter',
            dependsOn: ['outline'],
          },
        ],
      },
    },
  ],
})

const through = {
  instruction: '',
  reasons: work.upstream.map(({ key, status }) => `${key} is ${status.toLowerCase()}`),
  next: [],
}

const says = round === 1 ? list : round === 2 ? perPage(work.upstream[0].output.pages) : through
const ledger = { satisfied: says.next.length === 0, looping: false, progressing: true, ...says }
process.stdout.write(`round ${round}: ${ledger.reasons.join(' ')}\n`)
writeFileSync(
  `${work.outputDir}/result.json`,
  JSON.stringify({ summary: `round ${round} delegates ${ledger.next.length}`, output: ledger }),
)
