import { executionById, executionOf } from '../core/draft.ts'
import { takesRoom } from '../core/execution.ts'
import { pendingEffects } from '../core/pending.ts'
import { isEnded } from '../core/session.ts'
import type { Effect, SessionState, Step } from '../core/state.ts'
import { type Happening, step } from '../core/step.ts'
import { nextTick } from '../core/tick.ts'
import type { ArtifactRow, Transition } from '../store/write.ts'
import type { Parts } from './parts.ts'
import { readyItem } from './ready.ts'

/** Moves sessions: one happening after the other for each, all of them at once. */
export interface Sessions {
  /**
   * Takes one step: what a happening makes of a session is written, and only then its effects begin.
   *
   * @returns undefined if there is no such session
   * @throws what the database says; whether the step was written nobody knows then, so the session is read again soon
   */
  advance(sessionId: string, happening: Happening, artifacts?: readonly ArtifactRow[]): Promise<Step | undefined>
  /**
   * Has a new session written and begins the effects of its steps.
   *
   * @param write tells whether it was written
   */
  create(transition: Transition, write: () => Promise<boolean>): Promise<void>
  /** The state as this server last wrote or read it. */
  read(sessionId: string): Promise<SessionState | undefined>
  /** Begins everything that a session's rows say should be under way: see `restore`. */
  resume(sessionId: string): Promise<void>
  /** Resumes the session unless this server knows that it has come so far. */
  catchUp(sessionId: string, version: number): void
  /** Resumes the session in a moment. */
  resumeSoon(sessionId: string): void
  /**
   * An execution was refused to whoever claimed it, since others take up the room or the budget: it goes back to the
   * engine as soon as one of them has ended, at the latest in a moment.
   */
  turnAway(sessionId: string, executionId: string): void
  ended(sessionId: string): Promise<void>
  /** No timers any more. */
  stop(): void
}

/** What sessions want done beside what the engine does. */
export interface Errands {
  /** Begins one effect of a step that is durable. Twice is once. */
  run(state: SessionState, effect: Exclude<Effect, { type: 'ENQUEUE' | 'ABORT' }>): void
  /** The result of an execution is no longer being validated. */
  leave(executionId: string): void
  /** A session has ended. */
  ended(state: SessionState): void
}

/** Node's timers hold no more than this, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1
/** How soon a session is looked at again that could not be read or written, in milliseconds. */
const SOON_MS = 1_000

