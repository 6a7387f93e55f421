import { isHeld } from '../core/execution.ts'
import { again } from './again.ts'
import { loseJudges } from './judges.ts'
import { endLeftovers } from './leftovers.ts'
import type { Parts } from './parts.ts'
import type { Sessions } from './sessions.ts'

/**
 * Goes on with what an earlier server left: ends what is still running for it, counts its attempts as LOST, and hands
 * everything READY to the engine. What was ACCEPTED is never touched. A session that cannot be read now does not keep
 * the others waiting. Only for a server that has the database for itself: whoever had these sessions is dead.
 *
 * @param signal fires when the server stops
 * @returns how many sessions go on, and how many attempts were lost
 */
export async function recover(
  parts: Parts & { sessions: Sessions },
  signal: AbortSignal,
): Promise<{ sessions: number; lost: number }> {
  const { store, log, owner } = parts
  // First the old processes, then new attempts: never two at once on one workspace.
  const { alive } = await endLeftovers(parts, true)
  const left = await store.unfinished()
  const driven = new Set(
    await store.drive(
      left.map(({ id }) => id),
      owner,
    ),
  )
  const ids = left.filter(({ id }) => driven.has(id)).map(({ id }) => id)
  let lost = 0
  for (const sessionId of ids) {
    const goOn = goingOn(parts, sessionId, alive)
    try {
      lost += await goOn()
    } catch (error) {
      log.error({ err: error, sessionId }, 'a session could not be recovered; it is tried again')
      again(parts, signal, goOn).catch((last: unknown) => {
        log.error({ err: last, sessionId }, 'a session could not be recovered; the next start tries again')
      })
    }
  }
  if (ids.length > 0) log.info({ sessions: ids.length, lost }, 'going on with unfinished sessions')
  return { sessions: ids.length, lost }
}

/** @returns goes on with a session, and says how many attempts were lost; to be called again if it throws */
function goingOn(
  { sessions, owner }: { sessions: Sessions; owner: string },
  sessionId: string,
  alive: ReadonlySet<string>,
): () => Promise<number> {
  let judgesAreLost = false
  let lost = 0
  return async () => {
    const state = await sessions.read(sessionId)
    // Once: a judge that is asked from then on is this server's.
    if (!judgesAreLost) await loseJudges(state, sessions.advance)
    judgesAreLost = true
    for (const { id: executionId, current, status } of Object.values(state?.executions ?? {})) {
      // What could not be ended keeps its lease: nobody else may begin before that is over. What is this server's own was
      // begun when an earlier try had come as far as that.
      if (!current || !isHeld(status) || alive.has(current.id) || current.owner === owner) continue
      const { id: attemptId, fence } = current
      const report = { kind: 'LOST' } as const
      await sessions.advance(sessionId, { type: 'REPORT', executionId, attemptId, fence, report, jitter: 0 })
      lost++
    }
    await sessions.advance(sessionId, { type: 'TICK' })
    await sessions.resume(sessionId)
    return lost
  }
}
