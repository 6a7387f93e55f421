import type { Bus } from '../bus.ts'
import type { Analysis } from '../core/analysis.ts'
import type { Event } from '../core/event.ts'
import type { ExecutionState } from '../core/execution.ts'
import type { SessionState, Step } from '../core/state.ts'
import type { Database } from './db.ts'
import type { Query } from './driver.ts'
import { type Claim, claimKey, releaseKey } from './idempotency.ts'
import { isRefusal } from './fault.ts'
import type { Listed } from './lists.ts'
import {
  attemptRow,
  executionRow,
  interruptRow,
  journalRow,
  planRow,
  type Row,
  sessionRow,
  verdictRow,
} from './rows.ts'
import { isAddition, isChange } from './shapes.ts'
import { type Part, type Parts, statement } from './statement.ts'

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
   * Writes a transition. Transitions of other sessions that come while statements are under way share the next one. Of
   * one session, each waits for the one before it to be written.
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
/** Statements under way at most: while a server works on one, the next one can be made here. */
const UNDER_WAY = { postgres: 2, pglite: 1 }
/** How many have to wait until another one is worth its own cost while one is under way. */
const WORTH = 32

export function createWriter(database: Database, bus: Bus): Writer {
  interface Job {
    transition: Transition
    resolve(won: boolean): void
    reject(error: unknown): void
  }
  let waiting: Job[] = []
  let underWay = 0

  async function flush(): Promise<void> {
    underWay++
    while (waiting.length >= (underWay > 1 ? WORTH : 1)) {
      const batch = waiting.slice(0, BATCH)
      waiting = waiting.slice(BATCH)
      await settle(batch)
    }
    underWay--
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
            if (underWay === 0 || (waiting.length >= WORTH && underWay < UNDER_WAY[database.kind])) void flush()
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
  const parts: Parts = new Map()
  const put = (part: Part, state: object, more?: Row): void => {
    const listed: Listed = { state, ...(more && { more }) }
    const rows = parts.get(part)
    if (rows) rows.push(listed)
    else parts.set(part, [listed])
  }
  for (const transition of transitions) collect(transition, put)
  const { sql, params } = statement(parts)
  const won = await query<{ id: string }>(sql, params)
  return new Set(won.map(({ id }) => id))
}

/** What a transition writes, in as few columns as will do. */
function collect(
  { before, after, steps, analysis, artifacts = [] }: Transition,
  put: (part: Part, state: object, more?: Row) => void,
): void {
  const known = before.version > 0 ? before : undefined
  const was = { was: before.version }
  const move = known && SESSION_CHANGES.find((name) => isChange(name, known, after))
  if (move) put(move, after, was)
  else put('Session', sessionRow(after), was)
  const { at } = (steps.at(-1) as Step).events[0] as Event
  if (known?.planVersion !== after.planVersion) put('Plan', planRow(after, after.plan, analysis, at))
  for (const key in after.executions) {
    const execution = after.executions[key] as ExecutionState
    const earlier = before.executions[key]
    if (execution === earlier) continue
    const change = earlier && EXECUTION_CHANGES.find((name) => isChange(name, earlier, execution))
    if (change) put(change, execution, { sessionId: after.id })
    else {
      const row = executionRow(after, execution)
      put(!earlier && isAddition('newExecution', row) ? 'newExecution' : 'Execution', row)
    }
    const { current } = execution
    if (!current || current === earlier?.current) continue
    // Attempts are written as they begin, and as they end.
    const last = earlier?.current?.id === current.id ? earlier.current : undefined
    if (last && isChange('endedAttempt', last, current)) put('endedAttempt', current, { sessionId: after.id })
    else {
      const row = attemptRow(after, execution, current)
      put(!last && isAddition('newAttempt', row) ? 'newAttempt' : 'Attempt', row)
    }
  }
  const events: Event[] = []
  for (const step of steps) {
    events.push(...step.events)
    for (const verdict of step.verdicts) put('Verdict', verdictRow(after, verdict))
  }
  put('Journal', journalRow(after, events))
  if (after.interrupts !== before.interrupts) {
    for (const interrupt of after.interrupts) {
      if (!before.interrupts.includes(interrupt)) put('Interrupt', interruptRow(after, interrupt))
    }
  }
  for (const artifact of artifacts) put('Artifact', artifact)
}

/** From the narrowest one on. */
const SESSION_CHANGES = ['steppedSession', 'movedSession'] as const
const EXECUTION_CHANGES = ['doneExecution', 'begunExecution', 'begunAndDoneExecution'] as const
