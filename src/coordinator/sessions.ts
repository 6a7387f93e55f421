import { executionById, executionOf } from '../core/draft.ts'
import { takesRoom } from '../core/execution.ts'
import { pendingEffects } from '../core/pending.ts'
import { isEnded } from '../core/session.ts'
import type { Effect, SessionState, Step } from '../core/state.ts'
import type { Happening } from '../core/step.ts'
import { nextTick } from '../core/tick.ts'
import type { Claim } from '../store/idempotency.ts'
import type { ArtifactRow, Transition } from '../store/write.ts'
import type { Ahead, AheadClaim } from './ahead.ts'
import { createAlarms } from './alarms.ts'
import { createAttendance } from './attendance.ts'
import { loseJudges } from './judges.ts'
import type { Parts } from './parts.ts'
import { readyItem } from './ready.ts'
import { keyTaken, takesClaims, takeSteps, type Waiting, withClaims } from './together.ts'
import { createTurnedAway } from './turnedAway.ts'
import { createTurns } from './turns.ts'

/** Moves sessions: one happening after the other for each, all of them at once. */
export interface Sessions {
  /**
   * Takes one step: what a happening makes of a session is written, and only then its effects begin.
   *
   * @param key is taken with the write of the step; if it stands for something already, the step is refused
   * @returns undefined if there is no such session
   * @throws what the database says; whether the step was written nobody knows then, so the session is read again soon
   */
  advance(
    sessionId: string,
    happening: Happening,
    artifacts?: readonly ArtifactRow[],
    key?: Claim,
  ): Promise<Step | undefined>
  /**
   * Has a new session written and begins the effects of its steps.
   *
   * @param write writes all of it, claims of what can begin at once included, and tells whether it was written
   */
  create(transition: Transition, write: (all: Transition) => Promise<boolean>): Promise<void>
  /** The state as this server last wrote or read it: another one may have moved it since. */
  read(sessionId: string): Promise<SessionState | undefined>
  /** Begins everything that a session's rows say should be under way: see `restore`. */
  resume(sessionId: string): Promise<void>
  /** Drives the session from now on, unless another server that lives does. Never throws. */
  drive(sessionId: string): Promise<void>
  /** Resumes the session unless this server knows, once it has written what it is writing, that it has come so far. */
  catchUp(sessionId: string, version: number): void
  /** Resumes the session in a moment. */
  resumeSoon(sessionId: string): void
  /**
   * An execution was refused to whoever claimed it, since others take up the room or the budget: it goes back to the
   * engine as soon as one of them has ended, at the latest in a moment.
   */
  turnAway(sessionId: string, executionId: string): void
  /** Somebody here has work of the session in hand: what others make of it is heard until the returned function is called. */
  attend(sessionId: string): () => void
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

/** How soon a session is looked at again that could not be read or written, in milliseconds. */
const SOON_MS = 1_000
/** Happenings of one session that are written together at most: bounds the statement. */
const TOGETHER = 100

export function createSessions(parts: Parts, errands: Errands, ahead: Ahead): Sessions {
  const { store, engine, timers, log, now } = parts
  const known = new Map<string, SessionState>()
  /** Sessions whose effects may have been lost: whoever reads one next begins them anew. */
  const doubtful = new Set<string>()
  // Not by way of `resumeSoon`: whatever happens to the session next would begin all of it again at once.
  const turnedAway = createTurnedAway(timers, (sessionId) => {
    read(sessionId).then(
      (state) => state && letInNow(state),
      () => resumeSoon(sessionId),
    )
  })
  const inTurn = createTurns()
  /** Happenings that came while an earlier one was being written: all of them are written next, together. */
  const gathered = new Map<string, Waiting[]>()
  const alarms = createAlarms(timers, (sessionId) => void wake(sessionId))
  const waiters = new Map<string, (() => void)[]>()
  const attendance = createAttendance(hear, (sessionId) => {
    const state = known.get(sessionId)
    if (state && !isMine(state)) forget(sessionId)
  })
  /** Claims of which nobody knows whether they were written. */
  const unsure = new Map<string, AheadClaim[]>()
  let stopped = false

  async function read(sessionId: string): Promise<SessionState | undefined> {
    return known.get(sessionId) ?? (await store.session(sessionId))
  }

  /** The same in the session's turn: what is doubtful is restored first. */
  async function current(sessionId: string): Promise<SessionState | undefined> {
    const state = await read(sessionId)
    if (doubtful.delete(sessionId)) {
      if (state) restore(state)
      else alarms.clear(sessionId)
      for (const claim of unsure.get(sessionId) ?? []) {
        // What was claimed after all, though nobody heard so, has not begun yet.
        if (state) claim.begin(state)
        else claim.giveBack()
      }
      unsure.delete(sessionId)
    }
    return state
  }

  function advance(
    sessionId: string,
    happening: Happening,
    artifacts: readonly ArtifactRow[] = [],
    key?: Claim,
  ): Promise<Step | undefined> {
    return new Promise((resolve, reject) => {
      const waiting = { happening, artifacts, key, resolve, reject }
      // What has a key stands or falls alone.
      const others = key ? undefined : gathered.get(sessionId)
      if (others && others.length < TOGETHER) {
        others.push(waiting)
        return
      }
      const batch = [waiting]
      if (!key) gathered.set(sessionId, batch)
      void inTurn(sessionId, async () => {
        if (gathered.get(sessionId) === batch) gathered.delete(sessionId)
        await move(sessionId, batch)
      })
    })
  }

  /** Takes one step after the other and writes them together. Never throws: whoever waits for a step is told. */
  async function move(sessionId: string, batch: readonly Waiting[]): Promise<void> {
    const key = batch[0]?.key
    try {
      for (;;) {
        const isTaken = key && (await store.answered(key)) !== undefined
        const before = await current(sessionId)
        if (!before) {
          for (const { resolve } of batch) resolve(undefined)
          return
        }
        if (isTaken) {
          for (const { resolve } of batch) resolve(keyTaken(before))
          return
        }
        const { transition, told, refused } = takeSteps(before, batch, now)
        const isSo = transition
          ? await put({ ...transition, ...(key && { key }) }, (all) => store.write(all))
          : // Nothing is written that would fail: what this server remembers may be what refuses it.
            !refused || (await store.version(sessionId)) === before.version
        if (isSo) {
          for (const tell of told) tell()
          return
        }
        // Somebody else has moved it: what this server remembers is worth nothing.
        doubt(sessionId)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  /**
   * Writes a transition, together with the claims of what it makes READY and can begin here at once, and begins what
   * follows from it.
   *
   * @returns whether it was written
   */
  async function put(transition: Transition, write: (all: Transition) => Promise<boolean>): Promise<boolean> {
    const { all, claims } = stopped ? { all: transition, claims: [] } : withClaims(transition, ahead, now)
    let written: boolean | undefined
    try {
      written = await sure(transition.after.id, () => write(all))
    } finally {
      if (written === false) for (const claim of claims) claim.giveBack()
      // Whether it was written nobody knows: if it was, its work has to begin once the session is read again.
      if (written === undefined && claims.length > 0) {
        unsure.set(transition.after.id, [...(unsure.get(transition.after.id) ?? []), ...claims])
      }
    }
    if (!written) return false
    begin(all)
    for (const claim of claims) claim.begin(all.after)
    return true
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

  /** Whether this server keeps the session's timers and runs its errands. */
  function isMine({ driver }: SessionState): boolean {
    return driver === parts.owner
  }

  /** What is not this server's concern is not worth remembering: others move it. */
  function remember(state: SessionState): void {
    if (isMine(state) || attendance.attends(state.id)) {
      known.set(state.id, state)
      attendance.follow(state.id)
    } else {
      forget(state.id)
    }
  }

  /** Hears what other servers make of the session. */
  function hear(sessionId: string): () => void {
    return store.follow(sessionId, (seq) => {
      const state = known.get(sessionId)
      if (state && (seq === undefined || seq > state.seq)) void readAgain(sessionId, () => hasMoved(sessionId))
    })
  }

  /** Whether the rows say something else of the session than this server remembers. */
  async function hasMoved(sessionId: string): Promise<boolean> {
    const state = known.get(sessionId)
    const version = state && (await store.version(sessionId))
    return version !== undefined && version !== state?.version
  }

  /** Reads the session again, if that is needed still once it is its turn. Never throws. */
  async function readAgain(sessionId: string, isNeeded: () => boolean | Promise<boolean>): Promise<void> {
    try {
      await inTurn(sessionId, async () => {
        if (!(await isNeeded())) return
        known.delete(sessionId)
        doubtful.add(sessionId)
        await current(sessionId)
      })
    } catch {
      resumeSoon(sessionId)
    }
  }

  function resumeSoon(sessionId: string): void {
    doubtful.add(sessionId)
    alarms.set(sessionId, SOON_MS)
  }

  /** After the commit: what has become READY goes to the engine, what has to stop is stopped. */
  function begin({ before, after, steps }: Transition): void {
    remember(after)
    for (const execution of Object.values(after.executions)) {
      const was = before.executions[execution.key]?.status
      if (was === 'READY' && (execution.status !== 'READY' || !takesClaims(after))) engine.withdraw(execution.id)
      if (was === 'VALIDATING' && execution.status !== 'VALIDATING') errands.leave(execution.id)
    }
    for (const { effects } of steps) for (const effect of effects) carryOut(after, effect)
    letIn(before, after)
    schedule(after)
    if (after.driver === undefined && !isEnded(after.status)) engine.hail(after.id)
    if (isEnded(after.status)) leave(after)
  }

  function carryOut(state: SessionState, effect: Effect): void {
    if (effect.type === 'ABORT') {
      engine.abort(effect.executionId, effect.reason)
    } else if (effect.type !== 'ENQUEUE') {
      if (isMine(state)) errands.run(state, effect)
    } else if (takesClaims(state) && executionById(state, effect.executionId)?.status === 'READY') {
      engine.enqueue(readyItem(state, effect.executionId))
    }
  }

  /** What was turned away is handed to the engine again once something has given up its place. */
  function letIn(before: SessionState, after: SessionState): void {
    if (!turnedAway.has(after.id)) return
    const held = Object.values(before.executions).filter(({ status }) => takesRoom(status))
    if (held.every(({ key }) => takesRoom(executionOf(after, key).status))) return
    letInNow(after)
  }

  function letInNow(state: SessionState): void {
    for (const executionId of turnedAway.take(state.id)) carryOut(state, { type: 'ENQUEUE', executionId })
  }

  /** The same from the rows alone. All of it can be done twice without harm. */
  function restore(state: SessionState): void {
    remember(state)
    turnedAway.take(state.id)
    for (const { id, status } of Object.values(state.executions)) {
      if (status !== 'READY' || !takesClaims(state)) engine.withdraw(id)
      if (status !== 'VALIDATING' || !isMine(state)) errands.leave(id)
    }
    for (const effect of pendingEffects(state)) carryOut(state, effect)
    store.ring(state)
    schedule(state)
    if (isEnded(state.status)) leave(state)
  }

  function leave(state: SessionState): void {
    forget(state.id)
    for (const resolve of waiters.get(state.id) ?? []) resolve()
    waiters.delete(state.id)
    if (isMine(state)) errands.ended(state)
  }

  function forget(sessionId: string): void {
    known.delete(sessionId)
    attendance.unfollow(sessionId)
    turnedAway.take(sessionId)
  }

  /** Wakes the session when time alone makes something happen. */
  function schedule(state: SessionState): void {
    const due = isMine(state) ? nextTick(state) : undefined
    if (due === undefined) alarms.clear(state.id)
    else alarms.set(state.id, due - now())
  }

  async function wake(sessionId: string): Promise<void> {
    try {
      const result = await advance(sessionId, { type: 'TICK' })
      // A timer may come a little early; then nothing has happened yet.
      if (result && result.events.length === 0) schedule(result.state)
    } catch (error) {
      log.error({ err: error, sessionId }, 'a session could not be woken; it is tried again')
      alarms.set(sessionId, SOON_MS)
    }
  }

  return {
    advance,
    read,
    resumeSoon,
    async drive(sessionId) {
      try {
        const [driven] = await store.drive([sessionId], parts.owner)
        if (driven === undefined) return
        await loseJudges(await store.session(sessionId), advance)
        doubt(sessionId)
        await inTurn(sessionId, () => current(sessionId))
      } catch (error) {
        log.warn({ err: error, sessionId }, 'a session could not be taken over; it is tried again')
        // It may be this server's already, and then nobody else looks.
        resumeSoon(sessionId)
      }
    },
    catchUp(sessionId, version) {
      // What is doubtful is read anew in any case.
      const isBehind = (): boolean => (known.get(sessionId)?.version ?? 0) < version && !doubtful.has(sessionId)
      if (isBehind()) void readAgain(sessionId, isBehind)
    },
    attend: attendance.attend,
    turnAway(sessionId, executionId) {
      if (!stopped) turnedAway.add(sessionId, executionId)
    },
    create: (transition, write) =>
      inTurn(transition.after.id, async () => {
        if (await put(transition, write)) store.ring(transition.after)
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
        if (!state || isEnded(state.status)) {
          forget(sessionId)
          resolve()
        }
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
      turnedAway.clear()
      attendance.stop()
      alarms.stop()
    },
  }
}
