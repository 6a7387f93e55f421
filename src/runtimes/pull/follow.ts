import { setTimeout as pause } from 'node:timers/promises'
import type { Json } from '../../core/json.ts'
import type { Outcome, Work } from '../../runtime.ts'
import { MOST_CLAIMS, type Offers, type OfferState, type WorkReport } from '../../store/offer.ts'
import { createWaiting } from './bell.ts'
import { createClock } from './clock.ts'
import { failed } from './outcome.ts'
import { patiently } from './patiently.ts'
import { createShown, type Shown } from './shown.ts'

/** How long a doorbell that was lost can delay what it would have told, in milliseconds. */
const LOOK_AGAIN_MS = 5_000
/** How long the end of an offer may keep the end of its attempt waiting, in milliseconds. */
const LAST_MS = 2_000

export interface PullLimits {
  /** Milliseconds that work may wait for a worker; then the attempt fails. */
  claimMs: number
  /** Activities of one attempt that are shown; further ones are counted only. */
  activities: number
}

/** How an offer came to its end: with what its worker has reported, or without. */
export type Ended = { report: WorkReport; worker: string | null } | { outcome: Outcome }

export interface Following {
  shown: Shown
  /** Once nothing is on offer any more. Fails once the signal fires, and with what the database refuses. */
  ended: Promise<Ended>
}

/**
 * Puts work on offer and follows what workers do with it to its end. Its limits hold whether or not anybody reads what is
 * shown; as long as nobody does, no more of it is held here than came at once, and the worker is told to wait.
 */
export function follow(work: Work, offers: Offers, limits: PullLimits, signal: AbortSignal): Following {
  const { attemptId, sessionId, agent } = work
  const clock = createClock(work, limits.claimMs)
  const waiting = createWaiting(signal, (ear) => offers.follow(attemptId, ear))
  const shown = createShown(limits.activities, () => {
    clock.heard()
    waiting.ring()
  })
  let worker: OfferState['worker'] = null

  /** Until the worker has reported, or something else has ended it: then with its outcome. */
  async function watch(): Promise<Outcome | undefined> {
    for (;;) {
      const state = await patiently(signal, () => offers.look(attemptId))
      if (!state || state.status === 'CLOSED') return failed('CRASH', 'The offer of this work has gone.')
      const isReported = state.status === 'REPORTED'
      worker = state.worker ?? worker
      const silent = clock.saw(state)
      if (state.shown > 0 && (isReported || shown.isRead())) {
        shown.put(await patiently(signal, () => offers.take(attemptId)))
        clock.heard()
      }
      if (isReported) return undefined
      if (silent) {
        if (state.fence >= MOST_CLAIMS) {
          return failed('CRASH', `${MOST_CLAIMS} workers fell silent over it, the last one was ${worker}.`)
        }
        const text = `Worker ${worker} has been silent for its whole lease: the work is on offer again.`
        shown.say({ kind: 'MESSAGE', text })
        offers.ring(agent.id)
      }
      const due = clock.due(shown.isRead())
      if (due.inMs > 0) await waiting.rung(Math.min(due.inMs, LOOK_AGAIN_MS))
      else if (due.outcome) return due.outcome
      signal.throwIfAborted()
    }
  }

  async function toItsEnd(): Promise<Ended> {
    let isClosed = false
    try {
      await patiently(signal, () => offers.make({ attemptId, sessionId, agentId: agent.id, work: handedOut(work) }))
      const outcome = await watch()
      // What was reported before this moment counts, also where a limit was reached meanwhile.
      const report = await patiently(signal, () => offers.close(attemptId))
      isClosed = true
      if (report) return { report, worker }
      return { outcome: outcome ?? failed('CRASH', 'What the worker reported has gone.') }
    } finally {
      waiting.end()
      // A database that is away takes it for ended with the attempt.
      const last = (isClosed ? Promise.resolve() : offers.close(attemptId)).then(() => offers.forget(attemptId))
      await Promise.race([last, pause(LAST_MS, undefined, { ref: false })]).catch(() => {})
      shown.end()
    }
  }

  const ended = toItsEnd()
  // Whoever awaits it hears of a failure; until then it must not count as unhandled and end the server.
  ended.catch(() => {})
  return { shown, ended }
}

/** What a worker is handed: paths of the server mean nothing to it, so artifacts have an address. */
function handedOut({ outputDir: _, runtimeConfig: __, upstream, ...work }: Work): Json {
  const own = upstream.map(({ artifacts, ...result }) => ({
    ...result,
    artifacts: artifacts.map(({ path: _, ...artifact }) => ({ ...artifact, url: `/artifacts/${artifact.id}` })),
  }))
  return { ...work, upstream: own } as unknown as Json
}
