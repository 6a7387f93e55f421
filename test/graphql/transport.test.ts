import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import pino from 'pino'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { DEFAULT_LIMITS } from '../../src/graphql/limits.ts'
import { mask } from '../../src/graphql/masking.ts'
import { readMessage } from '../../src/graphql/transport/message.ts'
import { serveSockets } from '../../src/graphql/ws.ts'
import { type Door, openDoor } from './door.ts'

const LIMITS = { connectionInitMs: 500, operationsPerSocket: 3, bodyBytes: 100_000 }

let door: Door
beforeAll(async () => {
  door = await openDoor({ limits: LIMITS })
})
afterAll(() => door.close())

interface Said {
  type: string
  id?: string
  payload?: unknown
}

/** A client that says what it likes, and keeps what it hears. */
interface Client {
  socket: WebSocket
  said: Said[]
  closed: Promise<{ code: number; reason: string }>
  say(message: unknown): void
  /** The first message of this kind, once it is there. */
  hears(expected: Partial<Said>): Promise<Said>
}

async function open(options: { at?: Pick<Door, 'url'>; protocols?: string[]; init?: boolean } = {}): Promise<Client> {
  const { at = door, protocols = ['graphql-transport-ws'], init = true } = options
  const socket = new WebSocket(`${at.url.replace('http', 'ws')}/graphql`, protocols)
  const said: Said[] = []
  socket.on('message', (data) => said.push(JSON.parse(String(data)) as Said))
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) }))
  await once(socket, 'open')
  const client: Client = {
    socket,
    said,
    closed,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async hears(expected) {
      const find = () =>
        said.find((one) => Object.entries(expected).every(([key, value]) => one[key as never] === value))
      // Compared by hand: what was said may be long, and is looked at often.
      await expect.poll(() => find(), { timeout: 20_000 }).toBeDefined()
      return find() as Said
    },
  }
  if (init) {
    client.say({ type: 'connection_init' })
    await client.hears({ type: 'connection_ack' })
  }
  return client
}

const ask = (id: string, query = '{ health { version } }', variables?: object) => ({
  id,
  type: 'subscribe',
  payload: { query, ...(variables && { variables }) },
})
const UPDATED = 'subscription ($id: ID!) { sessionUpdated(sessionId: $id) { status } }'
const sleeping = () => door.house.start([{ key: 'a', input: { sleepMs: 60_000 } }])

