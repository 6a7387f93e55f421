import type { Timers } from './timers.ts'

/** What wakes sessions when time alone makes something happen: one for each at most. */
export interface Alarms {
  /** In the place of the one before. @param ms from now on */
  set(sessionId: string, ms: number): void
  clear(sessionId: string): void
  /** None any more, for good. */
  stop(): void
}

/** Node's timers hold no more than this, in milliseconds. Whoever is woken too early sets another one. */
const LONGEST_TIMER = 2 ** 31 - 1

export function createAlarms(timers: Pick<Timers, 'after'>, ring: (sessionId: string) => void): Alarms {
  /** What calls them off. */
  const alarms = new Map<string, () => void>()
  let stopped = false

  function clear(sessionId: string): void {
    alarms.get(sessionId)?.()
    alarms.delete(sessionId)
  }

  return {
    set(sessionId, ms) {
      clear(sessionId)
      if (stopped) return
      const callOff = timers.after(Math.min(Math.max(0, ms), LONGEST_TIMER), () => {
        alarms.delete(sessionId)
        ring(sessionId)
      })
      alarms.set(sessionId, callOff)
    },
    clear,
    stop() {
      stopped = true
      for (const sessionId of alarms.keys()) clear(sessionId)
    },
  }
}
