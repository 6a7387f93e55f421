import '../core/seed.ts'
import fc from 'fast-check'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/store/db.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
const calls: { operation: string; where: unknown }[] = []
const statements: { sql: string; params: readonly unknown[] }[] = []

/** Takes down what Prisma is asked for, and which statements of our own are sent. */
function listening(database: Database): Database {
  const prisma = database.prisma.$extends({
    query: {
      $allOperations({ operation, args, query }) {
        calls.push({ operation, where: (args as { where?: unknown }).where })
        return query(args)
      },
    },
  })
  const query: Database['query'] = (sql, params = []) => {
    statements.push({ sql, params })
    return database.query(sql, params)
  }
  return { ...database, query, prisma: prisma as unknown as Database['prisma'] }
}

/** So many rows, of which several were made at the same moment or have the same priority. */
const ROWS = 40
const ids = Array.from({ length: ROWS }, () => v7())

beforeAll(async () => {
  door = await openDoor({ counted: listening })
  const { database, projectId } = door.house
  const own = ids.map((id, index) => ({
    id,
    projectId,
    priority: (index * 7) % 3,
    createdAt: new Date(1_800_000_000_000 + ((index * 11) % 5)),
  }))
  await database.prisma.task.createMany({
    data: own.map((row, index) => ({ ...row, title: `task ${(index * 5) % 4}`, description: '' })),
  })
  const state = { pattern: 'SEQUENTIAL', version: 1, seq: 1, limits: {}, policy: {}, budget: {}, inputs: [] } as const
  await database.prisma.session.createMany({
    data: own.map((row, index) => ({ ...row, ...state, taskId: row.id, status: index % 3 ? 'SUCCEEDED' : 'FAILED' })),
  })
  await database.prisma.execution.createMany({
    data: own.map(({ id, createdAt, priority }) => ({
      id,
      sessionId: id,
      createdAt,
      key: 'a',
      title: 'a',
      position: priority,
      status: 'ACCEPTED',
    })),
  })
})
afterAll(() => door.close())

const LISTS = {
  tasks: { model: 'task', columns: { CREATED_AT: 'createdAt', PRIORITY: 'priority', TITLE: 'title' }, where: {} },
  sessions: {
    model: 'session',
    columns: { CREATED_AT: 'createdAt', PRIORITY: 'priority' },
    filter: 'status: [FAILED]',
    where: { status: 'FAILED' },
  },
  executions: { model: 'execution', columns: { CREATED_AT: 'createdAt', POSITION: 'position' }, where: {} },
} as const

const cursorOf = (id: string): string => Buffer.from(`GPC:S:${id}`).toString('base64')

/** The ids on a page, as they are asked for over HTTP. */
async function pageOf(list: keyof typeof LISTS, page: string, field: string, direction: string): Promise<string[]> {
  const filter = 'filter' in LISTS[list] ? `filter: { ${LISTS[list].filter} },` : ''
  const order = `orderBy: { field: ${field}, direction: ${direction} }`
  const data = await door.data(`{ ${list}(${filter} ${order}, ${page}) { nodes { id } } }`)
  return (data[list] as { nodes: { id: string }[] }).nodes.map(({ id }) => id.slice(id.indexOf(':') + 1))
}

describe('a page behind or before a cursor', () => {
  const wanted = fc.record({
    list: fc.constantFrom('tasks' as const, 'sessions' as const, 'executions' as const),
    field: fc.nat(2),
    direction: fc.constantFrom('ASC', 'DESC'),
    forward: fc.boolean(),
    size: fc.integer({ min: 1, max: ROWS }),
    cursor: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...ids) }, { weight: 1, arbitrary: fc.constant(v4()) }),
  })

  it('is what the whole list has there, whatever is equal, and empty if nothing has the cursor', async () => {
    await fc.assert(
      fc.asyncProperty(wanted, async ({ list, field, direction, forward, size, cursor }) => {
        const { model, columns, where } = LISTS[list]
        const [name, column] = Object.entries(columns)[field % Object.keys(columns).length] as [string, string]
        const sort = direction === 'ASC' ? 'asc' : 'desc'
        const orderBy = [...new Set([column, 'createdAt', 'id'])].map((by) => ({ [by]: sort }))
        const table = door.house.database.prisma[model] as unknown as {
          findMany(args: object): Promise<{ id: string }[]>
        }
        const all = await table.findMany({ orderBy })
        const matching = new Set((await table.findMany({ where })).map(({ id }) => id))
        const at = all.findIndex(({ id }) => id === cursor)
        const beside = (forward ? all.slice(at + 1) : all.slice(0, Math.max(at, 0)).toReversed())
          .map(({ id }) => id)
          .filter((id) => matching.has(id))
        // A row whose status has changed since it was shown still marks its place.
        const there = at < 0 ? [] : beside.slice(0, size)
        const page = forward
          ? `first: ${size}, after: "${cursorOf(cursor)}"`
          : `last: ${size}, before: "${cursorOf(cursor)}"`
        expect(await pageOf(list, page, name, direction)).toEqual(forward ? there : there.toReversed())
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    ['DESC', 'first: 3, after', '<'],
    ['DESC', 'last: 3, before', '>'],
    ['ASC', 'first: 3, after', '>'],
    ['ASC', 'last: 3, before', '<'],
  ])('in order %s, %s, is read from an index that begins at the cursor (%s)', async (direction, page, bound) => {
    statements.length = 0
    await pageOf('executions', `${page}: "${cursorOf(ids[0] as string)}"`, 'CREATED_AT', direction)
    const { sql, params } = statements.find((one) => one.sql.includes('FROM "Execution"')) ?? { sql: '', params: [] }
    const plan = await door.house.database.transaction(async (query) => {
      // The table is so small that no index would be looked at.
      await query('SET LOCAL enable_seqscan = off')
      return query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, params)
    })
    const lines = plan.map((line) => line['QUERY PLAN']).join('\n')
    expect(lines).toMatch(new RegExp(`Index Cond: \\(ROW\\("createdAt", id\\) ${bound} ROW`))
    expect(lines).not.toContain('Sort')
  })

  it('counts nothing unless it is asked for the count', async () => {
    const query = (fields: string) => `{
      executions(first: 2) { ${fields} nodes { key } }
      sessions(first: 2) { ${fields} nodes { executions { ${fields} nodes { key } } } }
    }`
    const counts = async (fields: string): Promise<number> => {
      calls.length = 0
      await door.data(query(fields))
      return calls.filter(({ operation }) => operation === 'count').length
    }
    expect(await counts('')).toBe(0)
    expect(await counts('totalCount')).toBe(2)
  })
})
