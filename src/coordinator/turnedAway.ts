import { createAlarms } from './alarms.ts'
import type { Timers } from './timers.ts'

/** Executions that were refused to whoever claimed them, since others take up the room or the budget. */
export interface TurnedAway {
  add(sessionId: string, executionId: string): void
  has(sessionId: string): boolean
  /** Those of a session, which are not turned away any more. */
  take(sessionId: string): readonly string[]
  /** None any more. */
  clear(): void
}

/** How long they wait at the most, in milliseconds. */
const AT_MOST_MS = 1_000

/** @param due called for a session whose executions have waited for long enough */
export function createTurnedAway(timers: Timers, due: (sessionId: string) => void): TurnedAway {
  const waiting = new Map<string, Set<string>>()
  const alarms = createAlarms(timers, due)

  function take(sessionId: string): readonly string[] {
    const found = waiting.get(sessionId) ?? []
    alarms.clear(sessionId)
    waiting.delete(sessionId)
    return [...found]
  }

  return {
    add(sessionId, executionId) {
      const others = waiting.get(sessionId)
      if (others) {
        others.add(executionId)
        return
      }
      waiting.set(sessionId, new Set([executionId]))
      alarms.set(sessionId, AT_MOST_MS)
    },
    has: (sessionId) => waiting.has(sessionId),
    take,
    clear() {
      for (const sessionId of waiting.keys()) take(sessionId)
    },
  }
}
