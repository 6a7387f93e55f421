import { pendingEffects } from '../core/pending.ts'
import { type LostAttempt, WAITING_AT_ONCE, WAITING_MS, type WaitingExecution } from '../store/servers.ts'
import type { Heartbeat } from './heartbeat.ts'
import { endLeftovers } from './leftovers.ts'
import type { Membership } from './membership.ts'
import type { Parts } from './parts.ts'
import { readyItem } from './ready.ts'
import type { Sessions } from './sessions.ts'

/** Finds what nobody has in hand, and brings it to those who live. */
export interface Sweeper {
  /**
   * Looks once, if it is this server's turn.
   *
   * @param stuck attempts that could not be ended: nobody else may begin before their own lease is over
   * @returns how many sessions had nobody, and how many attempts were lost
   * @throws what the database says
   */
  look(stuck?: ReadonlySet<string>): Promise<{ sessions: number; lost: number }>
  /** Looks again and again. */
  begin(): void
  end(): void
}

/**
 * Sweeps for all servers of the database: the oldest that lives does it, the others only ask whether it is their turn. What
 * others have made of its own sessions each one looks after itself: they may have died before they told it.
 */
export function createSweeper(
  parts: Parts & { sessions: Sessions },
  { servers, lookMs }: Pick<Membership, 'servers' | 'lookMs'>,
  heartbeat: Pick<Heartbeat, 'inTime'>,
): Sweeper {
  const { sessions, store, engine, timers, log, owner, now } = parts
  /** Where the next look for waiting executions begins, and when. */
  let after: WaitingExecution | undefined
  let againAt = 0
  const stuck = new Set<string>()
  let over = false
  let callOff = (): void => {}

  /** The server that had it may come back and report: its fence is then an old one. */
  async function lose(lost: readonly LostAttempt[]): Promise<number> {
    if (lost.length === 0) return 0
    // First the old processes, then new attempts: never two at once on one workspace, as far as this server can reach.
    const { alive, servers: ended } = await endLeftovers(parts, false)
    await servers.bury(ended)
    let count = 0
    for (const { sessionId, version, ...attempt } of lost) {
      if (alive.has(attempt.attemptId) || stuck.has(attempt.attemptId)) continue
      try {
        // Who began the attempt may have died before it rang: what is remembered here knows nothing of it.
        sessions.catchUp(sessionId, version)
        await sessions.advance(sessionId, { type: 'REPORT', ...attempt, report: { kind: 'LOST' }, jitter: 0 })
        count++
      } catch (error) {
        // It must not keep the others waiting.
        log.error(
          { err: error, sessionId },
          'an attempt of a dead server could not be counted as lost; it is tried again',
        )
      }
    }
    return count
  }

  /** Whoever lives is asked, so that not one server drives everything; while nobody can be asked it has to. */
  function findDriver(sessionId: string): void {
    if (engine.status() === 'up') engine.hail(sessionId)
    else void sessions.drive(sessionId)
  }

  /** Rings for executions whose doorbell was lost. What still waits for an agent only hears it once more. */
  async function ringAgain(waiting: readonly WaitingExecution[]): Promise<void> {
    if (now() < againAt) return
    after = waiting.length < WAITING_AT_ONCE ? undefined : waiting.at(-1)
    if (!after) againAt = now() + WAITING_MS
    for (const [sessionId, group] of Map.groupBy(waiting, ({ sessionId }) => sessionId)) {
      // What made it READY may have died before it rang: what is remembered here knows nothing of it.
      const state = await store.session(sessionId)
      if (!state) continue
      const ids = new Set(group.map(({ executionId }) => executionId))
      for (const effect of pendingEffects(state)) {
        if (effect.type !== 'ENQUEUE' || !ids.has(effect.executionId)) continue
        engine.enqueue(readyItem(state, effect.executionId))
      }
    }
  }

  async function look(own: ReadonlySet<string> = new Set()): Promise<{ sessions: number; lost: number }> {
    for (const attemptId of own) stuck.add(attemptId)
    const found = await servers.look(owner, heartbeat.inTime(), after)
    if (!found || over) return { sessions: 0, lost: 0 }
    for (const { id, name } of found.buried) {
      log.warn({ server: id, name }, 'a server has been silent for longer than its lease: others take over what it had')
    }
    const lost = await lose(found.lost)
    for (const sessionId of found.undriven) findDriver(sessionId)
    await ringAgain(found.waiting)
    return { sessions: found.undriven.length, lost }
  }

  async function catchUp(): Promise<void> {
    for (const { id, version } of await servers.driven(owner)) sessions.catchUp(id, version)
  }

  function lookIn(ms: number): void {
    if (over) return
    callOff = timers.after(ms, () => {
      Promise.all([look(), catchUp()])
        .catch((error: unknown) => {
          log.warn({ err: error }, 'it could not be seen what nobody has in hand; it is tried again')
        })
        .finally(() => lookIn(lookMs))
    })
  }

  return {
    look,
    begin: () => lookIn(lookMs),
    end() {
      over = true
      callOff()
    },
  }
}
