import { setTimeout as pause } from 'node:timers/promises'

/** Lets time pass. A simulation brings a clock of its own. */
export interface Timers {
  /**
   * Does something once so many milliseconds have passed.
   *
   * @returns calls it off
   */
  after(ms: number, act: () => void): () => void
  /** Resolves once so many milliseconds have passed. */
  pause(ms: number): Promise<void>
}

/** Those of the process. */
export const timers: Timers = {
  after(ms, act) {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
  pause: (ms) => pause(ms),
}
