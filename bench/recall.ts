import { confidenceOf, rank, searchTerms } from '../src/core/knowledge.ts'
import { newId } from '../src/ids.ts'
import { type Database, openDatabase } from '../src/store/db.ts'
import { indexed } from '../src/store/knowledgeRows.ts'
import { findKnowledge } from '../src/store/knowledgeSearch.ts'
import { migrate, MIGRATIONS } from '../src/store/migrate.ts'
import { scratch } from '../test/servers/process.ts'
import { type Answer, median, precise, shown, tell } from './answer.ts'
import { makeBed } from './bed.ts'

/** Pieces that are written at once. */
const BATCH = 1_000
/** Words of a text, and how many different ones there are. */
const WORDS = 80
const DIFFERENT = 20_000
/** The n-th word is said about 1/n as often as the first one, which nearly all pieces hold. */
const SEARCHES = {
  rare: 'w15000q',
  telling: 'w3000q w400q w17q',
  common: 'w1q w2q',
  sixteen: Array.from({ length: 16 }, (_, n) => `w${n + 1}q`).join(' '),
}
const REPEATED = 3

/** How long does a search in much knowledge take, beside PostgreSQL's own search in the same texts? */
export async function recall({ rounds, pieces }: { rounds: number; pieces: number }): Promise<Answer> {
  const bed = await makeBed()
  const times = new Map<string, number[]>()
  const note = (key: string, ms: number) => times.set(key, [...(times.get(key) ?? []), ms])
  try {
    for (const kind of ['embedded', 'postgres'] as const) {
      const place = kind === 'embedded' ? { dataDir: scratch('bench-recall') } : { url: await bed.database() }
      const database = await openDatabase(place)
      await migrate(database, MIGRATIONS)
      const projectId = await fill(database, pieces)
      tell(`${kind}: ${pieces} pieces`)
      for (let round = 1; round <= rounds; round++) {
        for (const [name, search] of Object.entries(SEARCHES)) {
          note(`${kind} ${name} ours`, await timed(() => ours(database, projectId, search)))
          note(`${kind} ${name} tsvector`, await timed(() => theirs(database, projectId, search)))
        }
      }
      await database.close()
    }
  } finally {
    await bed.stop()
  }
  const of = (key: string): number => precise(median(times.get(key) ?? []) ?? 0)
  const keys = ['embedded', 'postgres'].flatMap((kind) => Object.keys(SEARCHES).map((name) => `${kind} ${name}`))
  return {
    figures: Object.fromEntries([...times.keys()].map((key) => [key, { ms: of(key) }])),
    ratios: Object.fromEntries(keys.map((key) => [key, precise(of(`${key} ours`) / of(`${key} tsvector`))])),
    headings: ['search', 'ours ms', 'tsvector ms'],
    rows: keys.map((key) => [key, shown(of(`${key} ours`)), shown(of(`${key} tsvector`))]),
  }
}

/** The median of a few in a row. */
async function timed(search: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < REPEATED; n++) {
    const from = performance.now()
    await search()
    times.push(performance.now() - from)
  }
  return median(times) as number
}

const WANTED = {
  kinds: null,
  reviews: ['PROPOSED', 'APPROVED'],
  tag: null,
  sessionId: null,
  superseded: false,
  stale: null,
} as const

async function ours({ query }: Database, projectId: string, search: string): Promise<unknown> {
  const [terms, now] = [searchTerms(search), Date.now()]
  return rank(terms, await findKnowledge(query, terms, { ...WANTED, projects: [projectId] }, now), now).slice(0, 20)
}

const theirs = ({ query }: Database, projectId: string, search: string): Promise<unknown> =>
  query(
    `SELECT id FROM texts WHERE "projectId" = $1 AND words @@ to_tsquery('english', $2)
     ORDER BY ts_rank(words, to_tsquery('english', $2)) DESC LIMIT 20`,
    [projectId, search.split(' ').join(' | ')],
  )

/** Fills a database with knowledge, the same words in the same order each time. */
async function fill(database: Database, pieces: number): Promise<string> {
  const projectId = newId()
  await database.query(`INSERT INTO "Project" (id, name, workspace) VALUES ($1, 'bench', '/tmp')`, [projectId])
  let seed = 1
  const word = (): string => {
    seed = (seed * 48_271) % 2_147_483_647
    return `w${Math.floor(Math.exp((seed / 2_147_483_647) * Math.log(DIFFERENT)))}q`
  }
  const words = (count: number): string => Array.from({ length: count }, word).join(' ')
  for (let n = 0; n < pieces; n += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, pieces - n) }, (_, row) => {
      const at = new Date(Date.now() - (n + row) * 1_000).toISOString()
      const said = { projectId, title: words(3), text: words(WORDS), tags: [] }
      const times = { confirmedAt: at, staleAt: at, createdAt: at, updatedAt: at }
      const state = { kind: 'TIP', review: 'PROPOSED', confidence: confidenceOf({ review: 'PROPOSED', said: [0.5] }) }
      return { ...said, ...state, ...times, id: newId(), sameness: `${n + row}`, terms: indexed(said) }
    })
    await database.query(
      `INSERT INTO "Knowledge" SELECT r.* FROM jsonb_populate_recordset(NULL::"Knowledge", $1::jsonb) r`,
      [JSON.stringify(rows)],
    )
  }
  await database.script(
    `CREATE TABLE texts AS SELECT id, "projectId", to_tsvector('english', text) AS words FROM "Knowledge";
     CREATE INDEX ON texts USING GIN (words)`,
  )
  return projectId
}
