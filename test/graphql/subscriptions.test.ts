import { eventsOf } from '../database.ts'
import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createClient as createSseClient } from 'graphql-sse'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
})
afterAll(() => door.close())

const EVENTS = `subscription ($id: ID!, $after: Int) {
  sessionEvents(sessionId: $id, after: $after) {
    __typename
    ... on SessionSnapshot { seq session { id status } }
    ... on SessionEvent { cursor event { seq type execution { key } } }
  }
}`
const ACTIVITY = `subscription ($id: ID!, $after: Int) {
  executionActivity(executionId: $id, after: $after) { seq kind text execution { key } }
}`
const SESSION_ACTIVITY = 'subscription ($id: ID!) { sessionActivity(sessionId: $id) { executionId seq text } }'
const UPDATED = 'subscription ($id: ID!) { sessionUpdated(sessionId: $id) { status version } }'

interface Item {
  __typename: 'SessionSnapshot' | 'SessionEvent'
  seq: number
  cursor: number
  session: { id: string; status: string }
  event: { seq: number; type: string; execution: { key: string } | null }
}
type Streamed = Record<string, never>

/** Reads a subscription over WebSocket; an error of the operation is thrown. */
async function* overWs<Shown>(query: string, variables: Record<string, unknown>): AsyncGenerator<Shown> {
  for await (const { data, errors } of door.socket().iterate<Streamed>({ query, variables })) {
    if (errors) throw errors
    yield Object.values(data ?? {})[0] as unknown as Shown
  }
}

/** The same over server-sent events. */
async function* overSse<Shown>(query: string, variables: Record<string, unknown>): AsyncGenerator<Shown> {
  const client = createSseClient({ url: `${door.url}/graphql`, retryAttempts: 0 })
  try {
    for await (const { data, errors } of client.iterate<Streamed>({ query, variables })) {
      if (errors) throw errors
      yield Object.values(data ?? {})[0] as unknown as Shown
    }
  } finally {
    client.dispose()
  }
}

async function all<Shown>(stream: AsyncIterable<Shown>): Promise<Shown[]> {
  const shown: Shown[] = []
  for await (const one of stream) shown.push(one)
  return shown
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)
const threeParts = () =>
  door.house.start([{ key: 'a', input: { sleepMs: 200 } }, { key: 'b', dependsOn: ['a'] }, { key: 'c' }])

async function keyed(sessionId: string, key: string): Promise<string> {
  const where = { sessionId_key: { sessionId, key } }
  return (await door.house.database.prisma.execution.findUniqueOrThrow({ where })).id
}

