import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { Redis } from 'ioredis'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { Member } from '../servers/member.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { POSTGRES_TEMPLATE } from '../services.ts'
import { openFleet } from './fleet.ts'

const program = inject('redisProgram')
const QUERY = `subscription ($id: ID!) { sessionEvents(sessionId: $id, after: 0) {
  ... on SessionEvent { event { seq type } } } }`

interface Seen {
  seq: number
  type: string
}

/** Follows a session over one connection, which is never made anew; `all` resolves once the server has sent everything. */
function follow({ url }: Member, id: string): { seen: Seen[]; all: Promise<void> } {
  const seen: Seen[] = []
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  const read = async (): Promise<void> => {
    const stream = client.iterate<{ sessionEvents: { event?: Seen } }>({ query: QUERY, variables: { id } })
    for await (const { data } of stream) if (data?.sessionEvents.event) seen.push(data.sessionEvents.event)
  }
  const all = read()
  onTestFinished(() => client.dispose())
  return { seen, all }
}

/** The sessions that doorbells ring for in a Redis from now on. */
async function bellsOf({ url }: RedisServer): Promise<string[]> {
  const client = new Redis(url)
  onTestFinished(() => client.disconnect())
  const bells: string[] = []
  // It is killed under it.
  client.on('error', () => {})
  client.on('pmessage', (_, channel: string) => bells.push(channel.split(':').at(-1) as string))
  await client.psubscribe('*bell:session:*')
  return bells
}

describe.skipIf(inject('postgresUrl') === undefined || program === undefined)('a subscriber on one server', () => {
  it('sees 1 to n of what another one does, while Redis between them is killed and comes back empty', async () => {
    const until = (file: string) => `echo begun; while [ ! -e ${file} ]; do sleep 0.05; done; echo held`
    const first = await startRedis(program as string)
    const scripts = { quick: 'sleep 0.1; echo quick', middle: until('middle'), last: until('last') }
    const fleet = await openFleet(POSTGRES_TEMPLATE, first.url, scripts)
    onTestFinished(() => fleet.close())
    // A sandbox shows them no other folder.
    const goOn = (file: string) => writeFileSync(join(fleet.folder, file), '')
    const [api] = await Promise.all([fleet.start({ TUTTI_ROLE: 'api' }), fleet.start({ TUTTI_ROLE: 'worker' })])
    const bus = async () => ((await api.ask('{ health { bus } }')) as { health: { bus: string } }).health.bus
    const before = await bellsOf(first)
    const id = await fleet.begin(api, ['quick', 'middle', 'quick', 'last'])
    const { seen, all } = follow(api, id)
    const accepted = () => seen.filter(({ type }) => type === 'EXECUTION_ACCEPTED').length
    await fleet.shown(id, 'p1')
    await expect.poll(accepted).toBe(1)

    await first.stop('SIGKILL')
    await expect.poll(bus).toBe('DOWN')
    goOn('middle')
    // What is done meanwhile is told all the same.
    await expect.poll(accepted).toBe(2)
    const second = await startRedis(program as string, first.port)
    onTestFinished(() => second.stop('SIGKILL'))
    const after = await bellsOf(second)
    goOn('last')
    await all

    expect(await fleet.status(id)).toBe('SUCCEEDED')
    expect(await fleet.attempts(id)).toEqual(['p0', 'p1', 'p2', 'p3'].map((key) => `${key} 1 OK`))
    expect(seen).toEqual((await fleet.events(id)).map(({ seq, type }) => ({ seq, type })))
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1))
    // It was Redis that told of it, both before and after.
    expect(before).toContain(id)
    expect(after).toContain(id)
  })
})
