import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import { timers } from '../../src/coordinator/timers.ts'
import type { Engine } from '../../src/engine.ts'
import { createBullmqEngine } from '../../src/engines/bullmq.ts'
import { createWorld, engineContract } from '../contracts/engine.suite.ts'
import { startProxy } from '../servers/proxy.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const url = inject('redisUrl')
const program = inject('redisProgram')

/** Jobs that wait in the queue of an agent. */
async function queued(at: string, prefix: string, agentId: string): Promise<number> {
  const client = new Redis(at, { maxRetriesPerRequest: null })
  const queue = new Queue(`agent-${agentId}`, { connection: client, prefix, skipMetasUpdate: true })
  const count = await queue.count()
  await queue.close()
  client.disconnect()
  return count
}

describe.skipIf(url === undefined)('over Redis', () => {
  engineContract('bullmq', {
    reachesOthers: true,
    async create(world, log) {
      const engine = createBullmqEngine({ url: url ?? '', prefix: world, log, timers })
      await vi.waitUntil(() => engine.status() === 'up', 10_000)
      return engine
    },
    queued: (world, agentId) => queued(url ?? '', world, agentId),
  })

  describe('several agents and servers', () => {
    let world: ReturnType<typeof createWorld>
    const engines: Engine[] = []
    const create = (options: { prefix?: string; lockMs?: number } = {}) => {
      const created = createBullmqEngine({ url: url ?? '', prefix: world.name, log: world.log, timers, ...options })
      engines.push(created)
      return created
    }
    const redis = () => {
      const client = new Redis(url ?? '')
      onTestFinished(() => client.disconnect())
      return client
    }
    beforeEach(() => {
      world = createWorld()
    })
    afterEach(async () => {
      for (const { end } of world.running.values()) end()
      await Promise.all(engines.splice(0).map((each) => each.stop()))
    })

    it('lets whoever of two able agents is free first take what waits for both', async () => {
      world.agents = ['a', 'b'].map((id) => ({ id, slots: 1 }))
      const engine = create()
      engine.start(world.crew('one'))
      for (const id of ['1', '2']) world.ring(engine, id)
      await world.until(() => world.running.size === 2)
      for (const id of ['3', '4']) world.ring(engine, id)
      await world.until(async () => (await queued(url ?? '', world.name, 'b')) === 2)
      for (const { agentId, end } of world.running.values()) if (agentId === 'b') end()
      await world.until(() => world.running.has('3'))
      expect(world.running.get('3')?.agentId).toBe('b')
      // It waits nowhere any more.
      await world.until(async () => (await queued(url ?? '', world.name, 'a')) === 1)
    })

    it('keeps no slot busy with what another agent has taken', async () => {
      world.agents = ['a', 'b'].map((id) => ({ id, slots: 1 }))
      const [one, two] = [create(), create()]
      one.start(world.crew('one'))
      two.start(world.crew('two'))
      for (let index = 0; index < 16; index += 1) world.ring(one, `${index}`)
      for (let begun = 2; begun <= 16; begun += 2) {
        await world.until(() => world.begun.length === begun && world.running.size === 2)
        expect([...world.running.values()].map(({ agentId }) => agentId).toSorted()).toEqual(['a', 'b'])
        for (const { end } of world.running.values()) end()
      }
      expect(new Set(world.begun).size).toBe(16)
    })

    it('follows the slots of an agent as they change, and brings what waits for one that goes to another', async () => {
      world.agents = [{ id: 'a', slots: 1 }]
      const [one, two] = [create(), create()]
      one.start(world.crew('one'))
      two.start(world.crew('two'))
      for (const id of ['1', '2', '3', '4']) world.ring(one, id)
      await world.until(() => world.running.size === 1)
      world.agents = [{ id: 'a', slots: 3 }]
      for (const engine of [one, two]) engine.nudge()
      await world.until(() => world.running.size === 3)
      world.agents = [{ id: 'b', slots: 1 }]
      for (const engine of [one, two]) engine.nudge()
      await world.until(async () => (await queued(url ?? '', world.name, 'a')) === 0)
      // As the sweeper does for what is READY and nobody takes.
      for (const id of world.ready) world.ring(two, id)
      await world.until(() => world.running.size === 4)
      expect([...world.running.values()].map(({ agentId }) => agentId).toSorted()).toEqual(['a', 'a', 'a', 'b'])
    })

    it('passes on what its agent cannot do any more', async () => {
      world.agents = [
        { id: 'a', slots: 1 },
        { id: 'b', slots: 1 },
      ]
      const engine = create()
      const crew = world.crew('one')
      let able = ['a']
      engine.start({
        ...crew,
        async choose(...asked) {
          const selection = await crew.choose(...asked)
          if (!selection) return undefined
          const ranked = selection.ranked.filter(({ agentId }) => able.includes(agentId))
          const chosen = ranked.find(({ free }) => free)
          return { ranked, refused: [], ...(chosen && { chosen }) }
        },
      })
      world.ring(engine, '1')
      await world.until(() => world.running.size === 1)
      world.ring(engine, '2')
      await world.until(async () => (await queued(url ?? '', world.name, 'a')) === 1)
      able = ['b']
      world.end('1')
      await world.until(() => world.running.has('2'))
      expect(world.running.get('2')?.agentId).toBe('b')
    })

    it('does not begin what was withdrawn while the crew was thinking', async () => {
      const engine = create()
      const crew = world.crew('one')
      let withdrawn = false
      engine.start({
        ...crew,
        async choose(sessionId, executionId, running) {
          const selection = await crew.choose(sessionId, executionId, running)
          // Its agent has it in hand by now.
          if (executionId === '1' && running.get('a') === 0 && (await queued(url ?? '', world.name, 'a')) === 0) {
            engine.withdraw('1')
            withdrawn = true
          }
          return selection
        },
      })
      world.ring(engine, '1')
      await world.until(() => withdrawn)
      world.ring(engine, '2')
      await world.until(() => world.running.has('2'))
      expect(world.begun).toEqual(['2'])
    })

    it('does once what the queue delivers twice since a server did not say that it lives', async () => {
      const engine = create({ lockMs: 600 })
      const performed: string[] = []
      const crew = world.crew('one')
      engine.start({
        ...crew,
        perform(assignment, signal) {
          performed.push(assignment.executionId)
          return crew.perform(assignment, signal)
        },
      })
      world.ring(engine, '1')
      await world.until(() => world.running.has('1'))
      const client = redis()
      const active = `${world.name}:agent-a:active`
      const [job] = await client.lrange(active, 0, -1)
      const counted = async () => Number(await client.hget(`${world.name}:agent-a:${job}`, 'ats'))
      await world.until(async () => {
        await client.del(`${world.name}:agent-a:${job}:lock`)
        return (await counted()) > 1
      })
      expect(performed).toEqual(['1'])
      // It stands for the slot until the work has ended.
      expect(await client.llen(active)).toBe(1)
      world.end('1')
      await world.until(async () => (await client.llen(active)) === 0)
      world.ring(engine, '1', { readyAt: 1 })
      await world.until(() => world.running.has('1'))
      expect(performed).toEqual(['1', '1'])
    })

    it('frees the slots of a server that died, and does not take what it had', async () => {
      world.agents = [{ id: 'a', slots: 1 }]
      const client = redis()
      const queue = new Queue('agent-a', {
        connection: new Redis(url ?? '', { maxRetriesPerRequest: null }),
        prefix: world.name,
      })
      onTestFinished(async () => {
        await queue.close()
      })
      await queue.add('execution', { sessionId: 's', executionId: 'lost' }, { jobId: 'lost-0', priority: 1 })
      // What is left of a server that took it and was killed: no lock any more.
      await client.zrem(`${world.name}:agent-a:prioritized`, 'lost-0')
      await client.lpush(`${world.name}:agent-a:active`, 'lost-0')
      const engine = create({ lockMs: 300 })
      engine.start(world.crew('one'))
      world.ring(engine, '1')
      await world.until(() => world.running.has('1'))
      expect(world.begun).toEqual(['1'])
    })

    it('never does the work of another installation', async () => {
      const stranger = create({ prefix: crypto.randomUUID() })
      stranger.start(world.crew('stranger'))
      const engine = create()
      world.ring(engine, '1')
      engine.hail('s')
      engine.start(world.crew('one'))
      await world.until(() => world.running.has('1') && world.driven.length === 1)
      expect([world.running.get('1')?.by, ...world.driven]).toEqual(['one', 'one s'])
    })

    it('leaves no job behind that has ended', async () => {
      const engine = create()
      engine.start(world.crew('one'))
      for (const id of ['1', '2', '3']) world.ring(engine, id)
      engine.hail('s')
      await world.until(() => world.running.size === 3)
      for (const { end } of world.running.values()) end()
      const left = async () => (await redis().keys(`${world.name}:*`)).filter((key) => /:(\d-0|s)(:lock)?$/.test(key))
      await world.until(async () => (await left()).length === 0)
    })
  })

  describe('an engine whose Redis comes and goes', () => {
    let redis: RedisServer
    let world: ReturnType<typeof createWorld>
    const engines: Engine[] = []
    const create = (options: { silenceMs?: number; url?: string } = {}) => {
      const created = createBullmqEngine({ url: redis.url, prefix: world.name, log: world.log, timers, ...options })
      engines.push(created)
      return created
    }
    const up = (...all: Engine[]) => world.until(() => all.every((each) => each.status() === 'up'))
    const down = (...all: Engine[]) => world.until(() => all.every((each) => each.status() === 'down'))
    const lines = () => world.warnings.map((line) => line.replace(/^.* is (connected|away):.*$/, '$1'))

    beforeEach(async () => {
      world = createWorld()
      redis = await startRedis(program ?? '')
    })
    afterEach(async () => {
      for (const { end } of world.running.values()) end()
      await Promise.all(engines.splice(0).map((each) => each.stop()))
      await redis.stop('SIGKILL')
    })

    it('starts without it, and does what was rung for once it is there', async () => {
      await redis.stop()
      const [api, worker] = [create(), create()]
      worker.start(world.crew('worker'))
      world.ring(api, '1')
      world.ring(worker, '2')
      api.hail('s')
      await world.until(() => world.warnings.length === 2)
      expect(lines()).toEqual(['away', 'away'])
      expect([api.status(), worker.status()]).toEqual(['down', 'down'])
      redis = await startRedis(program ?? '', redis.port)
      await up(api, worker)
      await world.until(() => world.running.size === 2 && world.driven.length === 1)
    })

    it('lets go on what runs, takes nothing meanwhile, and works again once it is back', async () => {
      world.agents = [{ id: 'a', slots: 2 }]
      const [one, two] = [create(), create()]
      await up(one, two)
      one.start(world.crew('one'))
      two.start(world.crew('two'))
      world.ring(one, '1')
      await world.until(() => world.running.has('1'))
      await redis.stop('SIGKILL')
      await down(one, two)
      world.ring(one, '2')
      one.withdraw('1')
      one.hail('s')
      one.nudge()
      world.end('1')
      await world.until(() => world.running.size === 0)
      expect(world.begun).toEqual(['1'])
      redis = await startRedis(program ?? '', redis.port)
      await up(one, two)
      await world.until(() => world.running.has('2') && world.driven.length === 1)
      for (let index = 3; index < 20; index += 1) world.ring([one, two][index % 2]!, `${index}`)
      await world.until(() => {
        for (const id of [...world.running.keys()].slice(0, 1)) world.end(id)
        return world.begun.length === 19 && world.running.size === 0
      })
      // Its slots hold over both of them again.
      expect(world.most.get('a')).toBe(2)
      expect(lines()).toEqual(['connected', 'connected', 'away', 'away', 'connected', 'connected'])
      expect(world.errors).toEqual([])
    })

    it('works on after everything in it was deleted', async () => {
      world.agents = [{ id: 'a', slots: 1 }]
      const [one, two] = [create(), create()]
      await up(one, two)
      one.start(world.crew('one'))
      two.start(world.crew('two'))
      for (const id of ['1', '2']) world.ring(one, id)
      await world.until(() => world.running.size === 1)
      const [running] = [...world.running.keys()]
      const admin = new Redis(redis.url)
      await admin.flushall()
      admin.disconnect()
      world.end(running ?? '')
      await world.until(() => world.running.size === 0)
      // What was lost is found in the rows.
      for (const id of world.ready) world.ring(one, id)
      for (let index = 3; index < 20; index += 1) world.ring([one, two][index % 2]!, `${index}`)
      await world.until(() => {
        for (const id of [...world.running.keys()].slice(0, 1)) world.end(id)
        return world.begun.length === 19 && world.running.size === 0
      })
      expect(world.most.get('a')).toBe(1)
      expect([one.status(), two.status(), world.errors]).toEqual(['up', 'up', []])
    })

    it('notices one that is silent without closing its connections, and recovers', async () => {
      const engine = create({ silenceMs: 200 })
      await up(engine)
      engine.start(world.crew('one'))
      world.ring(engine, '1')
      await world.until(() => world.running.has('1'))
      process.kill(redis.pid, 'SIGSTOP')
      await down(engine)
      world.ring(engine, '2')
      process.kill(redis.pid, 'SIGCONT')
      await up(engine)
      await world.until(() => world.running.has('2'))
    })

    it('works again when connections broke without a word to either side', async () => {
      const proxy = await startProxy(redis.port)
      onTestFinished(() => proxy.close())
      const engine = create({ silenceMs: 200, url: `redis://127.0.0.1:${proxy.port}` })
      await up(engine)
      engine.start(world.crew('one'))
      world.ring(engine, '1')
      await world.until(() => world.running.has('1'))
      proxy.freeze()
      world.ring(engine, '2')
      await down(engine)
      await up(engine)
      await world.until(() => world.running.has('2'))
    })

    it('does nothing twice and loses nothing for good while connections are cut again and again', async () => {
      world.agents = [{ id: 'a', slots: 3 }]
      const [one, two] = [create(), create()]
      await up(one, two)
      one.start(world.crew('one'))
      two.start(world.crew('two'))
      const admin = new Redis(redis.url)
      onTestFinished(() => admin.disconnect())
      const all = Array.from({ length: 40 }, (_, index) => `${index}`)
      for (const [index, id] of all.entries()) {
        world.ring([one, two][index % 2]!, id)
        if (index % 10 === 5) await admin.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      }
      await world.until(() => {
        for (const id of world.running.keys()) world.end(id)
        for (const id of world.ready) world.ring(one, id)
        return world.begun.length >= all.length && world.running.size === 0
      })
      expect(world.begun.toSorted()).toEqual(all.toSorted())
    })

    it.each(['gone', 'silent'])('stops soon while Redis is %s, and waits for what runs', async (how) => {
      const engine = create()
      await up(engine)
      engine.start(world.crew('one'))
      world.ring(engine, '1')
      await world.until(() => world.running.has('1'))
      if (how === 'gone') await redis.stop('SIGKILL')
      else process.kill(redis.pid, 'SIGSTOP')
      if (how === 'gone') await down(engine)
      const begin = performance.now()
      const stopping = engine.stop()
      expect(world.running.get('1')?.signal.aborted).toBe(true)
      world.end('1')
      await stopping
      expect(performance.now() - begin).toBeLessThan(10_000)
      expect([world.running.size, world.errors]).toEqual([0, []])
    })

    it('closes all its connections when it stops', async () => {
      const admin = new Redis(redis.url)
      onTestFinished(() => admin.disconnect())
      const engine = create()
      await up(engine)
      engine.start(world.crew('one'))
      world.ring(engine, '1')
      await world.until(() => world.running.has('1'))
      world.end('1')
      await engine.stop()
      await world.until(
        async () =>
          String(await admin.client('LIST'))
            .trim()
            .split('\n').length === 1,
      )
    })
  })
})
