import type { Logger } from 'pino'
import type { Timers } from '../coordinator/timers.ts'
import { type Assignment, countRunning, type HeldItem, type ReadyItem } from '../core/schedule.ts'
import type { Crew, Engine, Taken } from '../engine.ts'

/** While something waits, how often the engine looks whether it could start by now, in milliseconds. */
const LOOK_AGAIN_MS = 1_000

/** An engine inside the server's own process: no queue beside its memory, and all of it can be derived from the rows. */
export function createEmbeddedEngine({ log, timers }: { log: Pick<Logger, 'error'>; timers: Timers }): Engine {
  const ready = new Map<string, ReadyItem>()
  const held = new Map<string, { item: HeldItem; controller: AbortController; done: Promise<void> }>()
  /** What has its place and is being claimed. */
  const taken = new Map<string, HeldItem>()
  /** All that has a place, counted. */
  const running = countRunning()
  let crew: Crew | undefined
  let stopped = false
  let draining = false
  let looking = false
  let lookAgain = false
  let callOff = (): void => {}

  async function look(): Promise<void> {
    if (looking) {
      lookAgain = true
      return
    }
    looking = true
    callOff()
    try {
      do {
        lookAgain = false
        // What is in hand still, since its last attempt is not quite gone, waits for that without keeping others waiting.
        const waiting = [...ready.values()].filter(({ executionId }) => !held.has(executionId))
        if (stopped || draining || !crew || waiting.length === 0) break
        const assignments = await crew.assign(waiting, [
          ...[...held.values()].map(({ item }) => item),
          ...taken.values(),
        ])
        for (const assignment of assignments) begin(crew, assignment)
      } while (lookAgain)
    } catch (error) {
      log.error({ err: error }, 'the engine could not assign what waits; it tries again')
    }
    looking = false
    if (ready.size > 0 && !stopped && !draining) callOff = timers.after(LOOK_AGAIN_MS, () => void look())
  }

  function begin(by: Crew, assignment: Assignment): void {
    const { executionId, sessionId, agentId } = assignment
    const item = ready.get(executionId)
    // Withdrawn or stopped while the crew was thinking.
    if (!item || stopped || draining || held.has(executionId)) return
    ready.delete(executionId)
    const { projectId, group } = item
    const holds = { executionId, sessionId, projectId, group, agentId }
    running.add(holds)
    hold(by, { assignment, item: holds })
  }

  /** Its last attempt is not quite gone: it has to wait for that. */
  function drop({ item }: Taken): boolean {
    running.remove(item)
    return false
  }

  /** Its place is counted already. */
  function hold(by: Crew, { assignment, item }: Taken): void {
    const { executionId } = assignment
    const controller = new AbortController()
    // It was claimed while the server was told to stop: it is handed back in order.
    if (stopped) controller.abort(new Error('the server is stopping'))
    const done = by
      .perform(assignment, controller.signal)
      // It never does; if it did, the server must not end for it.
      .catch((error: unknown) => log.error({ err: error, executionId }, 'an execution could not be performed'))
      .finally(() => {
        held.delete(executionId)
        running.remove(item)
        if (ready.size > 0) void look()
      })
    held.set(executionId, { item, controller, done })
  }

  return {
    start(by) {
      crew = by
      void look()
    },
    enqueue(item) {
      ready.set(item.executionId, item)
      void look()
    },
    take(leaving, begins) {
      // Others were here first.
      if (!crew || stopped || draining || ready.size > 0) return []
      const ends = leaving.flatMap((executionId) => held.get(executionId)?.item ?? [])
      for (const item of ends) running.remove(item)
      const begun = begins(running).filter((one) => !held.has(one.item.executionId) || drop(one))
      for (const item of ends) running.add(item)
      for (const { item } of begun) taken.set(item.executionId, item)
      return begun
    },
    begin(one) {
      // It was given back, and then it was found out that it had been claimed nevertheless.
      if (!taken.delete(one.item.executionId)) running.add(one.item)
      if (crew) hold(crew, one)
    },
    giveBack({ item }) {
      if (taken.delete(item.executionId)) running.remove(item)
    },
    withdraw(executionId) {
      ready.delete(executionId)
    },
    abort(executionId, reason) {
      held.get(executionId)?.controller.abort(new Error(reason))
    },
    hail(sessionId) {
      void crew?.drive(sessionId)
    },
    nudge() {
      void look()
    },
    // There is no other process to bring anything to.
    status: () => 'up',
    drain() {
      draining = true
    },
    async stop() {
      stopped = true
      callOff()
      for (const { controller } of held.values()) controller.abort(new Error('the server is stopping'))
      await Promise.all([...held.values()].map(({ done }) => done))
    },
  }
}