export function createSessions(parts: Parts, errands: Errands): Sessions {
  const { store, engine, timers, log, now } = parts
  const known = new Map<string, SessionState>()
  /** Sessions whose effects may have been lost: whoever reads one next begins them anew. */
  const doubtful = new Set<string>()
  /** Executions that were turned away, by session. */
  const turnedAway = new Map<string, { executionIds: Set<string>; callOff: () => void }>()
  const queues = new Map<string, Promise<unknown>>()
  /** What calls off the timer of a session. */
  const alarms = new Map<string, () => void>()
  const waiters = new Map<string, (() => void)[]>()
  let stopped = false

  /** Happenings of one session wait for each other; the queue goes when it is empty. */
  function inTurn<T>(sessionId: string, act: () => Promise<T>): Promise<T> {
    const turn = (queues.get(sessionId) ?? Promise.resolve()).then(act)
    const tail = turn
      .catch(() => {})
      .finally(() => {
        if (queues.get(sessionId) === tail) queues.delete(sessionId)
      })
    queues.set(sessionId, tail)
    return turn
  }

  async function read(sessionId: string): Promise<SessionState | undefined> {
    return known.get(sessionId) ?? (await store.session(sessionId))
  }

  /** The same in the session's turn: what is doubtful is restored first. */
  async function current(sessionId: string): Promise<SessionState | undefined> {
    const state = await read(sessionId)
    if (doubtful.delete(sessionId)) {
      if (state) restore(state)
      else clearTimer(sessionId)
    }
    return state
  }

  function advance(
    sessionId: string,
    happening: Happening,
    artifacts: readonly ArtifactRow[] = [],
  ): Promise<Step | undefined> {
    return inTurn(sessionId, async () => {
      for (;;) {
        const before = await current(sessionId)
        if (!before) return undefined
        const result = step(before, happening, now())
        if (result.events.length === 0) return result
        const accepted = result.refused === undefined ? artifacts : []
        const transition: Transition = { before, after: result.state, steps: [result], artifacts: accepted }
        if (await sure(sessionId, () => store.write(transition))) {
          begin(transition)
          return result
        }
        // Somebody else has moved it: what this server remembers is worth nothing.
        doubt(sessionId)
      }
    })
  }

  /** An error leaves open whether something was written: a connection can break before a commit or after it. */
  async function sure<T>(sessionId: string, write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      doubt(sessionId)
      throw error
    }
  }

  function doubt(sessionId: string): void {
    known.delete(sessionId)
    resumeSoon(sessionId)
  }

  function resumeSoon(sessionId: string): void {
    doubtful.add(sessionId)
    wakeIn(sessionId, SOON_MS)
  }

  /** After the commit: what has become READY goes to the engine, what has to stop is stopped. */
  function begin({ before, after, steps }: Transition): void {
    known.set(after.id, after)
    for (const execution of Object.values(after.executions)) {
      const was = before.executions[execution.key]?.status
      if (was === 'READY' && (execution.status !== 'READY' || !takesClaims(after))) engine.withdraw(execution.id)
      if (was === 'VALIDATING' && execution.status !== 'VALIDATING') errands.leave(execution.id)
    }
    for (const effect of steps.flatMap(({ effects }) => effects)) carryOut(after, effect)
    letIn(before, after)
    schedule(after)
    if (isEnded(after.status)) leave(after)
  }

  function carryOut(state: SessionState, effect: Effect): void {
    if (effect.type === 'ABORT') {
      engine.abort(effect.executionId, effect.reason)
    } else if (effect.type !== 'ENQUEUE') {
      errands.run(state, effect)
    } else if (takesClaims(state) && executionById(state, effect.executionId)?.status === 'READY') {
      engine.enqueue(readyItem(state, effect.executionId))
    }
  }

  /** What was turned away is handed to the engine again once something has given up its place. */
  function letIn(before: SessionState, after: SessionState): void {
    const waiting = turnedAway.get(after.id)
    if (!waiting) return
    const held = Object.values(before.executions).filter(({ status }) => takesRoom(status))
    if (held.every(({ key }) => takesRoom(executionOf(after, key).status))) return
    letInNow(after)
  }

  function letInNow(state: SessionState): void {
    const { executionIds = [], callOff } = turnedAway.get(state.id) ?? {}
    callOff?.()
    turnedAway.delete(state.id)
    for (const executionId of executionIds) carryOut(state, { type: 'ENQUEUE', executionId })
  }

  function keepOut(sessionId: string): void {
    turnedAway.get(sessionId)?.callOff()
    turnedAway.delete(sessionId)
  }

  /** While a session waits for a person, what is READY waits too. */
  function takesClaims({ status }: SessionState): boolean {
    return status === 'RUNNING' || status === 'ROLLING_BACK'
  }

  /** The same from the rows alone. All of it can be done twice without harm. */
  function restore(state: SessionState): void {
    known.set(state.id, state)
    keepOut(state.id)
    for (const { id, status } of Object.values(state.executions)) {
      if (status !== 'READY' || !takesClaims(state)) engine.withdraw(id)
      if (status !== 'VALIDATING') errands.leave(id)
    }
    for (const effect of pendingEffects(state)) carryOut(state, effect)
    store.ring(state)
    schedule(state)
    if (isEnded(state.status)) leave(state)
  }

  function leave(state: SessionState): void {
    forget(state.id)
    errands.ended(state)
  }

  function forget(sessionId: string): void {
    known.delete(sessionId)
    keepOut(sessionId)
    for (const resolve of waiters.get(sessionId) ?? []) resolve()
    waiters.delete(sessionId)
  }

  /** Wakes the session when time alone makes something happen. */
  function schedule(state: SessionState): void {
    clearTimer(state.id)
    const due = nextTick(state)
    if (due !== undefined) wakeIn(state.id, Math.min(Math.max(0, due - now()), LONGEST_TIMER))
  }

  function wakeIn(sessionId: string, ms: number): void {
    clearTimer(sessionId)
    if (stopped) return
    alarms.set(
      sessionId,
      timers.after(ms, () => void wake(sessionId)),
    )
  }

  function clearTimer(sessionId: string): void {
    alarms.get(sessionId)?.()
    alarms.delete(sessionId)
  }

  async function wake(sessionId: string): Promise<void> {
    alarms.delete(sessionId)
    try {
      const result = await advance(sessionId, { type: 'TICK' })
      // A timer may come a little early; then nothing has happened yet.
      if (result && result.events.length === 0) schedule(result.state)
    } catch (error) {
      log.error({ err: error, sessionId }, 'a session could not be woken; it is tried again')
      wakeIn(sessionId, SOON_MS)
    }
  }

  return {
    advance,
    read,
    resumeSoon,
    catchUp(sessionId, version) {
      if ((known.get(sessionId)?.version ?? 0) < version) doubt(sessionId)
    },
    turnAway(sessionId, executionId) {
      const waiting = turnedAway.get(sessionId)
      if (waiting) waiting.executionIds.add(executionId)
      if (waiting || stopped) return
      // Not by way of `resumeSoon`: whatever happens to the session next would begin all of it again at once.
      const callOff = timers.after(SOON_MS, () => {
        read(sessionId).then(
          (state) => state && letInNow(state),
          () => resumeSoon(sessionId),
        )
      })
      turnedAway.set(sessionId, { executionIds: new Set([executionId]), callOff })
    },
    create: (transition, write) =>
      inTurn(transition.after.id, async () => {
        if (!(await sure(transition.after.id, write))) return
        store.ring(transition.after)
        begin(transition)
      }),
    resume: (sessionId) =>
      inTurn(sessionId, async () => {
        doubtful.add(sessionId)
        await current(sessionId)
      }),
    async ended(sessionId) {
      const { promise: arrived, resolve } = Promise.withResolvers<void>()
      waiters.set(sessionId, [...(waiters.get(sessionId) ?? []), resolve])
      try {
        const state = await read(sessionId)
        if (!state || isEnded(state.status)) forget(sessionId)
      } catch (error) {
        const others = (waiters.get(sessionId) ?? []).filter((waiter) => waiter !== resolve)
        if (others.length > 0) waiters.set(sessionId, others)
        else waiters.delete(sessionId)
        throw error
      }
      await arrived
    },
    stop() {
      stopped = true
      for (const callOff of alarms.values()) callOff()
      for (const sessionId of turnedAway.keys()) keepOut(sessionId)
      alarms.clear()
    },
  }
}