describe.each([
  ['WebSocket', overWs],
  ['server-sent events', overSse],
] as const)('over %s', (_name, over) => {
  it('sessionEvents sends the state, then every event once and in order, and completes with the last one', async () => {
    const id = await threeParts()
    const [snapshot, ...events] = await all(over<Item>(EVENTS, { id }))
    expect(snapshot).toMatchObject({ __typename: 'SessionSnapshot', session: { id: `Session:${id}` } })
    const { seq } = await door.house.end(id)
    expect(events.map(({ event }) => event.seq)).toEqual(upTo(seq))
    expect(events.map(({ cursor }) => cursor)).toEqual(upTo(seq))
    expect(events.at(-1)?.event.type).toBe('SESSION_SUCCEEDED')
    const rows = await eventsOf(door.house.database, id)
    expect(events.map(({ event }) => event.type)).toEqual(rows.map(({ type }) => type))
  })

  it('sessionEvents goes on behind a cursor, also when the session has ended', async () => {
    const id = await threeParts()
    const { seq } = await door.house.end(id)
    const [snapshot, ...rest] = await all(over<Item>(EVENTS, { id, after: 5 }))
    expect(snapshot).toMatchObject({ seq, session: { status: 'SUCCEEDED' } })
    expect(rest.map(({ cursor }) => cursor)).toEqual(upTo(seq).slice(5))
    expect(await all(over<Item>(EVENTS, { id, after: seq }))).toEqual([snapshot])
  })

  it('a cursor ahead of the log and an unknown session are errors, not silence', async () => {
    const id = await threeParts()
    const { seq } = await door.house.end(id)
    const code = (code: string) => [expect.objectContaining({ extensions: expect.objectContaining({ code }) })]
    await expect(all(over(EVENTS, { id, after: seq + 1 }))).rejects.toEqual(code('BAD_USER_INPUT'))
    await expect(all(over(EVENTS, { id, after: -1 }))).rejects.toEqual(code('BAD_USER_INPUT'))
    for (const unknown of [uuid(), 'Session:nonsense', `Task:${id}`, '\0', '']) {
      const expected = unknown === '\0' ? 'BAD_USER_INPUT' : 'NOT_FOUND'
      await expect(all(over(EVENTS, { id: unknown }))).rejects.toEqual(code(expected))
      await expect(all(over(ACTIVITY, { id: unknown }))).rejects.toEqual(code(expected))
      await expect(all(over(SESSION_ACTIVITY, { id: unknown }))).rejects.toEqual(code(expected))
      await expect(all(over(UPDATED, { id: unknown }))).rejects.toEqual(code(expected))
    }
  })

  it('executionActivity sends what is shown over all attempts, resumes behind a number, and completes', async () => {
    const id = await door.house.start([{ key: 'a', input: { failTimes: 1 }, retry: { maxAttempts: 2, initialMs: 1 } }])
    const execution = await keyed(id, 'a')
    const shown = await all(
      over<{ seq: number; text: string; execution: { key: string } }>(ACTIVITY, { id: execution }),
    )
    expect(shown).toEqual([
      { seq: 1, kind: 'OUTPUT', text: 'working on a', execution: { key: 'a' } },
      { seq: 2, kind: 'OUTPUT', text: 'a was told to fail', execution: { key: 'a' } },
      { seq: 3, kind: 'OUTPUT', text: 'working on a', execution: { key: 'a' } },
    ])
    expect(await all(over(ACTIVITY, { id: execution, after: 2 }))).toEqual(shown.slice(2))
    await expect(all(over(ACTIVITY, { id: execution, after: 4 }))).rejects.toBeTruthy()
  })

  it('sessionActivity sends what all executions show, each in its order, and completes', async () => {
    const id = await threeParts()
    const shown = await all(over<{ executionId: string; text: string }>(SESSION_ACTIVITY, { id }))
    expect(shown.map(({ text }) => text).toSorted()).toEqual(['working on a', 'working on b', 'working on c'])
    expect(shown.map(({ executionId }) => executionId)).toContain(`Execution:${await keyed(id, 'b')}`)
  })

  it('sessionUpdated sends states that only go forward, the last one certainly', async () => {
    const id = await threeParts()
    const states = await all(over<{ status: string; version: number }>(UPDATED, { id }))
    const versions = states.map(({ version }) => version)
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
    expect(states.at(-1)?.status).toBe('SUCCEEDED')
  })

  it('whoever leaves while there is nothing to say is no longer listened for', async () => {
    const id = await door.house.start([{ key: 'a', input: { sleepMs: 60_000 } }])
    const execution = await keyed(id, 'a')
    await door.house.shown(execution)
    for (const [query, variables] of [
      [EVENTS, { id }],
      [UPDATED, { id }],
      [ACTIVITY, { id: execution }],
      [SESSION_ACTIVITY, { id }],
    ] as const) {
      await expect.poll(() => door.listening(), { timeout: 5_000 }).toBe(0)
      const { next, leave } = over === overWs ? openWs(query, variables) : openSse(query, variables)
      await next()
      expect(door.listening()).toBeGreaterThan(0)
      leave()
    }
    await expect.poll(() => door.listening(), { timeout: 5_000 }).toBe(0)
    expect((await door.house.until(id, () => true)).status).toBe('RUNNING')
    await door.house.coordinator.cancel(id, 'enough')
    await door.house.end(id)
  })
})

function openWs(query: string, variables: Record<string, unknown>) {
  const stream = door.socket().iterate({ query, variables })
  return { next: () => stream.next(), leave: () => void stream.return?.() }
}

function openSse(query: string, variables: Record<string, unknown>) {
  const client = createSseClient({ url: `${door.url}/graphql`, retryAttempts: 0 })
  const stream = client.iterate({ query, variables })
  return { next: () => stream.next(), leave: () => client.dispose() }
}

/** In how many ways readers come and go; more readers would only do the same. */
const RHYTHMS = 12

