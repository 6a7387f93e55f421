import '../core/seed.ts'
import fc from 'fast-check'
import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'

let door: Door

/** So many executions of a session, some at the same place of the plan; a session, and one that has others. */
const ROWS = 25
const sessions = [v7(), v7()] as const
const STATUSES = ['ACCEPTED', 'FAILED', 'SKIPPED'] as const
const rows = sessions.map((sessionId) =>
  Array.from({ length: ROWS }, (_, index) => ({
    id: v7(),
    sessionId,
    key: `k${index}`,
    title: `title ${index}`,
    position: (index * 7) % 9,
    status: STATUSES[index % 3] as (typeof STATUSES)[number],
    createdAt: new Date(1_800_000_000_000),
  })),
)
const sorted = (rows[0] ?? []).toSorted((a, b) => a.position - b.position || (a.id < b.id ? -1 : 1))

beforeAll(async () => {
  door = await openDoor()
  const { database, projectId } = door.house
  const taskId = v7()
  await database.prisma.task.create({ data: { id: taskId, projectId, title: 'task', description: '' } })
  const state = { pattern: 'SEQUENTIAL', version: 1, seq: 1, limits: {}, policy: {}, budget: {}, inputs: [] } as const
  const createdAt = new Date(1_800_000_000_000)
  await database.prisma.session.createMany({
    data: sessions.map((id) => ({ id, projectId, taskId, ...state, status: 'SUCCEEDED' as const, createdAt })),
  })
  await database.prisma.execution.createMany({ data: rows.flat() })
})
afterAll(() => door.close())

const cursorOf = (id: string): string => Buffer.from(`GPC:S:${id}`).toString('base64')
const uuidOf = (id: string): string => id.slice(id.indexOf(':') + 1)

interface Page {
  totalCount: number
  edges: { cursor: string; node: { id: string; title: string } }[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
}

async function pageOf(args: string): Promise<Page> {
  const data = await door.data(`{ session(id: "${sessions[0]}") { executions(${args}) {
    totalCount edges { cursor node { id title } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`)
  return (data['session'] as { executions: Page }).executions
}

describe('a page of the executions of a session', () => {
  const wanted = fc.record({
    forward: fc.boolean(),
    size: fc.integer({ min: 1, max: ROWS + 2 }),
    at: fc.option(fc.nat(ROWS - 1)),
    status: fc.option(fc.subarray([...STATUSES])),
  })

  it('is what all of them have there', async () => {
    await fc.assert(
      fc.asyncProperty(wanted, async ({ forward, size, at, status }) => {
        const isWanted = (row: { status: string }): boolean => status?.includes(row.status as never) ?? true
        const matching = sorted.filter(isWanted)
        const beside = at === null ? sorted : forward ? sorted.slice(at + 1) : sorted.slice(0, at)
        const there = beside.filter(isWanted)
        const shown = forward ? there.slice(0, size) : there.slice(-size)
        const cursor = at === null ? '' : `, ${forward ? 'after' : 'before'}: "${cursorOf(sorted[at]?.id ?? '')}"`
        const only = status === null ? '' : `, status: [${status.join()}]`
        const page = await pageOf(`${forward ? 'first' : 'last'}: ${size}${cursor}${only}`)
        expect(page.edges.map(({ node }) => uuidOf(node.id))).toEqual(shown.map(({ id }) => id))
        expect(page.edges.map(({ node }) => node.title)).toEqual(shown.map(({ title }) => title))
        expect(page.totalCount).toBe(matching.length)
        const cursors = shown.map(({ id }) => cursorOf(id))
        expect(page.edges.map(({ cursor }) => cursor)).toEqual(cursors)
        expect(page.pageInfo).toEqual({
          hasNextPage: forward ? there.length > size : at !== null,
          hasPreviousPage: forward ? at !== null : there.length > size,
          startCursor: cursors[0] ?? null,
          endCursor: cursors.at(-1) ?? null,
        })
      }),
      { numRuns: 40 },
    )
  })

  it('is empty behind an execution of another session, and one that there is not', async () => {
    for (const id of [rows[1]?.[3]?.id ?? '', v7()]) {
      expect((await pageOf(`first: 5, after: "${cursorOf(id)}"`)).edges).toEqual([])
    }
  })

  it.each([`first: 3, before: "${cursorOf(v7())}"`, 'first: -1'])('is refused for %s', async (args) => {
    const { errors } = await door.answer(`{ session(id: "${sessions[0]}") { executions(${args}) { totalCount } } }`)
    expect(errors?.map(({ extensions }) => extensions?.code)).toEqual(['BAD_USER_INPUT'])
  })

  it('has what Prisma joins to each of them, too', async () => {
    const data = await door.data(`{ sessions(filter: { project: "Project:${door.house.projectId}" }) { nodes {
      executions(first: 3) { nodes { title attempts { number } artifacts { totalCount } session { id task { title } } } } } } }`)
    const { nodes } = data['sessions'] as { nodes: { executions: { nodes: { attempts: []; session: object }[] } }[] }
    expect(nodes.flatMap(({ executions }) => executions.nodes)).toHaveLength(6)
    expect(nodes[0]?.executions.nodes[0]).toMatchObject({ attempts: [], session: { task: { title: 'task' } } })
  })
})
