import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { connectCounter, createRates } from '../../src/graphql/rate.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const program = inject('redisProgram')

describe.skipIf(program === undefined)('operations per minute over several servers', () => {
  let redis: RedisServer
  const counters: Redis[] = []
  const server = async () => {
    const counter = connectCounter(redis.url)
    counters.push(counter)
    await expect.poll(() => counter.status === 'ready', { timeout: 10_000 }).toBe(true)
    return createRates({ perMinute: 4, redis: counter })
  }
  beforeAll(async () => {
    redis = await startRedis(program ?? '')
  })
  afterAll(async () => {
    for (const counter of counters) counter.disconnect()
    await redis.stop('SIGKILL')
  })

  it('are counted by all of them together, and by each alone while Redis is away', async () => {
    const [one, two] = [await server(), await server()]
    for (const rates of [one, two, one, two]) expect(await rates.take('a')).toMatchObject({ allowed: true })
    expect(await one.take('a')).toMatchObject({ allowed: false, remaining: 0, limit: 4 })
    expect(await two.take('a')).toMatchObject({ allowed: false })
    expect(await two.look('a')).toMatchObject({ remaining: 0 })
    expect(await two.take('b')).toMatchObject({ allowed: true, remaining: 3 })

    await redis.stop('SIGKILL')
    await expect.poll(() => counters.every(({ status }) => status !== 'ready'), { timeout: 10_000 }).toBe(true)
    for (const rates of [one, two]) expect(await rates.take('b')).toMatchObject({ allowed: true, remaining: 3 })
  })
})
