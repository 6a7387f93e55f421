import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import type { Bus } from '../../src/bus.ts'
import { redisBus } from '../../src/buses/redis.ts'
import { busContract } from '../contracts/bus.suite.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const url = inject('redisUrl')
const program = inject('redisProgram')

describe.skipIf(url === undefined)('over Redis', () => {
  busContract('redis', {
    reachesOthers: true,
    async create(world) {
      const bus = redisBus({ url: url ?? '', prefix: `${world}:` })
      await vi.waitUntil(() => bus.status() === 'up', 60_000)
      return bus
    },
  })

  describe('a bus whose Redis comes and goes', () => {
    let redis: RedisServer
    const buses: Bus[] = []
    const lines: string[] = []
    const log = {
      info: (_: object, message: string) => void lines.push(`info ${message}`),
      warn: (_: object, message: string) => void lines.push(`warn ${message}`),
    } as never
    const bus = (options: Partial<Parameters<typeof redisBus>[0]> = {}) => {
      const created = redisBus({ url: redis.url, pollMs: 50, silenceMs: 200, log, ...options })
      buses.push(created)
      return created
    }
    const listen = (on: Bus, topic: string) => {
      const heard: (number | undefined)[] = []
      on.listen(topic, (seq) => void heard.push(seq))
      return heard
    }
    const up = (...all: Bus[]) =>
      expect.poll(() => all.every((each) => each.status() === 'up'), { timeout: 10_000 }).toBe(true)
    const down = (...all: Bus[]) =>
      expect.poll(() => all.every((each) => each.status() === 'down'), { timeout: 10_000 }).toBe(true)

    beforeEach(async () => {
      redis = await startRedis(program ?? '')
    })
    afterEach(async () => {
      await Promise.all(buses.splice(0).map((each) => each.close()))
      await redis.stop('SIGKILL')
      lines.length = 0
    })

    it('starts without it: rings are heard at home, and every ear is told again and again to look', async () => {
      await redis.stop()
      const one = bus()
      const heard = listen(one, 'a')
      one.ring('a', 1)
      await expect.poll(() => heard).toContain(1)
      await expect.poll(() => heard.filter((seq) => seq === undefined).length).toBeGreaterThan(2)
      expect(one.status()).toBe('down')
      redis = await startRedis(program ?? '', redis.port)
      await up(one)
    })

    it('tells every ear to look again once it is back, and hears the others as before', async () => {
      const [one, two] = [bus({ pollMs: 60_000 }), bus({ pollMs: 60_000 })]
      await up(one, two)
      const heard = listen(two, 'a')
      await expect.poll(() => heard).toEqual([undefined])
      await redis.stop('SIGKILL')
      await down(one, two)
      redis = await startRedis(program ?? '', redis.port)
      await up(one, two)
      // Not by polling, which is far too slow here.
      await expect.poll(() => heard.length).toBeGreaterThan(1)
      heard.length = 0
      one.ring('a', 8)
      await expect.poll(() => heard).toEqual([8])
    })

    it('tells the others to look when rings could not be sent', async () => {
      const [one, two] = [bus({ pollMs: 60_000 }), bus({ pollMs: 60_000 })]
      await up(one, two)
      const heard = listen(two, 'a')
      await expect.poll(() => heard).toEqual([undefined])
      const admin = new Redis(redis.url)
      onTestFinished(() => admin.disconnect())
      const clients = String(await admin.client('LIST')).split('\n')
      // Only the connections on which bells are rung: two still hears.
      const publishers = clients.filter((line) => line.includes('name=tutti-publisher'))
      expect(publishers).toHaveLength(2)
      await Promise.all(publishers.map((line) => admin.client('KILL', 'ID', /id=(\d+)/.exec(line)?.[1] ?? '')))
      await expect.poll(() => one.status()).toBe('down')
      one.ring('a', 4)
      await up(one)
      await expect.poll(() => heard).toEqual([undefined, undefined])
    })

    it('notices one that is silent without closing its connections, and recovers', async () => {
      const one = bus()
      await up(one)
      const heard = listen(one, 'a')
      process.kill(redis.pid, 'SIGSTOP')
      await down(one)
      one.ring('a', 1)
      await expect.poll(() => heard).toContain(1)
      process.kill(redis.pid, 'SIGCONT')
      await up(one)
      heard.length = 0
      one.ring('a', 2)
      await expect.poll(() => heard).toContain(2)
    })

    it('loses nothing for good while connections are cut again and again', async () => {
      const [one, two] = [bus(), bus()]
      await up(one, two)
      let seen = 0
      /** Stands for the database: what a reader finds when it looks. */
      let truth = 0
      two.listen('a', (seq) => (seen = seq === undefined ? truth : Math.max(seen, seq)))
      const admin = new Redis(redis.url)
      onTestFinished(() => admin.disconnect())
      for (let round = 0; round < 20; round += 1) {
        for (let n = 0; n < 20; n += 1) one.ring('a', (truth += 1))
        await admin.client('KILL', 'TYPE', 'pubsub')
        for (let n = 0; n < 20; n += 1) one.ring('a', (truth += 1))
        await admin.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      }
      await expect.poll(() => seen, { timeout: 10_000 }).toBe(800)
    })

    it('says in the log once that it went and once that it came', async () => {
      const one = bus()
      await up(one)
      await redis.stop('SIGKILL')
      const heard = listen(one, 'a')
      await expect.poll(() => heard.length).toBeGreaterThan(10)
      redis = await startRedis(program ?? '', redis.port)
      await up(one)
      const server = `Redis at 127.0.0.1, port ${redis.port}`
      const said = lines.map((line) => line.split(':')[0])
      // On a busy machine Redis may be slow enough, at first and afterwards, to count as away once more.
      const [came, went] = [`info ${server} is connected`, `warn ${server} is away`]
      const expected = said.map((_, index) => ((index % 2 === 0) === (said[0] === came) ? came : went))
      expect(said).toEqual(expected)
      expect(said.length).toBeGreaterThanOrEqual(3)
    })

    it('listens on Redis only to what somebody here listens to', async () => {
      const one = bus()
      await up(one)
      const admin = new Redis(redis.url)
      onTestFinished(() => admin.disconnect())
      const channels = async () => ((await admin.pubsub('CHANNELS', 'tutti:bell:*')) as string[]).toSorted()
      const stops = ['a', 'b', 'b'].map((topic) => one.listen(topic, () => {}))
      await expect.poll(() => channels()).toEqual(['tutti:bell:a', 'tutti:bell:b'])
      stops[0]?.()
      stops[1]?.()
      await expect.poll(() => channels()).toEqual(['tutti:bell:b'])
      stops[2]?.()
      await expect.poll(() => channels()).toEqual([])
    })

    it('does not fill the memory when something else answers at its port', async () => {
      const other = createServer((socket) => void socket.resume()).listen(0, '127.0.0.1')
      await once(other, 'listening')
      onTestFinished(() => void other.close())
      const one = bus({ url: `redis://127.0.0.1:${(other.address() as AddressInfo).port}` })
      const heard = listen(one, 'a')
      for (let n = 1; n <= 50_000; n += 1) one.ring('a', n)
      await expect.poll(() => heard).toContain(50_000)
      expect(one.status()).toBe('down')
    })
  })
})
