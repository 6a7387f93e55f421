import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { Assignment, HeldItem, ReadyItem } from '../../src/core/schedule.ts'
import { timers } from '../../src/coordinator/timers.ts'
import type { Crew } from '../../src/engine.ts'
import { createEmbeddedEngine } from '../../src/engines/embedded.ts'

const item = (executionId: string): ReadyItem => ({
  executionId,
  sessionId: 's',
  projectId: 'p',
  group: 'g',
  priority: 0,
  remainingPath: 1,
  readyAt: 0,
  wanted: { capabilities: [], text: '' },
  limits: { session: 9, group: 9, project: 9 },
})
const assigned = ({ executionId }: ReadyItem): Assignment => {
  return { executionId, sessionId: 's', agentId: 'a', selection: { ranked: [], refused: [] } }
}

/** An engine with a crew that takes everything, and tells what it was asked. */
function setUp(change: Partial<Crew> = {}) {
  const errors: unknown[] = []
  const begun: string[] = []
  const asked: { ready: string[]; held: string[] }[] = []
  const running = new Map<string, PromiseWithResolvers<void>>()
  const signals = new Map<string, AbortSignal>()
  const bell = new EventTarget()
  const engine = createEmbeddedEngine({ log: { error: (error: unknown) => errors.push(error) } as never, timers })
  const ids = (items: readonly { executionId: string }[]): string[] => items.map(({ executionId }) => executionId)
  const crew: Crew = {
    async assign(ready: readonly ReadyItem[], held: readonly HeldItem[]) {
      asked.push({ ready: ids(ready), held: ids(held) })
      return ready.map(assigned)
    },
    async perform({ executionId }, signal) {
      begun.push(executionId)
      signals.set(executionId, signal)
      const done = Promise.withResolvers<void>()
      running.set(executionId, done)
      bell.dispatchEvent(new Event('begun'))
      await done.promise
    },
    choose: () => Promise.resolve(undefined),
    agents: () => Promise.resolve([]),
    drive: () => Promise.resolve(),
    ...change,
  }
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await once(bell, 'begun')
  }
  const end = (executionId: string): void => running.get(executionId)?.resolve()
  return { engine, crew, begun, asked, errors, signals, until, end, bell }
}

describe('the embedded engine', () => {
  it('begins what came before it was started and after, each once', async () => {
    const { engine, crew, begun, until, end } = setUp()
    engine.enqueue(item('a'))
    engine.start(crew)
    for (const id of ['a', 'b', 'b', 'c']) engine.enqueue(item(id))
    await until(() => begun.length === 3)
    expect(begun.toSorted()).toEqual(['a', 'b', 'c'])
    for (const id of begun) end(id)
    await engine.stop()
    expect(begun).toHaveLength(3)
  })

  it('begins an execution again only once its last attempt has gone, and does not count it twice', async () => {
    const { engine, crew, begun, asked, until, end } = setUp()
    engine.start(crew)
    engine.enqueue(item('a'))
    await until(() => begun.length === 1)
    engine.enqueue(item('a'))
    engine.enqueue(item('b'))
    await until(() => begun.length === 2)
    expect(begun).toEqual(['a', 'b'])
    expect(asked.at(-1)).toEqual({ ready: ['b'], held: ['a'] })
    end('a')
    await until(() => begun.length === 3)
    expect(begun).toEqual(['a', 'b', 'a'])
    for (const id of ['a', 'b']) end(id)
    await engine.stop()
  })

  it('does not begin what was withdrawn while the crew was thinking', async () => {
    const thinking = Promise.withResolvers<void>()
    const thought = Promise.withResolvers<void>()
    const { engine, crew, begun, until, end } = setUp({
      async assign(ready) {
        thinking.resolve()
        await thought.promise
        return ready.map(assigned)
      },
    })
    engine.start(crew)
    engine.enqueue(item('a'))
    engine.enqueue(item('b'))
    await thinking.promise
    engine.withdraw('a')
    thought.resolve()
    await until(() => begun.length === 1)
    expect(begun).toEqual(['b'])
    end('b')
    await engine.stop()
  })

  it('forgets nothing while the crew fails to assign, and goes on once it can', async () => {
    let failures = 2
    const { engine, crew, begun, errors, until, end } = setUp({
      async assign(ready) {
        if (failures-- > 0) throw new Error('no database')
        return ready.map(assigned)
      },
    })
    engine.start(crew)
    engine.enqueue(item('a'))
    await until(() => begun.length === 1)
    expect(errors).toHaveLength(2)
    end('a')
    await engine.stop()
  })

  it('survives a crew that throws', async () => {
    const { engine, crew, errors, bell, until } = setUp({
      perform: async () => {
        queueMicrotask(() => bell.dispatchEvent(new Event('begun')))
        throw new Error('a bug')
      },
    })
    engine.start(crew)
    engine.enqueue(item('a'))
    await until(() => errors.length > 0)
    await engine.stop()
    expect(errors).toHaveLength(1)
  })

  it('stops what runs, waits for it, and begins nothing more', async () => {
    const { engine, crew, begun, signals, until, end } = setUp()
    engine.start(crew)
    engine.enqueue(item('a'))
    await until(() => begun.length === 1)
    engine.abort('nobody', 'x')
    let stopped = false
    const stopping = engine.stop().then(() => (stopped = true))
    expect(signals.get('a')?.aborted).toBe(true)
    engine.enqueue(item('b'))
    engine.nudge()
    await new Promise((resolve) => setImmediate(resolve))
    expect(stopped).toBe(false)
    end('a')
    await stopping
    expect(begun).toEqual(['a'])
  })
})
