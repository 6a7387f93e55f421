import type { Bus } from '../bus.ts'
import type { Analysis } from '../core/analysis.ts'
import type { Event } from '../core/event.ts'
import type { ExecutionState } from '../core/execution.ts'
import type { SessionState, Step } from '../core/state.ts'
import type { Database } from './db.ts'
import type { Query } from './driver.ts'
import { type Claim, claimKey, releaseKey } from './idempotency.ts'
import { type Following, isUsual, type Moves, statement, usualRow } from './statement.ts'
import { isRefusal } from './fault.ts'
import {
  attemptRow,
  checkpointRow,
  executionRow,
  interruptRow,
  journalRow,
  planRow,
  type Row,
  sessionRow,
  verdictRow,
} from './rows.ts'

/** What one session's step, or several of them in a row, have to make durable. */
export interface Transition {
  /** The state that is in the database; version 0: none yet. */
  before: SessionState
  after: SessionState
  steps: readonly Step[]
  /** With a new plan. */
  analysis?: Analysis
  artifacts?: readonly ArtifactRow[]
  /** It is written if this idempotency key is free, and takes it. */
  key?: Claim
}

/** A row of the table Artifact. */
export interface ArtifactRow {
  id: string
  sessionId: string
  executionId: string
  attemptId: string
  name: string
  kind: 'FILE' | 'PATCH' | 'REPORT' | 'JSON'
  mediaType: string
  size: number
  sha256: string
  /** ISO 8601. */
  createdAt: string
}

/** The one door through which sessions move: state and events in one statement, then the doorbell. */
export interface Writer {
  /**
   * Writes a transition. Transitions of other sessions that come while one statement is under way share the next one.
   *
   * @returns false if the session has moved on since `before` was read: load it again and take the step anew; also if
   *   its key is taken
   * @throws what the database says; unless `isRefusal`, it may have been written nevertheless
   */
  write(transition: Transition): Promise<boolean>
  /** The same inside a transaction of the caller's, who calls `ring` once it is committed. */
  writeIn(query: Query, transition: Transition): Promise<boolean>
  /** Rings the doorbells of a session, and that of interrupts if it has any that are OPEN. */
  ring(session: SessionState): void
}

/** Transitions that share one statement at most: bounds its size. */
const BATCH = 100

export function createWriter(database: Database, bus: Bus): Writer {
  interface Job {
    transition: Transition
    resolve(won: boolean): void
    reject(error: unknown): void
  }
  let waiting: Job[] = []
  let busy = false

  async function flush(): Promise<void> {
    busy = true
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH)
      waiting = waiting.slice(BATCH)
      await settle(batch)
    }
    busy = false
  }

  async function settle(batch: Job[]): Promise<void> {
    try {
      const won = await writeAll(
        database.lookup,
        batch.map(({ transition }) => transition),
      )
      for (const { transition, resolve } of batch) {
        const { before, after } = transition
        if (won.has(after.id)) {
          bus.ring(`session:${after.id}`, after.seq)
          if (after.interrupts.length > before.interrupts.length) bus.ring('interrupts', after.seq)
        }
        resolve(won.has(after.id))
      }
    } catch (error) {
      // One row that the database refuses must not take the others with it. A broken connection breaks for all of them.
      if (batch.length > 1 && isRefusal(error)) for (const job of batch) await settle([job])
      else for (const { reject } of batch) reject(error)
    }
  }

  /** In a transaction of its own: neither the key without the deed, nor the deed without the key. */
  async function writeKeyed(transition: Transition, key: Claim): Promise<boolean> {
    const won = await database.transaction(async (query) => {
      if ((await claimKey(query, key)).kind !== 'NEW') return false
      const { size } = await writeAll(query, [transition])
      if (size === 0) await releaseKey(query, key)
      return size > 0
    })
    if (won) ring(transition.after)
    return won
  }

  function ring(session: SessionState): void {
    bus.ring(`session:${session.id}`, session.seq)
    if (session.interrupts.some(({ status }) => status === 'OPEN')) bus.ring('interrupts', session.seq)
  }

  return {
    write: (transition) =>
      transition.key
        ? writeKeyed(transition, transition.key)
        : new Promise((resolve, reject) => {
            waiting.push({ transition, resolve, reject })
            if (!busy) void flush()
          }),
    async writeIn(query, transition) {
      return (await writeAll(query, [transition])).has(transition.after.id)
    },
    ring,
  }
}

/**
 * Compare-and-set on each session's version; all the rest follows only for the sessions that won. One statement is one
 * transaction and one round trip, however many sessions it moves.
 */
async function writeAll(query: Query, transitions: readonly Transition[]): Promise<Set<string>> {
  const moves: { [Part in keyof Moves]: Row[] } = { Session: [], usualSession: [] }
  const following: { [Part in keyof Following]: Row[] } = {
    Plan: [],
    Execution: [],
    usualExecution: [],
    Attempt: [],
    usualAttempt: [],
    Journal: [],
    Checkpoint: [],
    Verdict: [],
    Interrupt: [],
    Artifact: [],
  }
  for (const { before, after, steps, analysis, artifacts = [] } of transitions) {
    const known = before.version > 0 ? before : undefined
    const version = { was: before.version }
    if (isUsual('Session', known, after)) moves.usualSession.push({ ...usualRow('Session', after), ...version })
    else moves.Session.push({ ...sessionRow(after), ...version })
    const { at } = (steps.at(-1) as Step).events[0] as Event
    if (known?.planVersion !== after.planVersion) following.Plan.push(planRow(after, after.plan, analysis, at))
    for (const key in after.executions) {
      const execution = after.executions[key] as ExecutionState
      const was = before.executions[key]
      if (execution === was) continue
      if (isUsual('Execution', was, execution))
        following.usualExecution.push({ ...usualRow('Execution', execution), sessionId: after.id })
      else following.Execution.push(executionRow(after, execution))
      const { current } = execution
      if (!current || current === was?.current) continue
      // Attempts are written as they begin, and as they end.
      const last = was?.current?.id === current.id ? was.current : undefined
      if (isUsual('Attempt', last, current))
        following.usualAttempt.push({ ...usualRow('Attempt', current), sessionId: after.id })
      else following.Attempt.push(attemptRow(after, execution, current))
    }
    const events: Event[] = []
    for (const step of steps) {
      events.push(...step.events)
      for (const checkpoint of step.checkpoints) {
        following.Checkpoint.push(checkpointRow(after, checkpoint, (step.events[0] as Event).at))
      }
      for (const verdict of step.verdicts) following.Verdict.push(verdictRow(after, verdict))
    }
    following.Journal.push(journalRow(after, events))
    if (after.interrupts !== before.interrupts) {
      for (const interrupt of after.interrupts) {
        if (!before.interrupts.includes(interrupt)) following.Interrupt.push(interruptRow(after, interrupt))
      }
    }
    for (const artifact of artifacts) following.Artifact.push({ ...artifact })
  }
  const { sql, params } = statement(moves, following)
  const won = await query<{ id: string }>(sql, params)
  return new Set(won.map(({ id }) => id))
}
