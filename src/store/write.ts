import type { Bus } from '../bus.ts'
import type { Analysis } from '../core/analysis.ts'
import type { Event } from '../core/event.ts'
import type { SessionState, Step } from '../core/state.ts'
import type { Database } from './db.ts'
import type { Query } from './driver.ts'
import { isRefusal } from './fault.ts'
import {
  attemptRow,
  checkpointRow,
  eventRow,
  executionRow,
  interruptRow,
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
   * @returns false if the session has moved on since `before` was read: load it again and take the step anew
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
        database.query,
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

  function ring(session: SessionState): void {
    bus.ring(`session:${session.id}`, session.seq)
    if (session.interrupts.some(({ status }) => status === 'OPEN')) bus.ring('interrupts', session.seq)
  }

  return {
    write: (transition) =>
      new Promise((resolve, reject) => {
        waiting.push({ transition, resolve, reject })
        if (!busy) void flush()
      }),
    async writeIn(query, transition) {
      return (await writeAll(query, [transition])).has(transition.after.id)
    },
    ring,
  }
}

/** Columns that a transition may change, per table. The rest is set once, when the row is made. */
const CHANGING = {
  Session:
    'status version seq planVersion limits policy budget inputs baseCommit waitedMs waitingSince ledger rollback ending output reason startedAt endedAt',
  Execution:
    'status agentId selection input inputHash output summary evidence artifactCount error causeId aborting again candidate gate gateErrors feedback replies fallbacks interruptId childId slice undo acceptedSeq attempt counted lost fence readyAt resumeAt startedAt endedAt',
  Attempt: 'status leaseUntil timeout retryable error usage endedAt',
  Interrupt: 'status escalated role answer answeredBy answeredAt',
}
const set = (table: keyof typeof CHANGING): string =>
  CHANGING[table]
    .split(' ')
    .map((column) => `"${column}" = EXCLUDED."${column}"`)
    .join(', ')

/** What follows the session, each table with what becomes of a row that is there already. */
const FOLLOWING = {
  Plan: '',
  Execution: `ON CONFLICT (id) DO UPDATE SET ${set('Execution')}`,
  Attempt: `ON CONFLICT (id) DO UPDATE SET ${set('Attempt')}`,
  Event: '',
  Checkpoint: '',
  Verdict: '',
  Interrupt: `ON CONFLICT (id) DO UPDATE SET ${set('Interrupt')}`,
  Artifact: '',
}
type Following = keyof typeof FOLLOWING

/**
 * Compare-and-set on each session's version; all the rest follows only for the sessions that won. One statement is one
 * transaction and one round trip, however many sessions it moves. Planning it takes an embedded database longer than
 * doing it, so it names only the tables that get rows.
 */
const statement = (tables: readonly Following[]): string => {
  const following = tables.map(
    (table, index) => `, "to${table}" AS (
  INSERT INTO "${table}" SELECT r.* FROM jsonb_populate_recordset(NULL::"${table}", $${index + 3}::jsonb) r
  WHERE r."sessionId" IN (SELECT id FROM won) ${FOLLOWING[table]})`,
  )
  return `WITH won AS (
  INSERT INTO "Session" SELECT r.* FROM jsonb_populate_recordset(NULL::"Session", $1::jsonb) r
  ON CONFLICT (id) DO UPDATE SET ${set('Session')}
  WHERE "Session".version = ($2::jsonb ->> EXCLUDED.id::text)::int
  RETURNING id
)${following.join('')}
SELECT id FROM won`
}

async function writeAll(query: Query, transitions: readonly Transition[]): Promise<Set<string>> {
  const rows: Record<Following, Row[]> = {
    Plan: transitions.flatMap(({ before, after, steps, analysis }) => {
      if (before.version > 0 && before.planVersion === after.planVersion) return []
      return [planRow(after, after.plan, analysis, dateOf(steps))]
    }),
    Execution: transitions.flatMap(({ before, after }) =>
      changed(before, after).map((execution) => executionRow(after, execution)),
    ),
    Attempt: transitions.flatMap(({ before, after }) =>
      changed(before, after).flatMap((execution) => {
        const previous = before.executions[execution.key]?.current
        const { current } = execution
        return current && current !== previous ? [attemptRow(after, execution, current)] : []
      }),
    ),
    Event: transitions.flatMap(({ after, steps }) =>
      steps.flatMap(({ events }) => events.map((event) => eventRow(after, event))),
    ),
    Checkpoint: transitions.flatMap(({ after, steps }) =>
      steps.flatMap(({ checkpoints, events }) =>
        checkpoints.map((checkpoint) => checkpointRow(after, checkpoint, (events[0] as Event).at)),
      ),
    ),
    Verdict: transitions.flatMap(({ after, steps }) =>
      steps.flatMap(({ verdicts }) => verdicts.map((verdict) => verdictRow(after, verdict))),
    ),
    Interrupt: transitions.flatMap(({ before, after }) =>
      after.interrupts
        .filter((interrupt) => !before.interrupts.includes(interrupt))
        .map((interrupt) => interruptRow(after, interrupt)),
    ),
    Artifact: transitions.flatMap(({ artifacts = [] }) => artifacts.map((artifact) => ({ ...artifact }))),
  }
  const tables = (Object.keys(FOLLOWING) as Following[]).filter((table) => rows[table].length > 0)
  const won = await query<{ id: string }>(statement(tables), [
    JSON.stringify(transitions.map(({ after }) => sessionRow(after))),
    JSON.stringify(Object.fromEntries(transitions.map(({ before, after }) => [after.id, before.version]))),
    ...tables.map((table) => JSON.stringify(rows[table])),
  ])
  return new Set(won.map(({ id }) => id))
}

function dateOf(steps: readonly Step[]): number {
  const [first] = (steps.at(-1) as Step).events
  return (first as Event).at
}

function changed(before: SessionState, after: SessionState): SessionState['executions'][string][] {
  return Object.values(after.executions).filter((execution) => execution !== before.executions[execution.key])
}
