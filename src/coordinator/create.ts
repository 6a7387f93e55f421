import { createAhead } from './ahead.ts'
import type { Coordinator } from './coordinator.ts'
import { createDirectory } from './directory.ts'
import { dryRun, estimateSession } from './dryRun.ts'
import { createErrands } from './errands.ts'
import { createLife } from './life.ts'
import type { Parts } from './parts.ts'
import { claimOf, KEY_OF_OTHER, movedBefore } from './keys.ts'
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
    answer: (answering, once) => answer(parts, answering, once),
    pause: (sessionId, reason, once) => happen(parts, sessionId, { type: 'PAUSE', reason }, once),
    resume: (sessionId, once) => happen(parts, sessionId, { type: 'RESUME' }, once),
    input: (sessionId, text, by, once) => happen(parts, sessionId, { type: 'INPUT', text, by }, once),
    edit: (sessionId, edits, by, once) => edit(parts, sessionId, { edits, by, once }),
    rollBack: (sessionId, to, once) => rollBack(parts, sessionId, to, once),
    moved: (once) => movedBefore(parts.store, once),
    async cancel(sessionId, reason, once) {
      const key = once && claimOf(once, sessionId)
      const result = await sessions.advance(sessionId, { type: 'CANCEL', reason }, [], key)
      if (!result) return { kind: 'NOT_FOUND', what: 'session', id: sessionId }
      // Twice is once; an end, however it came, is for good, and so is a rollback.
      if (result.refused !== undefined && result.state.status !== 'CANCELING') {
        return { kind: 'CONFLICT', message: result.refused }
      }
      if (key && result.refused !== undefined && (await parts.store.claim(key)).kind !== 'NEW') return KEY_OF_OTHER
      return { kind: 'CANCELING' }
    },
    ended: (sessionId) => sessions.ended(sessionId),
    ...life,
  }
}
