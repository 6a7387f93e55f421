import { executionsOf, nodeOf } from '../core/draft.ts'
import { heldAttempt, takesRoom } from '../core/execution.ts'
import type { Coordinator } from './coordinator.ts'
import { createDirectory } from './directory.ts'
import { dryRun, estimateSession } from './dryRun.ts'
import { createErrands } from './errands.ts'
import { checkAgents } from './health.ts'
import type { Parts } from './parts.ts'
import { answer, edit, happen, rollBack } from './people.ts'
import { perform } from './perform.ts'
import { recover } from './recover.ts'
import { fork, retry } from './retry.ts'
import { createSessions } from './sessions.ts'
import { start } from './start.ts'
import { assign, type HeldItem } from '../core/schedule.ts'
import type { SessionState } from '../core/state.ts'

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

  engine.start({
    async assign(ready, held) {
      const projects = [...new Set(ready.map(({ projectId }) => projectId))]
      const agents = new Map(await Promise.all(projects.map(async (id) => [id, await directory.agentsOf(id)] as const)))
      const limits = new Map(
        await Promise.all(projects.map(async (id) => [id, await directory.concurrencyOf(id)] as const)),
      )
      const items = ready.map((item) => ({
        ...item,
        limits: { ...item.limits, project: limits.get(item.projectId) as number },
      }))
      const children = (await Promise.all([...new Set(ready.map((item) => item.sessionId))].map(heldBeside))).flat()
      return assign(items, [...held, ...children], (projectId) =>
        (agents.get(projectId) ?? []).map((agent) => ({ agent })),
      )
    },
    perform: (assignment, signal) => perform(parts, assignment, signal),
  })

  /** What child sessions do, and what gates look at, takes up the room of its session, and nobody else's. */
  async function heldBeside(sessionId: string): Promise<HeldItem[]> {
    const state = await sessions.read(sessionId)
    const running = state ? executionsOf(state).filter((e) => takesRoom(e.status) && !heldAttempt(e)) : []
    return running.map(({ id: executionId, key }) => {
      const { group } = nodeOf(state as SessionState, key)
      return { executionId, sessionId, projectId: '', group, agentId: '' }
    })
  }

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
      for (const { id, version } of await parts.store.unfinished()) sessions.catchUp(id, version)
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
