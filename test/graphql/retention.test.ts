import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRetention } from '../../src/store/retention.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
let id: string
let seq: number
beforeAll(async () => {
  door = await openDoor()
  id = await door.house.start([{ key: 'a' }])
  ;({ seq } = await door.house.end(id))
})
afterAll(() => door.close())

/** All that a subscription says until it completes. */
async function streamed(query: string, variables: object): Promise<unknown[]> {
  const said: unknown[] = []
  for await (const { data, errors } of door.socket().iterate({ query, variables: { ...variables } })) {
    if (errors) throw errors
    said.push(Object.values(data ?? {})[0])
  }
  return said
}
const EVENTS = `subscription ($id: ID!, $after: Int) {
  sessionEvents(sessionId: $id, after: $after) { __typename ... on SessionSnapshot { seq session { status } } }
}`
const goOn = async (): Promise<boolean> => true

describe('what a client sees', () => {
  it('of a session whose events are gone: all but them, and streams that complete at once', async () => {
    const query = `query ($id: ID!) { session(id: $id) {
      status seq events { totalCount nodes { seq } pageInfo { hasNextPage endCursor } }
      late: events(after: "3") { totalCount nodes { seq } } executions { nodes { id status activities { totalCount nodes { seq } } } }
    } }`
    const [before] = Object.values(await door.data(query, { id })) as { events: { totalCount: number } }[]
    expect(before?.events.totalCount).toBe(seq)
    const whole = await streamed(EVENTS, { id })
    expect(whole).toHaveLength(1 + seq)

    const soon = new Date(Date.now() + 1_000)
    expect(await createRetention(door.house.database).removeEvents(soon, goOn)).toBe(1)
    const { session } = (await door.data(query, { id })) as {
      session: { executions: { nodes: { id: string; status: string; activities: object }[] } }
    }
    expect(session).toMatchObject({
      status: 'SUCCEEDED',
      seq,
      events: { totalCount: 0, nodes: [], pageInfo: { hasNextPage: false, endCursor: null } },
      late: { totalCount: 0, nodes: [] },
    })
    for (const { status, activities } of session.executions.nodes)
      expect({ status, activities }).toEqual({ status: 'ACCEPTED', activities: { totalCount: 0, nodes: [] } })
    for (const after of [0, 3, seq]) expect(await streamed(EVENTS, { id, after })).toEqual([whole[0]])
    const [execution] = session.executions.nodes
    const ACTIVITY = 'subscription ($id: ID!) { executionActivity(executionId: $id) { seq } }'
    expect(await streamed(ACTIVITY, { id: execution?.id })).toEqual([])
    expect(await streamed('subscription ($id: ID!) { sessionActivity(sessionId: $id) { seq } }', { id })).toEqual([])
  })

  it('of a session that is gone: that there is none', async () => {
    await createRetention(door.house.database).removeSessions(new Date(Date.now() + 1_000), async () => {}, goOn)
    expect(await door.data('query ($id: ID!) { session(id: $id) { id } sessions { totalCount } }', { id })).toEqual({
      session: null,
      sessions: { totalCount: 0 },
    })
    const [error] = (await streamed(EVENTS, { id }).catch((errors: unknown) => errors)) as { message: string }[]
    expect(error?.message).toBe('There is no such session.')
  })
})
