import type { AttemptState, ExecutionState } from '../core/execution.ts'
import type { InterruptState } from '../core/interrupt.ts'
import type { Plan } from '../core/plan.ts'
import type { SessionState } from '../core/state.ts'
import type { Query } from './driver.ts'
import { type Row, withoutNulls } from './rows.ts'

/** One query for the whole state, with times as milliseconds. */
const LOAD = `SELECT to_jsonb(s) AS session,
  (SELECT p.graph FROM "Plan" p WHERE p."sessionId" = s.id AND p.version = s."planVersion") AS plan,
  (SELECT coalesce(jsonb_agg(to_jsonb(e) ORDER BY e.position), '[]') FROM "Execution" e WHERE e."sessionId" = s.id) AS executions,
  (SELECT coalesce(jsonb_agg(to_jsonb(a)), '[]') FROM "Attempt" a JOIN "Execution" e ON e.id = a."executionId" AND e.attempt = a.number
    WHERE a."sessionId" = s.id) AS attempts,
  (SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.seq), '[]') FROM "Interrupt" i WHERE i."sessionId" = s.id) AS interrupts
FROM "Session" s WHERE s.id = $1`

/** The state of a session as its rows hold it; undefined if there is no such session. */
export async function loadSession(query: Query, id: string): Promise<SessionState | undefined> {
  const [row] = await query<{ session: Row; plan: Plan; executions: Row[]; attempts: Row[]; interrupts: Row[] }>(LOAD, [
    id,
  ])
  if (!row) return undefined
  const attempts = new Map(row.attempts.map((attempt) => [attempt.executionId, attempt]))
  const executions = row.executions.map((e): [string, ExecutionState] => {
    const { sessionId: _, title: __, createdAt: ___, ...rest } = e
    const attempt = attempts.get(e.id)
    const state = withoutNulls<ExecutionState>(millis(rest, ['readyAt', 'resumeAt', 'startedAt', 'endedAt']))
    return [state.key, { ...state, ...(attempt && { current: attemptState(attempt) }) }]
  })
  return {
    ...withoutNulls<SessionState>(millis(row.session, ['createdAt', 'startedAt', 'endedAt', 'waitingSince'])),
    plan: row.plan,
    interrupts: row.interrupts.map(interruptState),
    executions: Object.fromEntries(executions),
  }
}

/** A session that has not ended, how far it has come, and who drives it. */
export interface Unfinished {
  id: string
  version: number
  driver: string | null
}

/** See `Store.unfinished`. */
export async function unfinishedSessions(query: Query): Promise<Unfinished[]> {
  return query<Unfinished>(`SELECT id, version, driver FROM "Session" WHERE "endedAt" IS NULL ORDER BY "createdAt", id`)
}

/** See `Store.drive`. Whether a server lives is a matter of the database's clock alone. */
export async function driveSessions(query: Query, ids: readonly string[], server: string): Promise<string[]> {
  const rows = await query<{ id: string }>(
    `UPDATE "Session" s SET driver = $2, version = version + 1
     WHERE id = ANY($1::uuid[]) AND "endedAt" IS NULL AND driver IS DISTINCT FROM $2
       AND NOT EXISTS (SELECT FROM "Server" WHERE id = s.driver AND "leaseUntil" > now())
     RETURNING id`,
    [ids, server],
  )
  return rows.map(({ id }) => id)
}

function attemptState(row: Row): AttemptState {
  const { sessionId: _, executionId: __, ...rest } = row
  return withoutNulls<AttemptState>(millis(rest, ['leaseUntil', 'startedAt', 'endedAt']))
}

function interruptState({ sessionId: _, ...row }: Row): InterruptState {
  return withoutNulls<InterruptState>(millis(row, ['createdAt', 'expiresAt', 'escalatesAt', 'answeredAt']))
}

function millis(row: Row, columns: string[]): Row {
  const times = columns.map((column) => [column, row[column] ? Date.parse(row[column] as string) : null])
  return { ...row, ...Object.fromEntries(times) }
}
