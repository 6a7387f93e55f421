import { createAhead } from './ahead.ts'
import type { Coordinator } from './coordinator.ts'
import { createDirectory } from './directory.ts'
import { dryRun, estimateSession } from './dryRun.ts'
import { createErrands } from './errands.ts'
import { createLife } from './life.ts'
import type { Parts } from './parts.ts'
import { answer, edit, happen, rollBack } from './people.ts'
import { fork, retry } from './retry.ts'
import { createSessions } from './sessions.ts'
import { start } from './start.ts'

/** The coordinator of one server process. */
export function createCoordinator(given: Parts): Coordinator {
  const errands = createErrands(() => parts)
  const directory = createDirectory(given.store, given.now)
  const ahead = createAhead(given, directory)
  const sessions = createSessions(given, errands, ahead)
  const stopping = new AbortController()
  const parts = { ...given, sessions, directory, ahead, stopping: stopping.signal }
  const life = createLife(parts, errands, stopping)

  return {
    start: (input) => start(parts, input),
    analyze: (input) => dryRun(parts, input),
    estimate: (sessionId) => estimateSession(parts, sessionId),
    retry: (sessionId, idempotencyKey, seq) => retry(parts, sessionId, idempotencyKey, seq),
    fork: (wanted) => fork(parts, wanted),
    answer: (answering) => answer(parts, answering),
    pause: (sessionId, reason) => happen(parts, sessionId, { type: 'PAUSE', reason }),
    resume: (sessionId) => happen(parts, sessionId, { type: 'RESUME' }),
    input: (sessionId, text, by) => happen(parts, sessionId, { type: 'INPUT', text, by }),
    edit: (sessionId, edits, by) => edit(parts, sessionId, edits, by),
    rollBack: (sessionId, to) => rollBack(parts, sessionId, to),
    async cancel(sessionId, reason) {
      const result = await sessions.advance(sessionId, { type: 'CANCEL', reason })
      if (!result) return { kind: 'NOT_FOUND', what: 'session', id: sessionId }
      // Twice is once; an end, however it came, is for good, and so is a rollback.
      if (result.refused !== undefined && result.state.status !== 'CANCELING') {
        return { kind: 'CONFLICT', message: result.refused }
      }
      return { kind: 'CANCELING' }
    },
    ended: (sessionId) => sessions.ended(sessionId),
    ...life,
  }
}
