import type { ErrorClass } from './retry.ts'

/** How an attempt of an agent has ended, as far as it says something of the agent. */
export interface Ended {
  status: 'OK' | 'ERROR' | 'TIMEOUT' | 'LOST' | 'CANCELED'
  errorClass: ErrorClass | null
  message: string | null
  /** Milliseconds since the epoch. */
  endedAt: number
}

/** Attempts in a row that have to fail for reasons that lie with the agent before it is DEGRADED. */
export const FAULTS_TO_DEGRADE = 3
/** How long that is held against it, in milliseconds: without work nothing could prove it well again. */
export const DEGRADED_MS = 600_000

/** What lies with the agent, or with what it needs, rather than with the work that it was given. */
const FAULTS: ReadonlySet<ErrorClass> = new Set(['CRASH', 'UNAVAILABLE', 'TIMEOUT', 'RATE_LIMIT', 'AUTH'])

/**
 * Why an agent that can be reached is not at its best (E113): its last attempts have all failed through its own fault.
 *
 * @param last its last attempts that have ended, the latest one first
 * @returns undefined: it is well
 */
export function degradedBy(last: readonly Ended[], now: number): string | undefined {
  const said = last.filter(({ status }) => status !== 'CANCELED' && status !== 'LOST').slice(0, FAULTS_TO_DEGRADE)
  const faults = said.filter(({ errorClass }) => errorClass !== null && FAULTS.has(errorClass))
  const [latest] = faults
  if (faults.length < FAULTS_TO_DEGRADE || !latest || now - latest.endedAt >= DEGRADED_MS) return undefined
  return `its last ${FAULTS_TO_DEGRADE} attempts failed, the last one with ${latest.errorClass}: ${latest.message ?? ''}. It is well again once an attempt succeeds, or after ${DEGRADED_MS / 60_000} minutes.`
}
