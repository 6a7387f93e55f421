import { mkdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Json } from '../core/json.ts'
import type { Activity, Outcome, Runtime, Work } from '../runtime.ts'
import { isRefusal } from '../store/fault.ts'
import { MOST_CLAIMS, type Offers, type OfferState } from '../store/offer.ts'
import { createWaiting } from './pull/bell.ts'
import { outcomeOf } from './pull/outcome.ts'

export interface PullLimits {
  /** Milliseconds that work may wait for a worker; then the attempt fails. */
  claimMs: number
  /** Activities of one attempt that are shown; further ones are counted only. */
  activities: number
}

export const DEFAULT_PULL_LIMITS: PullLimits = { claimMs: 3_600_000, activities: 10_000 }

/** How long a doorbell that was lost can delay what it would have told, in milliseconds. */
const LOOK_AGAIN_MS = 15_000
/** How long the end of an offer may keep the end of its attempt waiting, in milliseconds. */
const LAST_MS = 2_000
/** How long to wait before a database that was away is asked again, in milliseconds. */
const PAUSE_MS = 250

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

  /** Asks again and again as long as the database is away: what a worker does meanwhile is not lost. */
  async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await unlessStopped(signal, ask())
      } catch (error) {
        if (isRefusal(error) || signal.aborted) throw error
        await pause(PAUSE_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  async function* perform(work: Work, signal: AbortSignal): AsyncGenerator<Activity, Outcome> {
    if (signal.aborted) return { kind: 'CANCELED', usage: {} }
    if (!runtimeConfigShape.safeParse(work.runtimeConfig).success) {
      return { kind: 'ERROR', error: { class: 'VALIDATION', message: NOT_OURS }, evidence: [], usage: {} }
    }
    const { attemptId, sessionId, agent } = work
    const waiting = createWaiting(signal, (ear) => offers.follow(attemptId, ear))
    let isClosed = false
    let worker: OfferState['worker'] = null
    let outcome: Outcome | undefined
    try {
      await patiently(signal, () => offers.make({ attemptId, sessionId, agentId: agent.id, work: handedOut(work) }))
      const clock = createClock(work, limits.claimMs)
      let shown = 0
      while (!outcome) {
        const state = await patiently(signal, () => offers.look(attemptId))
        if (signal.aborted) break
        if (!state || state.status === 'CLOSED') {
          outcome = failed('CRASH', 'The offer of this work has gone.')
          break
        }
        worker = state.worker ?? worker
        const silent = clock.saw(state)
        for (const activity of state.shown > 0 ? await patiently(signal, () => offers.take(attemptId)) : []) {
          clock.heard()
          shown += 1
          if (shown <= limits.activities) yield activity
          else if (shown === limits.activities + 1) yield tooMany(limits.activities)
        }
        if (state.status === 'REPORTED') break
        if (silent) {
          if (state.fence >= MOST_CLAIMS) {
            outcome = failed('CRASH', `${MOST_CLAIMS} workers fell silent over it, the last one was ${worker}.`)
            break
          }
          yield {
            kind: 'MESSAGE',
            text: `Worker ${worker} has been silent for its whole lease: the work is on offer again.`,
          }
          offers.ring(agent.id)
        }
        const due = clock.due()
        if (due.inMs <= 0) outcome = due.outcome
        else await waiting.rung(Math.min(due.inMs, LOOK_AGAIN_MS))
      }
      if (signal.aborted) return { kind: 'CANCELED', usage: {} }
      // What was reported before this moment counts, also where a limit was reached meanwhile.
      const report = await patiently(signal, () => offers.close(attemptId))
      isClosed = true
      if (!report) return outcome ?? failed('CRASH', 'What the worker reported has gone.')
      await mkdir(work.outputDir, { recursive: true })
      return await outcomeOf(report, worker, work.outputDir)
    } catch (error) {
      if (signal.aborted) return { kind: 'CANCELED', usage: {} }
      throw error
    } finally {
      waiting.end()
      // Also reached when the reader leaves early. A database that is away takes it for ended with the attempt.
      const last = (isClosed ? Promise.resolve() : offers.close(attemptId)).then(() => offers.forget(attemptId))
      await Promise.race([last, pause(LAST_MS, undefined, { ref: false })]).catch(() => {})
    }
  }

  return {
    name: 'pull',
    uses: () => 'READ',
    waitMs: limits.claimMs,
    run(work, signal) {
      const left = new AbortController()
      const running = perform(work, AbortSignal.any([signal, left.signal]))
      const { return: leave } = running
      // A reader may leave while it waits: then nobody would wake it.
      running.return = (outcome) => {
        left.abort()
        return leave.call(running, outcome)
      }
      return running
    },
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

/** What a worker is handed: paths of the server mean nothing to it, so artifacts have an address. */
function handedOut({ outputDir: _, runtimeConfig: __, upstream, ...work }: Work): Json {
  const own = upstream.map(({ artifacts, ...result }) => ({
    ...result,
    artifacts: artifacts.map(({ path: _, ...artifact }) => ({ ...artifact, url: `/artifacts/${artifact.id}` })),
  }))
  return { ...work, upstream: own } as unknown as Json
}

/** The limits of time of one attempt. All are measured here; only leases are told by the database. */
function createClock({ timeouts, agent }: Pick<Work, 'timeouts' | 'agent'>, claimMs: number) {
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
    /** Takes in what the row says; returns whether a worker has just been found silent for its whole lease. */
    saw({ status, fence: claims, leaseMs }: OfferState): boolean {
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
    heard(): void {
      heardAt = performance.now()
    },
    /** What comes next, and in how many milliseconds, if nothing else happens; without an outcome it has to be looked. */
    due(): { inMs: number; outcome?: Outcome } {
      const limits: { at: number; outcome?: Outcome }[] = []
      if (begunAt !== undefined) limits.push({ at: begunAt + timeouts.attemptMs, outcome: overdue('ATTEMPT') })
      if (waitsSince === undefined) {
        limits.push({ at: heardAt + timeouts.idleMs, outcome: overdue('IDLE') })
        // Not to be too early: what counts is the clock of the database.
        limits.push({ at: leaseEndsAt + 10 })
      } else limits.push({ at: waitsSince + claimMs, outcome: unclaimed })
      const { at, outcome } = limits.toSorted((a, b) => a.at - b.at)[0] as (typeof limits)[number]
      const inMs = at - performance.now()
      return outcome ? { inMs, outcome } : { inMs: Math.max(1, inMs) }
    },
  }
}

/** What is promised; throws once the signal fires, however long the promise may take. */
async function unlessStopped<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(new Error('it is stopped'))
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    return await Promise.race([promise, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const failed = (errorClass: 'CRASH' | 'UNAVAILABLE', message: string): Outcome => ({
  kind: 'ERROR',
  error: { class: errorClass, message },
  evidence: [],
  usage: {},
})

const tooMany = (most: number): Activity => ({
  kind: 'MESSAGE',
  text: `${most} lines shown; further ones are counted only. Leave large output as a file.`,
})
