import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/store/db.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
let reads = 0
const statements: string[] = []
let ids: string[]

const words = { title: 'x', description: '', capabilities: ['anything'], dependsOn: [] }

/** Counts what is asked of a database. */
function counting(database: Database): Database {
  const prisma = database.prisma.$extends({
    query: {
      $allOperations({ args, query }) {
        reads += 1
        return query(args)
      },
    },
  })
  const query: Database['query'] = (sql, params) => {
    // Who asks is looked up once in a while, whatever is asked.
    if (!sql.includes('"Token"')) {
      reads += 1
      statements.push(sql)
    }
    return database.query(sql, params)
  }
  return { ...database, query, prisma: prisma as unknown as Database['prisma'] }
}

beforeAll(async () => {
  door = await openDoor({ counted: counting })
  const parts = Array.from({ length: 3 }, (_, n) => ({
    key: `p${n}`,
    input: n === 0 ? { exit: 3 } : {},
    retry: { maxAttempts: 1 },
  }))
  ids = []
  for (let n = 0; n < 4; n++) ids.push(await door.house.start(parts))
  for (const id of ids) await door.house.end(id)
  const asking = [
    {
      key: 'a',
      gates: [
        { kind: 'PERSON' as const, question: 'ok?' },
        { kind: 'EVIDENCE' as const, minArtifacts: 1 },
      ],
    },
    { key: 'c', session: { pattern: 'SEQUENTIAL' as const, parts: [{ key: 'x', ...words }] }, capabilities: [] },
  ]
  for (let n = 0; n < 3; n++) {
    const id = await door.house.start(asking, { pattern: 'HIERARCHICAL' })
    await door.house.until(id, ({ status }) => status === 'INTERRUPTED')
  }
})
afterAll(() => door.close())

async function readsOf(query: string, variables: object = {}): Promise<number> {
  const before = reads
  const { errors } = await door.answer(query, { ...variables })
  expect(errors).toBeUndefined()
  return reads - before
}

describe('reads of the database per request', () => {
  it('do not grow with the page', async () => {
    const query = `query ($first: Int!) {
      sessions(first: $first) {
        totalCount
        nodes {
          status project { name concurrency } task { title subTasks { key dependsOn { key } } } analysis { complexity } plan { criticalPath }
          executionCounts { status count } retryOf { id } retries { id } checkpoints { seq execution { key } }
          executions(first: 10) {
            totalCount
            nodes { key agent { name running status } attempts { number agent { name } } cause { key } artifacts { totalCount nodes { name } } }
          }
          artifacts(first: 5) { nodes { name execution { key } session { status } } }
        }
      }
    }`
    const one = await readsOf(query, { first: 1 })
    const four = await readsOf(query, { first: 4 })
    expect(four).toBe(one)
    expect(four).toBeLessThanOrEqual(14)
  })

  it('of what people, gates, budgets and families have to say do not grow with it either', async () => {
    const query = `query ($first: Int!) {
      sessions(first: $first, filter: { pattern: [HIERARCHICAL] }) {
        nodes {
          depth root { status } parent { status } forkOf { status } waitedMs baseCommit
          budget { unit used } policy { review } inputs { text } ledger { round } rollback { phase }
          children(first: 2) { totalCount nodes { status } } forks(first: 2) { totalCount nodes { status } }
          interrupts(first: 3) { totalCount nodes { kind execution { key } session { status } } }
          executions(first: 10) {
            nodes { key gate fallbacks slice { tokens } feedback { text } replies { text } candidate { summary }
              interrupt { question } child { status } verdicts { kind verdict execution { key } } attempts { reserved { tokens } } }
          }
        }
      }
    }`
    const one = await readsOf(query, { first: 1 })
    const three = await readsOf(query, { first: 3 })
    expect(three).toBe(one)
    expect(three).toBeLessThanOrEqual(16)
  })

  it.each([
    [
      '{ interrupts(first: 50) { totalCount nodes { kind session { status project { name } } execution { key interrupt { id } } } } }',
      6,
    ],
    [
      '{ projects { totalCount nodes { name sessionCounts { status count } sessions(first: 3) { totalCount nodes { status } } } } }',
      4,
    ],
    ['{ agents { nodes { name running status project { name } } } }', 3],
    ['{ executions(first: 50) { nodes { key session { status project { name } } agent { name running } } } }', 5],
    ['{ sessions { nodes { status executions { nodes { key agent { name } } } } } }', 3],
    ['{ sessions { nodes { executions { totalCount } } } }', 2],
    ['{ executions { nodes { key } } }', 1],
    ['{ health { version bus } }', 0],
    ['{ metrics { successRate sessions { count } patterns { pattern } agents { name } } }', 4],
  ])('%s takes at most %i', async (query, limit) => {
    expect(await readsOf(query)).toBeLessThanOrEqual(limit)
  })

  it('of a page of events are one for the session, and one each for all events, executions and agents', async () => {
    const query = `{ session(id: "${ids[0]}") { events(first: 50) { nodes { seq type execution { key agent { name } } } } } }`
    expect(await readsOf(query)).toBeLessThanOrEqual(4)
  })

  it('are of the columns that are asked for, and no others', async () => {
    statements.length = 0
    await readsOf(
      '{ sessions { nodes { ...S executions(first: 2) { edges { node { key } } } } } } fragment S on Session { status }',
    )
    expect(statements.map((sql) => /SELECT ("[^(]*?) FROM/.exec(sql)?.[1])).toEqual(['"id", "status"', '"id", "key"'])
  })
})
