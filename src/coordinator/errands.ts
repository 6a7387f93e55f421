import type { SessionState } from '../core/state.ts'
import { again } from './again.ts'
import { beginChild, tellParent } from './child.ts'
import { restoreWorkspace } from './restore.ts'
import type { Errands } from './sessions.ts'
import { showResult } from './showResult.ts'
import type { Tools } from './tools.ts'
import { validate } from './validate.ts'

/** Errands that run; each once at a time, by what it is for. */
export interface RunningErrands extends Errands {
  /** Stops all of them and waits until they have stopped; the next server begins them again. */
  stop(): Promise<void>
}

/**
 * How long an errand that could not be done is left alone, in milliseconds: it has been tried for long, or was refused.
 */
export const REST_MS = 30_000

/**
 * Does what sessions want done beside what the engine does: gates are looked at, child sessions begin and are stopped,
 * workspaces brought back, parents told.
 *
 * @param tools asked for once the first errand runs: sessions and errands need each other
 */
export function createErrands(tools: () => Tools): RunningErrands {
  interface Running {
    controller: AbortController
    done: Promise<void>
    /** Asked for once more while it ran. */
    again: boolean
  }
  const running = new Map<string, Running>()
  /** Sessions whose errands could not all be done, and what calls off taking them up again. */
  const resting = new Map<string, () => void>()
  let stopped = false

  /** Runs an errand of a session; one that is asked for while it runs is run once more after that. */
  function begin(sessionId: string, name: string, act: (parts: Tools, signal: AbortSignal) => Promise<void>): void {
    if (stopped) return
    const already = running.get(name)
    if (already) {
      // One that is being given up does nothing more: it begins anew after that.
      if (already.controller.signal.aborted) void already.done.then(() => begin(sessionId, name, act))
      else already.again = true
      return
    }
    const controller = new AbortController()
    const parts = tools()
    const run = async (): Promise<void> => {
      // Not before the step that asked for it is through.
      await Promise.resolve()
      try {
        do {
          errand.again = false
          await again(parts, controller.signal, () => act(parts, controller.signal))
        } while (errand.again && !controller.signal.aborted)
      } catch (error) {
        parts.log.error({ err: error, sessionId, errand: name }, 'an errand could not be done; it is tried again later')
        rest(parts, sessionId)
      } finally {
        running.delete(name)
      }
    }
    const errand: Running = { controller, done: Promise.resolve(), again: false }
    running.set(name, errand)
    errand.done = run()
  }

  /** What is still to be done then, and by whom, the session's rows tell. */
  function rest({ timers, sessions }: Tools, sessionId: string): void {
    if (stopped || resting.has(sessionId)) return
    const callOff = timers.after(REST_MS, () => {
      resting.delete(sessionId)
      sessions.resumeSoon(sessionId)
    })
    resting.set(sessionId, callOff)
  }

  return {
    run({ id, executions }, effect) {
      if (effect.type === 'VALIDATE') {
        begin(id, effect.executionId, (parts, signal) => validate(parts, id, effect.executionId, signal))
      } else if (effect.type === 'SPAWN') {
        begin(id, effect.childId, (parts) => beginChild(parts, id, effect.executionId, effect.childId))
      } else if (effect.type === 'CLOSE_CHILD') {
        const { childId, reason } = effect
        begin(id, `close ${childId}`, async ({ sessions }) => {
          await sessions.advance(childId, { type: 'CANCEL', reason })
        })
      } else {
        // Programs of gates that were told to stop may still be writing.
        const left = Object.values(executions).flatMap((execution) => running.get(execution.id)?.done ?? [])
        begin(id, `restore ${id}`, async (parts) => {
          await Promise.all(left)
          await restoreWorkspace(parts, id)
        })
      }
    },
    leave(executionId) {
      running.get(executionId)?.controller.abort(new Error('the result is no longer being validated'))
    },
    ended(state: SessionState) {
      if (state.parentSessionId !== undefined) {
        begin(state.id, `end ${state.id}`, (parts) => tellParent(parts, state))
      } else if (state.headCommit !== undefined) {
        begin(state.id, `show ${state.id}`, (parts) => showResult(parts, state))
      }
    },
    async stop() {
      stopped = true
      for (const callOff of resting.values()) callOff()
      for (const { controller } of running.values()) controller.abort(new Error('the server is stopping'))
      await Promise.all([...running.values()].map(({ done }) => done))
    },
  }
}
