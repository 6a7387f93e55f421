import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Assignment, ReadyItem } from '../../src/core/schedule.ts'
import type { Selection } from '../../src/core/select.ts'
import type { Crew, Engine } from '../../src/engine.ts'

/** How to get what is tested. */
export interface EngineHarness {
  /** An engine that is up. Those with the same world share their work if this kind of engine reaches other processes. */
  create(world: string, log: never): Promise<Engine>
  /** Whether other processes do what is rung for here. */
  reachesOthers: boolean
  /** How many executions wait for an agent outside of the process; undefined: none ever do. */
  queued(world: string, agentId: string): Promise<number | undefined>
}

/** One that is READY. */
export const item = (executionId: string, change: Partial<ReadyItem> = {}): ReadyItem => ({
  executionId,
  sessionId: 's',
  projectId: 'p',
  group: 'g',
  priority: 0,
  remainingPath: 1,
  readyAt: 0,
  wanted: { capabilities: [], text: '' },
  limits: { session: 99, group: 99, project: 99 },
  ...change,
})

/** Stands for the rows, and for the crews of all servers: they take everything that is READY, and tell what they do. */
export function createWorld() {
  const ready = new Set<string>()
  const running = new Map<string, { by: string; agentId: string; signal: AbortSignal; end: () => void }>()
  const world = {
    name: crypto.randomUUID(),
    agents: [{ id: 'a', slots: 9 }],
    ready,
    running,
    /** Executions in the order in which they began. */
    begun: [] as string[],
    /** The most that each agent did at once. */
    most: new Map<string, number>(),
    /** Who drives which session. */
    driven: [] as string[],
    errors: [] as unknown[],
    warnings: [] as string[],
    log: {
      debug: () => {},
      info: (_: object, message: string) => void world.warnings.push(message),
      warn: (_: object, message: string) => void world.warnings.push(message),
      error: (fields: object) => void world.errors.push(fields),
    } as never,
    ring(engine: Engine, executionId: string, change: Partial<ReadyItem> = {}) {
      ready.add(executionId)
      engine.enqueue(item(executionId, change))
    },
    end: (executionId: string) => running.get(executionId)?.end(),
    until: (isSo: () => boolean | Promise<boolean>) => expect.poll(isSo, { timeout: 15_000, interval: 10 }).toBe(true),
    crew(name: string, change: Partial<Crew> = {}): Crew {
      return {
        async assign(items, held) {
          const taken = new Map<string, number>()
          for (const { agentId } of held) taken.set(agentId, (taken.get(agentId) ?? 0) + 1)
          const first = items.toSorted((a, b) => b.priority - a.priority || b.remainingPath - a.remainingPath)
          return first.flatMap(({ executionId, sessionId }): Assignment[] => {
            const selection = choose(taken)
            const agentId = selection.chosen?.agentId
            if (agentId === undefined) return []
            taken.set(agentId, (taken.get(agentId) ?? 0) + 1)
            return [{ executionId, sessionId, agentId, selection }]
          })
        },
        choose: async (_sessionId, executionId, taken) => (ready.has(executionId) ? choose(taken) : undefined),
        agents: async () => world.agents,
        async perform({ executionId, agentId }, signal) {
          // Somebody else has claimed it.
          if (!ready.delete(executionId)) return
          const done = Promise.withResolvers<void>()
          world.begun.push(executionId)
          running.set(executionId, { by: name, agentId, signal, end: done.resolve })
          const atOnce = [...running.values()].filter((one) => one.agentId === agentId).length
          world.most.set(agentId, Math.max(world.most.get(agentId) ?? 0, atOnce))
          await done.promise
          running.delete(executionId)
        },
        drive: async (sessionId) => void world.driven.push(`${name} ${sessionId}`),
        ...change,
      }
    },
  }
  const choose = (taken: ReadonlyMap<string, number>): Selection => {
    const ranked = world.agents.map(({ id, slots }) => {
      return { agentId: id, name: id, score: 1, reasons: [], free: (taken.get(id) ?? 0) < slots }
    })
    const chosen = ranked.find(({ free }) => free)
    return { ranked, refused: [], ...(chosen && { chosen }) }
  }
  return world
}

