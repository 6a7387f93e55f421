import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'

interface Told {
  sessionId: string
  seq: number
  type: string
  at: string
}

interface Page {
  totalCount: number
  nodes: Told[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
}

let door: Door
let ids: string[]
let began: string
beforeAll(async () => {
  began = new Date().toISOString()
  door = await openDoor()
  const both = [{ key: 'a' }, { key: 'b', input: { exit: 3 }, retry: { maxAttempts: 1 } }]
  // At the same time, so that their events alternate.
  ids = await Promise.all([door.house.start(both), door.house.start(both), door.house.start([{ key: 'a' }])])
  for (const id of ids) await door.house.end(id)
})
afterAll(() => door.close())

async function page(args: string): Promise<Page> {
  const { events } = await door.data(
    `{ events(${args}) { totalCount nodes { sessionId seq type at }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
  )
  return events as Page
}

const placeOf = ({ sessionId, seq }: Told): string => `${sessionId} ${seq}`

describe('events of all sessions', () => {
  it('come by their times, page by page from both ends, all of them and none twice', async () => {
    const whole = await page('first: 100, orderBy: { direction: ASC }')
    const total = await door.house.database.prisma.session.aggregate({ _sum: { seq: true } })
    expect(whole.totalCount).toBe(total._sum.seq)
    const inOrder = whole.nodes.toSorted(
      (a, b) => a.at.localeCompare(b.at) || a.sessionId.localeCompare(b.sessionId) || a.seq - b.seq,
    )
    expect(whole.nodes).toEqual(inOrder)
    for (const direction of ['ASC', 'DESC']) {
      const expected = direction === 'ASC' ? whole.nodes : whole.nodes.toReversed()
      const forward: Told[] = []
      let after: string | null = null
      for (let more = true; more;) {
        const { nodes, pageInfo } = await page(
          `first: 7, orderBy: { direction: ${direction} } ${after === null ? '' : `, after: "${after}"`}`,
        )
        expect(pageInfo.hasPreviousPage).toBe(after !== null)
        forward.push(...nodes)
        after = pageInfo.endCursor
        more = pageInfo.hasNextPage
      }
      expect(forward.map(placeOf)).toEqual(expected.map(placeOf))
      const backward: Told[] = []
      let before: string | null = null
      for (let more = true; more;) {
        const { nodes, pageInfo } = await page(
          `last: 9, orderBy: { direction: ${direction} } ${before === null ? '' : `, before: "${before}"`}`,
        )
        expect(pageInfo.hasNextPage).toBe(before !== null)
        backward.unshift(...nodes)
        before = pageInfo.startCursor
        more = pageInfo.hasPreviousPage
      }
      expect(backward.map(placeOf)).toEqual(expected.map(placeOf))
    }
    expect((await page('first: 3')).nodes).toEqual(whole.nodes.toReversed().slice(0, 3))
  })

  it('are found by session, project, type and time', async () => {
    const [id = ''] = ids
    const own = await page(`first: 100, filter: { session: "${id}" }, orderBy: { direction: ASC }`)
    expect(own.nodes.map(({ seq }) => seq)).toEqual(Array.from({ length: own.totalCount }, (_, index) => index + 1))
    const failed = await page('filter: { types: ["EXECUTION_FAILED", "SESSION_FAILED"] }')
    expect(failed.nodes.map(({ type }) => type).toSorted()).toEqual([
      'EXECUTION_FAILED',
      'EXECUTION_FAILED',
      'SESSION_FAILED',
      'SESSION_FAILED',
    ])
    expect(failed.totalCount).toBe(4)
    expect(await page(`filter: { project: "${door.house.projectId}", until: "${began}" }`)).toMatchObject({
      totalCount: 0,
      nodes: [],
    })
    const [, second] = own.nodes
    const later = await page(
      `first: 100, filter: { session: "${id}", since: "${second?.at}" }, orderBy: { direction: ASC }`,
    )
    expect(later.nodes.every(({ at }) => at >= (second?.at ?? ''))).toBe(true)
    expect(later.totalCount).toBe(own.nodes.filter(({ at }) => at >= (second?.at ?? '')).length)
  })

  it.each([
    ['after: "1"', 'no cursor'],
    ['before: "0_x_1"', 'no cursor'],
    ['first: 1, last: 1', 'exclude'],
    ['filter: { since: "2020-01-01T00:00:00Z", until: "2020-02-01T00:00:00Z" }', '7 days'],
    ['filter: { since: "2020-01-02T00:00:00Z", until: "2020-01-01T00:00:00Z" }', 'later than until'],
    [`filter: { types: [${'"x" '.repeat(51)}] }`, 'more than 50'],
  ])('refuses %s', async (args, message) => {
    const { errors } = await door.answer(`{ events(${args}) { totalCount } }`)
    expect(errors).toMatchObject([
      { message: expect.stringContaining(message), extensions: { code: 'BAD_USER_INPUT' } },
    ])
  })
})

describe('metrics in groups', () => {
  const groups = async (by: string, window = ''): Promise<Record<string, unknown>[]> => {
    const { metrics } = await door.data(
      `{ metrics(project: "${door.house.projectId}" ${window}) { groups(by: ${by}) {
        key executions accepted failed successRate durationP50Ms durationP95Ms durationMeanMs } } }`,
    )
    return (metrics as { groups: Record<string, unknown>[] }).groups
  }

  it('tell how executions did by agent, type, pattern and time', async () => {
    const all = { executions: 5, accepted: 3, failed: 2, successRate: 0.6, durationP50Ms: expect.any(Number) }
    expect(await groups('AGENT')).toMatchObject([{ key: 'worker', ...all }])
    expect(await groups('AGENT_TYPE')).toMatchObject([{ key: expect.stringMatching(/^[A-Z_]+$/), ...all }])
    for (const [by, is] of [
      ['PATTERN', (key: string) => /^[A-Z]+$/.test(key)],
      ['HOUR', (key: string) => Date.parse(key) % 3_600_000 === 0],
      ['DAY', (key: string) => Date.parse(key) % 86_400_000 === 0],
    ] as const) {
      const found = await groups(by)
      expect(found.reduce((sum, { executions }) => sum + Number(executions), 0)).toBe(5)
      const keys = found.map(({ key }) => String(key))
      expect(keys).toEqual(keys.toSorted())
      expect(keys.filter((key) => !is(key))).toEqual([])
    }
    expect(await groups('AGENT', 'until: "2020-01-01T00:00:00Z"')).toEqual([])
  })

  it('are refused where there would be too many', async () => {
    const { errors } = await door.answer(
      '{ metrics(since: "2020-01-01T00:00:00Z", until: "2020-03-01T00:00:00Z") { groups(by: HOUR) { key } } }',
    )
    expect(errors).toMatchObject([
      { message: expect.stringContaining('1000 groups'), extensions: { code: 'BAD_USER_INPUT' } },
    ])
  })
})
