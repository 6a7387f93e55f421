import type { Coordinator } from './coordinator.ts'
import { createCrew } from './crew.ts'
import { createDirectory } from './directory.ts'
import { dryRun, estimateSession } from './dryRun.ts'
import { createErrands } from './errands.ts'
import { checkAgents } from './health.ts'
import type { Parts } from './parts.ts'
import { answer, edit, happen, rollBack } from './people.ts'
import { recover } from './recover.ts'
import { fork, retry } from './retry.ts'
import { createSessions } from './sessions.ts'
import { start } from './start.ts'

/** How often agents are proven alive, in milliseconds. */
const HEALTH_MS = 60_000

/** The coordinator of one server process. */
export function createCoordinator(given: Parts): Coordinator {
  const errands = createErrands(() => parts)
  const sessions = createSessions(given, errands)
  const directory = createDirectory(given.store, given.now)
  const stopping = new AbortController()
  const parts = { ...given, sessions, directory, stopping: stopping.signal }
  const { engine, timers, log } = parts
  let callOff = (): void => {}

  if (parts.crewed) engine.start(createCrew(parts))

  async function look(): Promise<void> {
    try {
      if ((await checkAgents(parts)) > 0) engine.nudge()
    } catch (error) {
      log.warn({ err: error }, 'the health of the agents could not be checked; it is tried again')
    }
  }

  /** A server that did not know yet that it had been replaced may have made or moved sessions after `recover`. */
  async function sweep(): Promise<void> {
    try {
      for (const { id, version, driver } of await parts.store.unfinished()) {
        if (driver === parts.owner) sessions.catchUp(id, version)
        else await sessions.drive(id)
      }
    } catch (error) {
      log.warn({ err: error }, 'it could not be seen what has been moved by others; it is tried again')
    }
  }

  function lookAgain(): void {
    callOff()
    if (stopping.signal.aborted) return
    callOff = timers.after(HEALTH_MS, () => {
      lookAgain()
      void look()
      void sweep()
    })
  }

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
    async recover() {
      await look()
      lookAgain()
      return recover(parts, stopping.signal)
    },
    ended: (sessionId) => sessions.ended(sessionId),
    async stop() {
      stopping.abort()
      callOff()
      await Promise.all([engine.stop(), errands.stop()])
      sessions.stop()
    },
  }
}
