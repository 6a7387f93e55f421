import { mkdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { z } from 'zod'
import { endedByReader } from '../processes/attempt.ts'
import type { Activity, Outcome, Runtime, Work } from '../runtime.ts'
import type { Offers } from '../store/offer.ts'
import { follow, type PullLimits } from './pull/follow.ts'
import { outcomeOf } from './pull/outcome.ts'

export type { PullLimits }

export const DEFAULT_PULL_LIMITS: PullLimits = { claimMs: 3_600_000, activities: 10_000 }

/** What a folder of an attempt is called. */
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

const runtimeConfigShape = z.strictObject({})
const NOT_OURS = 'The runtime configuration must be {}: its workers say how the work is done.'
const NOBODY =
  'No worker has asked for its work lately. Start one with a token of role AGENT: it calls claimWork for this agent, see docs/runtimes/pull.md.'

/**
 * Lets workers anywhere do the work of agents: they fetch it over the API and report it there. An attempt is put on offer
 * as a row. Who claims it has a lease with a fence; once that has run out without a sign, the work is on offer again.
 *
 * The limits of time of an attempt begin with its first claim: what is before that is waiting, and has a limit of its own.
 */
export function createPullRuntime({
  offers,
  limits: given,
}: {
  offers: Offers
  limits?: Partial<PullLimits>
}): Runtime {
  const limits: PullLimits = { ...DEFAULT_PULL_LIMITS, ...given }

  async function* perform(work: Work, signal: AbortSignal): AsyncGenerator<Activity, Outcome> {
    if (signal.aborted) return { kind: 'CANCELED', usage: {} }
    if (!runtimeConfigShape.safeParse(work.runtimeConfig).success) {
      return { kind: 'ERROR', error: { class: 'VALIDATION', message: NOT_OURS }, evidence: [], usage: {} }
    }
    const { shown, ended } = follow(work, offers, limits, signal)
    try {
      for (let one = await shown.next(); one && !signal.aborted; one = await shown.next()) yield one
      const end = await ended
      if (signal.aborted) return { kind: 'CANCELED', usage: {} }
      if ('outcome' in end) return end.outcome
      await mkdir(work.outputDir, { recursive: true })
      return await outcomeOf(end.report, end.worker, work.outputDir)
    } catch (error) {
      if (signal.aborted) return { kind: 'CANCELED', usage: {} }
      throw error
    } finally {
      // Also reached when the reader leaves early: nothing may be on offer then either.
      await ended.catch(() => {})
    }
  }

  return {
    name: 'pull',
    uses: () => 'READ',
    waitMs: limits.claimMs,
    run: endedByReader(perform),
    async reap(outputDir) {
      const attemptId = basename(outputDir)
      if (!UUID.test(attemptId)) return
      await offers.close(attemptId)
      await offers.forget(attemptId)
    },
    async check(runtimeConfig, agentId) {
      if (!runtimeConfigShape.safeParse(runtimeConfig).success) return NOT_OURS
      return agentId === undefined || (await offers.isAttended(agentId)) ? undefined : NOBODY
    },
    watch: (ear) => offers.onArrival(ear),
  }
}
