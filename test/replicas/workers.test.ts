import { expect, inject, it, onTestFinished } from 'vitest'
import { held, working } from '../graphql/working.ts'
import { startRedis } from '../servers/redis.ts'
import { POSTGRES_TEMPLATE } from '../services.ts'
import { openFleet } from './fleet.ts'

const program = inject('redisProgram')

it.skipIf(inject('postgresUrl') === undefined || program === undefined)(
  'one server drives what a worker does that talks to another one, also while Redis is away',
  async () => {
    const redis = await startRedis(program as string)
    const fleet = await openFleet(POSTGRES_TEMPLATE, redis.url, {})
    onTestFinished(() => fleet.close())
    // Only one of them does work, and only the other one has the worker.
    const [driver, door] = await Promise.all([fleet.start(), fleet.start({ TUTTI_ROLE: 'api' })])
    const worker = working({ data: door.ask })
    const { agent } = await worker.tell('registerAgent', {
      name: 'far',
      type: 'GENERAL',
      capabilities: ['far'],
      runtime: 'pull',
      runtimeConfig: {},
    })
    expect(agent).toBeDefined()
    // Asked for before there is any: then it has workers, and the session begins.
    const first = worker.claim('far', { leaseMs: 8_000 })
    const id = await fleet.begin(driver, ['far', 'far'])
    const claimed = await first
    const [attempt] = await fleet.database.query<{ name: string }>(
      `SELECT s.name FROM "Attempt" a JOIN "Server" s ON s.id = a.owner WHERE a."sessionId" = $1`,
      [id],
    )
    expect(attempt?.name).toMatch(new RegExp(`:${driver.process.pid}$`))
    const own = held(claimed)
    expect(await worker.tell('heartbeat', own)).toMatchObject({ canceled: false })
    await worker.tell('reportActivity', { ...own, activities: [{ text: 'on my way' }] })
    await fleet.shown(id, 'p0')

    await redis.stop('SIGKILL')
    // No doorbell rings: the rows are looked at again and again. The first worker falls silent, a second one waits for it.
    const second = await worker.claim('far', { worker: 'two', leaseMs: 60_000 })
    expect(second).toMatchObject({ attempt: claimed.attempt, fence: 2 })
    expect(await worker.tell('heartbeat', own)).toMatchObject({ code: 'STALE_LEASE' })
    expect(await worker.tell('heartbeat', held(second))).toMatchObject({ canceled: false })
    await worker.tell('completeWork', { ...held(second), summary: 'there', output: 1 })
    await expect.poll(() => fleet.attempts(id)).toEqual(['p0 1 OK'])

    // What is next begins once there is a queue again.
    const again = await startRedis(program as string, redis.port)
    onTestFinished(() => again.stop('SIGKILL'))
    const next = await worker.claim('far', { leaseMs: 60_000 })
    expect(next).toMatchObject({ fence: 1, work: { key: 'p1', sessionId: id } })
    await worker.tell('completeWork', { ...held(next), summary: 'and back', output: 2 })
    await expect.poll(() => fleet.status(id)).toBe('SUCCEEDED')
    expect(await fleet.attempts(id)).toEqual(['p0 1 OK', 'p1 1 OK'])
    const seqs = (await fleet.events(id)).map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.map((_, index) => index + 1))
  },
)