describe('a WebSocket is closed', () => {
  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no type', '{}'],
    ['a type that only a server uses', '{"type":"next","id":"1","payload":{}}'],
    ['a type that nobody uses', '{"type":"start"}'],
    ['an init with a payload that is a list', '{"type":"connection_init","payload":[]}'],
    ['subscribe without an id', '{"type":"subscribe","payload":{"query":"{ __typename }"}}'],
    ['subscribe with an empty id', '{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}'],
    ['subscribe with a number as its id', '{"type":"subscribe","id":1,"payload":{"query":"{ __typename }"}}'],
    ['subscribe with an id that is very long', JSON.stringify(ask('x'.repeat(129)))],
    ['subscribe without a query', '{"type":"subscribe","id":"1","payload":{}}'],
    ['subscribe with variables that are a text', '{"type":"subscribe","id":"1","payload":{"query":"","variables":""}}'],
    ['complete without an id', '{"type":"complete"}'],
  ])('with 4400 and a reason for %s', async (_what, text) => {
    const client = await open()
    client.say(text)
    const { code, reason } = await client.closed
    expect(code).toBe(4400)
    expect(reason).not.toBe('')
  })

  it('with 4401 for an operation before the acknowledgement', async () => {
    const client = await open({ init: false })
    client.say(ask('1'))
    expect(await client.closed).toMatchObject({ code: 4401 })
  })

  it('with 4406 if it does not speak graphql-transport-ws', async () => {
    // Clients refuse a server that chooses none of what they offered, so this one offers nothing.
    const client = await open({ protocols: [], init: false })
    expect(await client.closed).toMatchObject({ code: 4406 })
  })

  it.each([
    ['4403 for whoever may not come in', async () => false, 4403],
    ['4500 when something goes wrong that should not', () => Promise.reject(new Error('a secret')), 4500],
  ])('with %s, which says nothing more', async (_what, admit, code) => {
    const http = createServer()
    const log = pino({ level: 'silent' })
    const sockets = serveSockets(http, {
      limits: DEFAULT_LIMITS,
      log,
      refuse: () => undefined,
      admit,
      envelop: () => {
        throw new Error('not reached')
      },
      mask: (error) => mask(error, { log, requestId: 'x' }),
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const client = await open({ at: { url }, init: false })
    client.say({ type: 'connection_init', payload: { token: 'wrong' } })
    const closed = await client.closed
    expect(closed.code).toBe(code)
    expect(closed.reason).not.toMatch(/secret/)
    expect(client.said).toEqual([])
    sockets.close()
    http.close()
  })

  it('with 4408 if it does not begin in time', async () => {
    const client = await open({ init: false })
    expect(await client.closed).toMatchObject({ code: 4408 })
  })

  it('with 4409 for an id that is in use, after which the id is told', async () => {
    const client = await open()
    const id = await sleeping()
    client.say(ask('again', UPDATED, { id }))
    await client.hears({ type: 'next', id: 'again' })
    client.say(ask('again'))
    expect(await client.closed).toEqual({ code: 4409, reason: 'Subscriber for again already exists' })
    await door.house.coordinator.cancel(id, 'enough')
  })

  it('with 4429 for a second init', async () => {
    const client = await open()
    client.say({ type: 'connection_init' })
    expect(await client.closed).toMatchObject({ code: 4429 })
  })

  it('with 1009 for a message that is too large', async () => {
    const client = await open()
    client.say('x'.repeat(LIMITS.bodyBytes + 1))
    expect(await client.closed).toMatchObject({ code: 1009 })
  })

  it('with 1001 and how to go on when the server stops, behind all that was said before', async () => {
    const own = await openDoor()
    const client = await open({ at: own })
    client.say(ask('1'))
    await client.hears({ type: 'complete', id: '1' })
    await own.close()
    const { code, reason } = await client.closed
    expect(code).toBe(1001)
    expect(reason).toMatch(/subscribe again, with after: the last cursor/)
  })

  it('with 1000 once nothing has been asked for long', async () => {
    const own = await openDoor({ limits: { socketIdleMs: 100 } })
    const client = await open({ at: own })
    expect(await client.closed).toMatchObject({ code: 1000, reason: expect.stringMatching(/connect again/) })
    await own.close()
  })

  it('with 1001 once it is too old, after each operation was told where to go on', async () => {
    const own = await openDoor({ limits: { socketMs: 3_000 } })
    const id = await own.house.start([{ key: 'a', input: { sleepMs: 60_000 } }])
    await own.house.until(id, ({ status }) => status === 'RUNNING')
    const client = await open({ at: own })
    client.say(
      ask('1', 'subscription ($id: ID!) { sessionEvents(sessionId: $id) { ... on SessionEvent { cursor } } }', { id }),
    )
    expect(await client.closed).toMatchObject({ code: 1001 })
    const sent = client.said.findLast(({ type }) => type === 'next')
    const { cursor } = (sent as { payload: { data: { sessionEvents: { cursor: number } } } }).payload.data.sessionEvents
    expect(client.said.at(-1)).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'RENEW', cursor } }] })
    await own.close()
  })
})