describe('many readers', () => {
  it('that reconnect at any point see each event exactly once and in order', async () => {
    const id = await door.house.start(
      Array.from({ length: 8 }, (_, n) => ({
        key: `p${n}`,
        dependsOn: n % 3 ? [`p${n - 1}`] : [],
        input: { sleepMs: 50 },
      })),
    )
    const query = `subscription ($id: ID!, $after: Int) {
      sessionEvents(sessionId: $id, after: $after) { ... on SessionEvent { cursor event { type } } }
    }`
    const readers = upTo(RHYTHMS).map(async (reader) => {
      const seen: number[] = []
      for (let last = ''; last !== 'SESSION_SUCCEEDED';) {
        let taken = 0
        for await (const { cursor, event } of overWs<Partial<Item>>(query, { id, after: seen.at(-1) ?? 0 })) {
          if (cursor === undefined) continue
          seen.push(cursor)
          last = event?.type ?? ''
          taken += 1
          // Leaves after 1 to 12 events, each reader in a rhythm of its own.
          if (taken > (seen.length * reader) % RHYTHMS) break
        }
      }
      return seen
    })
    const seen = await Promise.all(readers)
    const { seq } = await door.house.end(id)
    for (const numbers of seen) expect(numbers).toEqual(upTo(seq))
    // Well over a hundred connections, on machines that are busy.
  })
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that are held outside of the heap; what nobody holds any more does not count, however long it may lie about. */
function held(): number {
  collect()
  // What the first one found is given back while the second one waits for it.
  collect()
  const { arrayBuffers, external } = process.memoryUsage()
  return arrayBuffers + external
}

const LINES = 4_000
const LINE = 'x'.repeat(8_000)

describe('a reader who does not read', () => {
  let execution: string
  beforeAll(async () => {
    const id = await door.house.start([{ key: 'a' }])
    await door.house.end(id)
    execution = await keyed(id, 'a')
    await door.house.database.query(
      `INSERT INTO "Activity" ("executionId", seq, attempt, kind, text, at)
       SELECT $1::uuid, n, 1, 'OUTPUT', $2, now() FROM generate_series(2, ${LINES}) n`,
      [execution, LINE],
    )
  })

  it.each(['WebSocket', 'server-sent events'])(
    'over %s costs the server next to nothing, and misses nothing',
    async (how) => {
      const query = 'subscription ($id: ID!) { executionActivity(executionId: $id) { seq text } }'
      const payload = { query, variables: { id: execution } }
      const { pause, resume, received } = how === 'WebSocket' ? await rawWs(payload) : await rawSse(payload)
      pause()
      const before = held()
      // Another reader gets everything meanwhile; by then the one that does not read could have been sent all of it.
      const others = await all(overWs<{ seq: number }>(query, { id: execution }))
      expect(others.map(({ seq }) => seq)).toEqual(upTo(LINES))
      await expect.poll(() => held() - before).toBeLessThan(16 * 1024 * 1024)
      resume()
      expect(await received()).toEqual(upTo(LINES))
    },
  )
})

describe('a server that closes its doors', () => {
  it('ends every stream, tells sockets that it goes away, and waits for nobody', async () => {
    const own = await openDoor()
    const id = await own.house.start([{ key: 'a', input: { sleepMs: 60_000 } }])
    const query = `subscription { sessionUpdated(sessionId: "${id}") { status } }`
    const socket = new WebSocket(`${own.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    const socketClosed = once(socket, 'close')
    const response = await own.post({ query }, { accept: 'text/event-stream' })
    const reader = response.body?.getReader()
    await reader?.read()
    const begin = performance.now()
    await own.close()
    expect((await socketClosed)[0]).toBe(1001)
    const ended = async (): Promise<true> => ((await reader?.read())?.done ? true : ended())
    await expect(ended().catch(() => true)).resolves.toBe(true)
    expect(own.listening()).toBe(0)
    // A second for requests under way, and what it takes to stop the program.
    expect(performance.now() - begin).toBeLessThan(10_000)
  })
})

interface Raw {
  pause(): void
  resume(): void
  /** Numbers of all that came, once the stream has completed. */
  received(): Promise<number[]>
}

async function rawWs(payload: object): Promise<Raw> {
  const socket = new WebSocket(`${door.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const numbers: number[] = []
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init' }))
  const completed = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as {
        type: string
        payload: { data: { executionActivity: { seq: number } } }
      }
      if (message.type === 'connection_ack') socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }))
      if (message.type === 'next') numbers.push(message.payload.data.executionActivity.seq)
      if (message.type === 'complete') resolve()
    })
  })
  await expect.poll(() => numbers.length, { timeout: 5_000 }).toBeGreaterThan(0)
  return {
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    received: async () => {
      await completed
      socket.close()
      return numbers
    },
  }
}

async function rawSse(payload: object): Promise<Raw> {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
  const sent = request(`${door.url}/graphql`, { method: 'POST', headers })
  sent.end(JSON.stringify(payload))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  await once(response, 'data')
  return {
    pause: () => response.pause(),
    resume: () => response.resume(),
    received: async () => {
      await once(response, 'end')
      return [...text.matchAll(/"seq":(\d+)/g)].map(([, seq]) => Number(seq))
    },
  }
}