/** What every engine does. */
export function engineContract(name: string, harness: EngineHarness): void {
  describe(`an engine (${name})`, () => {
    let world: ReturnType<typeof createWorld>
    let engine: Engine
    const engines: Engine[] = []
    const create = async () => {
      const created = await harness.create(world.name, world.log)
      engines.push(created)
      return created
    }
    beforeEach(async () => {
      world = createWorld()
      engine = await create()
    })
    afterEach(async () => {
      for (const { end } of world.running.values()) end()
      await Promise.all(engines.splice(0).map((each) => each.stop()))
    })
    /** Waits until so many executions can be begun as soon as the agent has a free slot. */
    const queued = (count: number) =>
      world.until(async () => ((await harness.queued(world.name, 'a')) ?? count) === count)

    it('begins what came before it was started and after, each once', async () => {
      world.ring(engine, 'a')
      engine.start(world.crew('one'))
      for (const id of ['a', 'b', 'b', 'c']) world.ring(engine, id)
      await world.until(() => world.begun.length === 3)
      expect(world.begun.toSorted()).toEqual(['a', 'b', 'c'])
    })

    it('begins nothing twice that rings while it waits', async () => {
      world.agents = [{ id: 'a', slots: 1 }]
      const performed: string[] = []
      const { perform } = world.crew('one')
      engine.start(
        world.crew('one', {
          perform(assignment, signal) {
            performed.push(assignment.executionId)
            return perform(assignment, signal)
          },
        }),
      )
      world.ring(engine, 'a')
      await world.until(() => world.running.has('a'))
      world.ring(engine, 'b')
      await queued(1)
      world.ring(engine, 'b')
      world.ring(engine, 'last', { priority: -100 })
      await queued(2)
      world.end('a')
      await world.until(() => world.running.has('b'))
      world.end('b')
      await world.until(() => world.running.has('last'))
      expect(performed).toEqual(['a', 'b', 'last'])
    })

    it('begins an execution again only once its last attempt has gone, and keeps no other waiting for that', async () => {
      engine.start(world.crew('one'))
      world.ring(engine, 'a')
      await world.until(() => world.running.has('a'))
      world.ring(engine, 'a')
      world.ring(engine, 'b')
      await world.until(() => world.running.has('b'))
      expect(world.begun).toEqual(['a', 'b'])
      world.end('a')
      await world.until(() => world.begun.length === 3)
      expect(world.begun).toEqual(['a', 'b', 'a'])
    })

    it('begins an execution again that has become READY anew meanwhile', async () => {
      engine.start(world.crew('one'))
      for (let readyAt = 1; readyAt <= 5; readyAt += 1) {
        world.ring(engine, 'a', { readyAt })
        await world.until(() => world.begun.length === readyAt && world.running.has('a'))
        world.end('a')
      }
    })

    it('does not begin what was withdrawn', async () => {
      world.agents = [{ id: 'a', slots: 1 }]
      engine.start(world.crew('one'))
      world.ring(engine, 'a')
      await world.until(() => world.running.has('a'))
      world.ring(engine, 'b')
      world.ring(engine, 'c')
      await queued(2)
      engine.withdraw('b')
      engine.withdraw('nobody')
      await queued(1)
      world.end('a')
      await world.until(() => world.running.has('c'))
      expect(world.begun).toEqual(['a', 'c'])
    })

    it('begins the highest priority first, and of several the longest way to the end', async () => {
      world.agents = [{ id: 'a', slots: 1 }]
      engine.start(world.crew('one'))
      world.ring(engine, 'first')
      await world.until(() => world.running.has('first'))
      world.ring(engine, 'low', { priority: -100, remainingPath: 40 })
      world.ring(engine, 'short', { remainingPath: 1 })
      world.ring(engine, 'long', { remainingPath: 12 })
      world.ring(engine, 'high', { priority: 100, remainingPath: 1 })
      await queued(4)
      for (const [before, next] of ['first', 'high', 'long', 'short', 'low'].entries()) {
        await world.until(() => world.begun.length === before + 1 && world.running.has(next))
        world.end(next)
      }
      expect(world.begun).toEqual(['first', 'high', 'long', 'short', 'low'])
    })

    it('gives no agent more than it has slots, however many servers there are', async () => {
      world.agents = [
        { id: 'a', slots: 2 },
        { id: 'b', slots: 1 },
      ]
      engine.start(world.crew('one'))
      const others = harness.reachesOthers ? [await create(), await create()] : []
      for (const [index, other] of others.entries()) other.start(world.crew(`other ${index}`))
      const all = Array.from({ length: 24 }, (_, index) => `${index}`)
      for (const [index, id] of all.entries()) world.ring([engine, ...others][index % (others.length + 1)]!, id)
      await world.until(() => {
        for (const id of [...world.running.keys()].slice(0, 1)) world.end(id)
        return world.begun.length === all.length && world.running.size === 0
      })
      expect(world.begun.toSorted()).toEqual(all.toSorted())
      expect([...world.most]).toEqual(
        expect.arrayContaining([
          ['a', 2],
          ['b', 1],
        ]),
      )
    })

    it('lets an execution wait that nobody can do, until somebody comes', async () => {
      world.agents = []
      engine.start(world.crew('one'))
      world.ring(engine, 'a')
      engine.nudge()
      world.agents = [{ id: 'a', slots: 1 }]
      engine.nudge()
      await world.until(() => world.running.has('a'))
    })

    it('aborts what runs with the reason, and nothing else', async () => {
      engine.start(world.crew('one'))
      world.ring(engine, 'a')
      world.ring(engine, 'b')
      await world.until(() => world.running.size === 2)
      engine.abort('nobody', 'x')
      engine.abort('a', 'canceled')
      expect(world.running.get('a')?.signal.reason).toMatchObject({ message: 'canceled' })
      expect(world.running.get('b')?.signal.aborted).toBe(false)
    })

    it('forgets nothing while the crew fails, and goes on once it can', async () => {
      let failures = 2
      const crew = world.crew('one')
      const fail = () => {
        if (failures-- > 0) throw new Error('no database')
      }
      engine.start({
        ...crew,
        async assign(ready, held) {
          fail()
          return crew.assign(ready, held)
        },
        async choose(...asked) {
          fail()
          return crew.choose(...asked)
        },
      })
      world.ring(engine, 'a')
      await world.until(() => world.running.has('a'))
      expect(world.errors).toHaveLength(2)
    })

    it('survives a crew that throws', async () => {
      engine.start(
        world.crew('one', {
          perform: async ({ executionId }) => {
            world.ready.delete(executionId)
            throw new Error('a bug')
          },
        }),
      )
      world.ring(engine, 'a')
      world.ring(engine, 'b')
      await world.until(() => world.errors.length === 2)
    })

    it('takes nothing more once it is drained, and lets run what runs', async () => {
      engine.start(world.crew('one'))
      world.ring(engine, 'a')
      await world.until(() => world.running.has('a'))
      engine.drain()
      engine.drain()
      world.ring(engine, 'b')
      engine.nudge()
      if (harness.reachesOthers) {
        ;(await create()).start(world.crew('other'))
        await world.until(() => world.running.has('b'))
      }
      await new Promise((resolve) => setImmediate(resolve))
      expect(world.running.get('b')?.by).toBe(harness.reachesOthers ? 'other' : undefined)
      expect(world.running.get('a')?.signal.aborted).toBe(false)
    })

    it('stops what runs, waits for it, and begins nothing more', async () => {
      engine.start(world.crew('one'))
      world.ring(engine, 'a')
      await world.until(() => world.running.has('a'))
      let stopped = false
      const stopping = engine.stop().then(() => (stopped = true))
      expect(world.running.get('a')?.signal.aborted).toBe(true)
      world.ring(engine, 'b')
      engine.nudge()
      await new Promise((resolve) => setImmediate(resolve))
      expect(stopped).toBe(false)
      world.end('a')
      await stopping
      expect(world.begun).toEqual(['a'])
    })

    it('takes no offence at being used, or stopped again, after it has stopped', async () => {
      engine.start(world.crew('one'))
      await engine.stop()
      world.ring(engine, 'a')
      engine.withdraw('a')
      engine.abort('a', 'x')
      engine.hail('s')
      engine.nudge()
      engine.drain()
      await engine.stop()
      expect(world.begun).toEqual([])
    })

    it('stops without ever having been started', async () => {
      world.ring(engine, 'a')
      await engine.stop()
    })

    it('is up', () => {
      expect(engine.status()).toBe('up')
    })

    it('brings a session that nobody drives to one crew', async () => {
      engine.start(world.crew('one'))
      engine.hail('s')
      await world.until(() => world.driven.length > 0)
      engine.hail('t')
      await world.until(() => world.driven.length > 1)
      expect(world.driven).toEqual(['one s', 'one t'])
    })

    it.runIf(harness.reachesOthers)('brings it to a crew that lives, and to one alone', async () => {
      const [two, three] = [await create(), await create()]
      engine.start(world.crew('one'))
      two.start(world.crew('two'))
      three.start(world.crew('three'))
      await engine.stop()
      const sessions = Array.from({ length: 20 }, (_, index) => `s${index}`)
      for (const session of sessions) two.hail(session)
      await world.until(() => world.driven.length >= sessions.length)
      expect(world.driven.map((line) => line.split(' ')[1]).toSorted()).toEqual(sessions.toSorted())
      expect(world.driven.filter((line) => line.startsWith('one'))).toEqual([])
    })

    it.runIf(harness.reachesOthers)('sends without a crew of its own what others do', async () => {
      engine.hail('s')
      world.ring(engine, 'a')
      const other = await create()
      other.start(world.crew('other'))
      world.ring(engine, 'b')
      await world.until(() => world.running.size === 2 && world.driven.length === 1)
      expect(world.running.get('a')?.by).toBe('other')
      expect(world.driven).toEqual(['other s'])
    })

    it.runIf(harness.reachesOthers)('hands over to the others what it had when it stops', async () => {
      world.agents = [{ id: 'a', slots: 1 }]
      const crew = world.crew('one')
      engine.start({
        ...crew,
        async perform(assignment, signal) {
          signal.addEventListener('abort', () => {
            // The attempt is handed back, and the execution is READY again.
            world.end('a')
            world.ring(engine, 'a', { readyAt: 1 })
          })
          await crew.perform(assignment, signal)
        },
      })
      world.ring(engine, 'a')
      await world.until(() => world.running.has('a'))
      world.ring(engine, 'b')
      await queued(1)
      const other = await create()
      other.start(world.crew('other'))
      await engine.stop()
      for (const id of ['a', 'b']) {
        await world.until(() => world.running.get(id)?.by === 'other' || world.running.size > 0)
        for (const { end } of world.running.values()) end()
      }
      await world.until(() => world.begun.length === 3)
      expect(world.begun.toSorted()).toEqual(['a', 'a', 'b'])
    })
  })
}