describe('on a WebSocket', () => {
  it('ping is answered with pong and its payload, also before the init; pong with nothing', async () => {
    const client = await open({ init: false })
    client.say({ type: 'ping' })
    client.say({ type: 'pong' })
    client.say({ type: 'ping', payload: { at: 1 } })
    await expect.poll(() => client.said).toEqual([{ type: 'pong' }, { type: 'pong', payload: { at: 1 } }])
    client.socket.close()
  })

  it('a query is answered with next and complete, a mistake in it with error and nothing more', async () => {
    const client = await open()
    client.say(ask('1'))
    await client.hears({ type: 'complete', id: '1' })
    client.say(ask('2', '{ nonsense }'))
    await client.hears({ type: 'error', id: '2' })
    client.say(ask('3', '{ health '))
    await client.hears({ type: 'error', id: '3' })
    client.say({ ...ask('4', 'query A { __typename } query B { __typename }') })
    await client.hears({ type: 'error', id: '4' })
    expect(client.said.slice(1).map(({ type, id }) => `${type} ${id}`)).toEqual([
      'next 1',
      'complete 1',
      'error 2',
      'error 3',
      'error 4',
    ])
    expect(client.said[1]?.payload).toMatchObject({ data: { health: { version: '1.2.3' } } })
    client.socket.close()
  })

  it('a mutation is taken as over POST', async () => {
    const client = await open()
    client.say(ask('1', 'mutation { archiveTask(input: { id: "Task:x" }) { __typename } }'))
    await client.hears({ type: 'complete', id: '1' })
    expect(client.said[1]?.payload).toMatchObject({ data: { archiveTask: { __typename: 'NotFoundError' } } })
    client.socket.close()
  })

  it('a subscription to what is not there is answered with the error as its only result', async () => {
    const client = await open()
    client.say(ask('1', UPDATED, { id: uuid() }))
    await client.hears({ type: 'complete', id: '1' })
    expect(client.said[1]).toMatchObject({ type: 'next', payload: { errors: [{ extensions: { code: 'NOT_FOUND' } }] } })
    client.socket.close()
  })

  it('an id is free again once its operation is over, whoever ended it', async () => {
    const id = await sleeping()
    const client = await open()
    for (let round = 1; round <= 3; round++) {
      client.say(ask('1', UPDATED, { id }))
      await expect.poll(() => client.said.filter(({ type }) => type === 'next')).toHaveLength(round)
      client.say({ type: 'complete', id: '1' })
    }
    client.say({ type: 'complete', id: 'never heard of' })
    client.say(ask('1'))
    await client.hears({ type: 'complete', id: '1' })
    client.socket.close()
    await expect.poll(() => door.listening()).toBe(0)
    await door.house.coordinator.cancel(id, 'enough')
  })

  it('an operation that is left before it has begun is never heard of', async () => {
    const id = await sleeping()
    const client = await open()
    client.say(ask('1', UPDATED, { id }))
    client.say({ type: 'complete', id: '1' })
    client.say(ask('2'))
    await client.hears({ type: 'complete', id: '2' })
    await expect.poll(() => door.listening()).toBe(0)
    expect(client.said.some(({ id }) => id === '1')).toBe(false)
    client.socket.close()
    await door.house.coordinator.cancel(id, 'enough')
  })

  it('more operations than allowed are refused, and those before go on', async () => {
    const id = await sleeping()
    const client = await open()
    for (const name of ['1', '2', '3', '4']) client.say(ask(name, UPDATED, { id }))
    expect((await client.hears({ type: 'error', id: '4' })).payload).toMatchObject([{ extensions: { code: 'LIMIT' } }])
    await door.house.coordinator.cancel(id, 'enough')
    for (const name of ['1', '2', '3']) await client.hears({ type: 'complete', id: name })
    client.socket.close()
  })

  it('ids that need to be escaped come back as they were', async () => {
    const id = await sleeping()
    const client = await open()
    const name = '"\\\n\u2028 é 日本 \ud83d\ude00'
    client.say(ask(name, UPDATED, { id }))
    await client.hears({ type: 'next', id: name })
    client.socket.close()
    await door.house.coordinator.cancel(id, 'enough')
  })

  it('messages of every length of frame arrive whole', async () => {
    const client = await open()
    for (const [index, length] of [0, 1, 50, 124, 125, 126, 60_000, 65_535, 65_536, 99_000].entries()) {
      client.say({ type: 'ping', payload: { x: 'x'.repeat(length) } })
      await expect.poll(() => client.said).toHaveLength(index + 2)
      expect((client.said.at(-1) as { payload: { x: string } }).payload.x).toHaveLength(length)
    }
    client.socket.close()
  })
})

