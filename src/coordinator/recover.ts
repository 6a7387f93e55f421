import { isHeld } from '../core/execution.ts'
import { unfinishedSessions } from '../store/session.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import type { Sessions } from './sessions.ts'

/**
 * Goes on with what an earlier server left: ends what is still running for it, counts its attempts as LOST, and hands
 * everything READY to the engine. What was ACCEPTED is never touched.
 *
 * @returns how many sessions go on, and how many attempts were lost
 */
export async function recover(
  parts: Parts & { sessions: Sessions; directory: Directory },
): Promise<{ sessions: number; lost: number }> {
  const { database, sessions, directory, runtimes, artifacts, log } = parts
  const ids = await unfinishedSessions(database.query)
  let lost = 0
  for (const sessionId of ids) {
    const state = await sessions.read(sessionId)
    for (const execution of Object.values(state?.executions ?? {})) {
      const { id: executionId, current, status, agentId } = execution
      if (!current || !agentId || !isHeld(status)) continue
      // First the old process, then the new attempt: never two at once on one workspace.
      const runtime = (await directory.agent(agentId))?.runtime
      const folder = artifacts.folder(current.id)
      await (runtime ? runtimes[runtime]?.reap(folder) : undefined)
      await artifacts.closeFolder(current.id)
      const { id: attemptId, fence } = current
      const report = { kind: 'LOST' } as const
      await sessions.advance(sessionId, { type: 'REPORT', executionId, attemptId, fence, report, jitter: 0 })
      lost++
    }
    await sessions.advance(sessionId, { type: 'TICK' })
    await sessions.resume(sessionId)
  }
  if (ids.length > 0) log.info({ sessions: ids.length, lost }, 'going on with unfinished sessions')
  return { sessions: ids.length, lost }
}
