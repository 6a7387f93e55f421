import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { Member } from '../servers/member.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { POSTGRES_TEMPLATE } from '../services.ts'
import { type Fleet, openFleet } from './fleet.ts'

const SCRIPTS = {
  quick: 'sleep 0.1; echo quick',
  slow: 'echo begun; sleep 3; echo slow',
  long: 'echo begun; sleep 600',
  /** Hangs the first time, as if whatever it waits for had gone with its server. */
  once: 'if mkdir begun 2>/dev/null; then echo begun; sleep 600; fi; echo again',
}
const program = inject('redisProgram')

describe.skipIf(inject('postgresUrl') === undefined || program === undefined)('servers that share a database', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis(program as string)
  })
  afterAll(() => redis.stop('SIGKILL'))

  async function fleetOf(template = POSTGRES_TEMPLATE): Promise<Fleet> {
    const fleet = await openFleet(template, redis.url, SCRIPTS)
    onTestFinished(() => fleet.close())
    return fleet
  }
  const start = (fleet: Fleet, environment: Record<string, string> = {}): Promise<Member> =>
    fleet.start({ TUTTI_LEASE_MS: '3000', ...environment })
  const several = (fleet: Fleet, count: number, environment: Record<string, string> = {}): Promise<Member[]> =>
    Promise.all(Array.from({ length: count }, () => start(fleet, environment)))

  /** Waits until a session has SUCCEEDED, and looks at its attempts and its events. */
  async function ended(fleet: Fleet, id: string, attempts: readonly string[]): Promise<void> {
    await expect.poll(() => fleet.status(id)).toBe('SUCCEEDED')
    expect(await fleet.attempts(id)).toEqual(attempts)
    const seqs = (await fleet.events(id)).map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.map((_, index) => index + 1))
  }
  /** The member whose process performs the attempt of the session that runs. */
  async function performerOf(fleet: Fleet, id: string, members: readonly Member[]): Promise<Member> {
    const [row] = await fleet.database.query<{ name: string }>(
      `SELECT s.name FROM "Attempt" a JOIN "Server" s ON s.id = a.owner WHERE a."sessionId" = $1 AND a.status = 'RUNNING'`,
      [id],
    )
    const found = members.find(({ process }) => row?.name.endsWith(`:${process.pid}`))
    if (!found) throw new Error(`nobody performs it: ${row?.name}`)
    return found
  }
  const ready = async (member: Member): Promise<[number, string]> => {
    const response = await member.get('/health/ready')
    return [response.status, await response.text()]
  }

  it('start at once on an empty database: it is migrated once, and all see all', async () => {
    const fleet = await fleetOf('template0')
    const [first] = await several(fleet, 3)
    const { health } = (await (first as Member).ask(
      '{ health { role engine bus servers { name role draining } } }',
    )) as {
      health: { role: string; servers: { name: string }[] }
    }
    expect(health.role).toBe('ALL')
    expect(new Set(health.servers.map(({ name }) => name)).size).toBe(3)
    const names = await fleet.database.prisma.agent.findMany({ where: { archivedAt: null }, select: { name: true } })
    expect(names.map(({ name }) => name).toSorted()).toEqual(Object.keys(SCRIPTS).toSorted())
  })

  it('share the work: what an api server is asked a worker does, which takes no requests itself', async () => {
    const fleet = await fleetOf()
    const [api, worker] = await Promise.all([
      start(fleet, { TUTTI_ROLE: 'api' }),
      start(fleet, { TUTTI_ROLE: 'worker' }),
    ])
    await ended(fleet, await fleet.begin(api, ['quick', 'quick']), ['p0 1 OK', 'p1 1 OK'])
    expect((await worker.get('/graphql')).status).toBe(404)
    expect(await ready(worker)).toEqual([200, expect.stringContaining('"role":"worker"')])
  })

  it('take over what a killed one had: nothing that was accepted runs again', async () => {
    const fleet = await fleetOf()
    const members = await several(fleet, 2)
    const id = await fleet.begin(members[0] as Member, ['quick', 'once', 'quick'])
    await fleet.shown(id, 'p1')
    const victim = await performerOf(fleet, id, members)
    victim.process.kill('SIGKILL')
    await ended(fleet, id, ['p0 1 OK', 'p1 1 LOST', 'p1 2 OK', 'p2 1 OK'])
  })

  it('take a stopped one for dead: what it says when it wakes is STALE_LEASE, and it ends with 75', async () => {
    const fleet = await fleetOf()
    const members = await several(fleet, 2)
    const id = await fleet.begin(members[0] as Member, ['slow', 'slow'])
    await fleet.shown(id, 'p0')
    const sleeper = await performerOf(fleet, id, members)
    sleeper.process.kill('SIGSTOP')
    await fleet.shown(id, 'p1')
    sleeper.process.kill('SIGCONT')
    expect(await sleeper.ended).toBe(75)
    expect(sleeper.log.map(({ msg }) => msg)).toContainEqual(
      expect.stringContaining('silent for longer than its lease'),
    )
    await ended(fleet, id, ['p0 1 LOST', 'p0 2 OK', 'p1 1 OK'])
    expect((await fleet.events(id)).map(({ type }) => type)).toContain('ATTEMPT_LATE')
  })

  it('restart one after the other under load: nothing is lost, nothing is done twice', async () => {
    const fleet = await fleetOf()
    // Nobody dies here: a server that has much to do is not to be taken for dead.
    const patient = { TUTTI_LEASE_MS: '60000' }
    const members = await several(fleet, 3, patient)
    const ids: string[] = []
    for (const [index, old] of members.entries()) {
      const next = start(fleet, patient)
      const others = members.filter((member) => member !== old)
      for (let n = 0; n < 8; n++) ids.push(await fleet.begin(others[n % 2] as Member, ['quick', 'quick', 'quick']))
      old.process.kill('SIGTERM')
      expect(await old.ended).toBe(0)
      members[index] = await next
    }
    for (const id of ids) await ended(fleet, id, ['p0 1 OK', 'p1 1 OK', 'p2 1 OK'])
  })

  it('leave without haste: not ready but alive, streams end with how to go on, what runs ends, the rest is handed on', async () => {
    const fleet = await fleetOf()
    const members = await several(fleet, 2)
    const id = await fleet.begin(members[0] as Member, ['slow', 'quick'])
    await fleet.shown(id, 'p0')
    const leaver = await performerOf(fleet, id, members)
    const query = `subscription { sessionEvents(sessionId: "${id}", after: 0) { ... on SessionEvent { cursor } } }`
    const socket = new WebSocket(`${leaver.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    const closed = once(socket, 'close')
    const stream = await fetch(`${leaver.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
    })
    leaver.process.kill('SIGTERM')
    expect(await stream.text()).toMatch(/event: next\ndata: .*after: the last cursor.*GOING_AWAY.*\n\nevent: complete/)
    expect((await closed).map(String)).toEqual(['1001', expect.stringContaining('after: the last cursor')])
    expect(await ready(leaver)).toEqual([503, expect.stringContaining('is stopping')])
    expect((await leaver.get('/health/live')).status).toBe(200)
    const refused = await leaver.get('/graphql?query={health{version}}')
    expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('is stopping')])
    expect(await fleet.attempts(id)).toEqual(['p0 1 RUNNING'])
    expect(await leaver.ended).toBe(0)
    await ended(fleet, id, ['p0 1 OK', 'p1 1 OK'])
  })

  it('hand back what does not end in time, and at once when asked twice', async () => {
    const fleet = await fleetOf()
    const first = await start(fleet, { TUTTI_DRAIN_MS: '500' })
    const id = await fleet.begin(first, ['long'])
    await fleet.shown(id, 'p0')
    first.process.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    expect(await fleet.attempts(id)).toEqual(['p0 1 LOST'])
    // Nobody was there: the next one finds it at once.
    const second = await start(fleet)
    await expect.poll(() => fleet.attempts(id), { timeout: 20_000 }).toEqual(['p0 1 LOST', 'p0 2 RUNNING'])
    second.process.kill('SIGTERM')
    await expect.poll(async () => (await ready(second))[0], { timeout: 10_000 }).toBe(503)
    second.process.kill('SIGTERM')
    expect(await second.ended).toBe(0)
    expect(await fleet.attempts(id)).toEqual(['p0 1 LOST', 'p0 2 LOST'])
  })
})