describe('a client that does not read', () => {
  it('is told for each operation where to go on, then closed with 1013, and harms nobody', async () => {
    const own = await openDoor({ limits: { slowReaderMs: 500, socketBytes: 600_000 } })
    const id = await own.house.start([{ key: 'a', input: { sleepMs: 60_000 } }])
    const { prisma } = own.house.database
    await expect.poll(() => prisma.activity.count()).toBe(1)
    const { id: execution } = await prisma.execution.findFirstOrThrow({ where: { sessionId: id } })
    const lines = 4_000
    await own.house.database.query(
      `INSERT INTO "Activity" ("executionId", seq, attempt, kind, text, at)
       SELECT $1::uuid, n, 1, 'OUTPUT', $2, now() FROM generate_series(2, ${lines}) n`,
      [execution, 'x'.repeat(8_000)],
    )
    const query = 'subscription ($id: ID!, $after: Int) { executionActivity(executionId: $id, after: $after) { seq } }'
    const withText = query.replace('{ seq }', '{ seq text }')
    const slow = await open({ at: own })
    const other = await open({ at: own })
    // At once: a client that looks again later may have read everything by then.
    slow.socket.once('message', () => slow.socket.pause())
    slow.say(ask('slow', withText, { id: execution }))
    await slow.hears({ type: 'next' })
    other.say(ask('other', withText, { id: execution }))
    const seqs = ({ said }: Client) =>
      said
        .filter(({ type }) => type === 'next')
        .map(({ payload }) => (payload as { data: { executionActivity: { seq: number } } }).data.executionActivity.seq)
    await expect.poll(() => seqs(other).length).toBe(lines)
    expect(seqs(other)).toEqual(Array.from({ length: lines }, (_, index) => index + 1))
    other.say({ type: 'complete', id: 'other' })
    // The server lets go of what it read for it.
    await expect.poll(() => own.listening(), { timeout: 10_000 }).toBe(0)
    slow.socket.resume()
    expect(await slow.closed).toMatchObject({ code: 1013, reason: expect.stringMatching(/after: the last cursor/) })
    const cursor = seqs(slow).at(-1) as number
    expect(cursor).toBeLessThan(lines)
    expect(seqs(slow)).toEqual(Array.from({ length: cursor }, (_, index) => index + 1))
    expect(slow.said.at(-1)).toMatchObject({
      id: 'slow',
      type: 'error',
      payload: [{ extensions: { code: 'TOO_SLOW', cursor } }],
    })
    // And goes on from there.
    const again = await open({ at: own })
    again.say(ask('again', query, { id: execution, after: cursor }))
    await expect.poll(() => seqs(again).at(-1)).toBe(lines)
    expect([...seqs(slow), ...seqs(again)]).toEqual(seqs(other))
    await own.close()
  })

  it('but asks and asks ends as soon as too much waits for it', async () => {
    const own = await openDoor({ limits: { socketBytes: 300_000 } })
    const client = await open({ at: own })
    client.socket.pause()
    const payload = { x: 'x'.repeat(50_000) }
    const begin = client.socket.bufferedAmount
    // Sockets of the system hold some megabytes on their own.
    for (let n = 0; n < 400 && client.socket.readyState === WebSocket.OPEN; n++) {
      client.say({ type: 'ping', payload })
      await turn()
    }
    expect(begin).toBe(0)
    client.socket.resume()
    expect(await client.closed).toMatchObject({ code: 1013 })
    expect((await own.answer('{ health { version } }')).errors).toBeUndefined()
    await own.close()
  })

  it('and so answers no ping is closed on the side of the server', async () => {
    const own = await openDoor({ limits: { keepAliveMs: 50 } })
    const id = await own.house.start([{ key: 'a', input: { sleepMs: 60_000 } }])
    const client = await open({ at: own })
    client.say(ask('1', UPDATED, { id }))
    await client.hears({ type: 'next' })
    client.socket.pause()
    // Its operation ends, though it has not heard of that yet.
    await expect.poll(() => own.listening(), { timeout: 20_000 }).toBe(0)
    client.socket.resume()
    expect(await client.closed).toMatchObject({ code: 1013 })
    expect(client.said.at(-1)).toMatchObject({
      type: 'error',
      id: '1',
      payload: [{ extensions: { code: 'TOO_SLOW' } }],
    })
    await own.close()
  })
})

describe('messages of a client', () => {
  it('are read as the protocol says', () => {
    expect(readMessage('{"type":"ping"}')).toEqual({ type: 'ping' })
    expect(readMessage('{"type":"connection_init","payload":null}')).toMatchObject({ type: 'connection_init' })
    expect(readMessage(JSON.stringify(ask('1')))).toEqual(ask('1'))
    expect(readMessage('{"type":"complete","id":"1","more":1}')).toEqual({ type: 'complete', id: '1' })
  })
})
