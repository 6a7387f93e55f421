import type { Outcome, Work } from '../../runtime.ts'
import type { OfferState } from '../../store/offer.ts'
import { failed } from './outcome.ts'

/** The limits of time of one attempt. All are measured here; only leases are told by the database. */
export interface Clock {
  /** Takes in what the row says; returns whether a worker has just been found silent for its whole lease. */
  saw(state: OfferState): boolean
  /** The worker has shown something, or its reader has read all that it has shown. */
  heard(): void
  /**
   * What comes next, and in how many milliseconds, if nothing else happens; without an outcome it has to be looked.
   *
   * @param isRead false: what was shown waits for its reader, and as long as it does the worker cannot be idle
   */
  due(isRead: boolean): { inMs: number; outcome?: Outcome }
}

/** @param claimMs milliseconds that work may wait for a worker */
export function createClock({ timeouts, agent }: Pick<Work, 'timeouts' | 'agent'>, claimMs: number): Clock {
  let fence = 0
  let begunAt: number | undefined
  let heardAt = 0
  /** Since when nobody has it; undefined: somebody has. */
  let waitsSince: number | undefined = performance.now()
  let leaseEndsAt = Number.POSITIVE_INFINITY
  const overdue = (timeout: 'ATTEMPT' | 'IDLE'): Outcome => ({ kind: 'TIMEOUT', timeout, usage: {} })
  const unclaimed = failed(
    'UNAVAILABLE',
    `No worker took it within ${claimMs} ms. Start more workers for the agent ${agent.name}, see docs/runtimes/pull.md, or give it fewer slots.`,
  )
  return {
    saw({ status, fence: claims, leaseMs }) {
      const now = performance.now()
      if (claims > fence) {
        fence = claims
        begunAt ??= now
        heardAt = now
        waitsSince = undefined
      }
      if (status !== 'CLAIMED' || leaseMs === null) return false
      leaseEndsAt = leaseMs > 0 ? now + leaseMs : Number.POSITIVE_INFINITY
      if (leaseMs > 0 || waitsSince !== undefined) return false
      waitsSince = now
      return true
    },
    heard() {
      heardAt = performance.now()
    },
    due(isRead) {
      const limits: { at: number; outcome?: Outcome }[] = []
      if (begunAt !== undefined) limits.push({ at: begunAt + timeouts.attemptMs, outcome: overdue('ATTEMPT') })
      if (waitsSince === undefined) {
        if (isRead) limits.push({ at: heardAt + timeouts.idleMs, outcome: overdue('IDLE') })
        // Not to be too early: what counts is the clock of the database.
        limits.push({ at: leaseEndsAt + 10 })
      } else limits.push({ at: waitsSince + claimMs, outcome: unclaimed })
      const { at, outcome } = limits.toSorted((a, b) => a.at - b.at)[0] as (typeof limits)[number]
      const inMs = at - performance.now()
      return outcome ? { inMs, outcome } : { inMs: Math.max(1, inMs) }
    },
  }
}
