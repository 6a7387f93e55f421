import DataLoader from 'dataloader'
import type { Analysis } from '../core/analysis.ts'
import type { ExecutionStatus } from '../core/execution.ts'
import type { SessionStatus } from '../core/session.ts'
import type { Agent, AgentVersion, Interrupt, Session } from '../generated/prisma/client.ts'
import type { Database } from '../store/db.ts'
import { createPageLoaders, type PageLoaders } from './pages.ts'
import { createRowLoaders, type RowLoaders } from './rows.ts'

/** How many there are per status. */
export type Counts<Status extends string> = Partial<Record<Status, number>>

/** Aggregates that many rows of one answer ask for: one statement for all of them. */
export interface Loaders {
  /** Rows of a table by their ids. */
  rows: RowLoaders
  /** Pages of relations to many. */
  pages: PageLoaders
  /** Sessions by their ids. */
  session: DataLoader<string, Session>
  /** Interrupts by their ids. */
  interrupt: DataLoader<string, Interrupt>
  /** What was said of the tasks of sessions, by the ids of these. */
  analysis: DataLoader<string, Analysis>
  /** Agents by their ids. */
  agent: DataLoader<string, Agent>
  /** Registrations by the agent's id and the version. */
  registration: DataLoader<{ agentId: string; version: number }, AgentVersion | null>
  /** Executions that an agent has in hand, by the agent's id. */
  heldByAgent: DataLoader<string, number>
  /** Executions by the id of their session. */
  executionsOfSession: DataLoader<string, Counts<ExecutionStatus>>
  /** Sessions by the id of their project. */
  sessionsOfProject: DataLoader<string, Counts<SessionStatus>>
}

export function createLoaders(database: Database): Loaders {
  // A subscription keeps its context for long, so nothing may be remembered.
  const counted = <Status extends string>(sql: string) =>
    new DataLoader<string, Counts<Status>>(
      async (ids) => {
        const rows = await database.query<{ id: string; status: Status; count: number }>(sql, [[...ids]])
        const counts = new Map<string, Counts<Status>>()
        for (const { id, status, count } of rows) {
          counts.set(id, { ...counts.get(id), [status]: count } as Counts<Status>)
        }
        return ids.map((id) => counts.get(id) ?? {})
      },
      { cache: false },
    )
  const held = counted<'HELD'>(
    `SELECT "agentId" AS id, 'HELD' AS status, count(*)::int AS count FROM "Execution"
     WHERE "agentId" = ANY($1::uuid[]) AND status IN ('ASSIGNED', 'RUNNING', 'VALIDATING') GROUP BY "agentId"`,
  )
  return {
    rows: createRowLoaders(database),
    pages: createPageLoaders(database),
    session: byId((id) => database.prisma.session.findMany({ where: { id } })),
    interrupt: byId((id) => database.prisma.interrupt.findMany({ where: { id } })),
    analysis: new DataLoader(
      async (ids) => {
        const rows = await database.query<{ id: string; analysis: Analysis }>(
          `SELECT "sessionId" AS id, analysis FROM "Plan" WHERE "sessionId" = ANY($1::uuid[]) AND version = 1`,
          [[...ids]],
        )
        const found = new Map(rows.map(({ id, analysis }) => [id, analysis]))
        return ids.map((id) => found.get(id) ?? new Error(`there is no analysis of the session ${id}`))
      },
      { cache: false },
    ),
    agent: byId((id) => database.prisma.agent.findMany({ where: { id } })),
    registration: new DataLoader(
      async (wanted) => {
        const OR = wanted.map(({ agentId, version }) => ({ agentId, version }))
        const rows = await database.prisma.agentVersion.findMany({ where: { OR } })
        return wanted.map(({ agentId, version }) => {
          return rows.find((row) => row.agentId === agentId && row.version === version) ?? null
        })
      },
      { cache: false, maxBatchSize: 100 },
    ),
    heldByAgent: new DataLoader(
      async (ids) =>
        (await held.loadMany(ids)).map((counts) => (counts instanceof Error ? counts : (counts.HELD ?? 0))),
      { cache: false },
    ),
    executionsOfSession: counted(
      `SELECT "sessionId" AS id, status::text AS status, count(*)::int AS count FROM "Execution"
       WHERE "sessionId" = ANY($1::uuid[]) GROUP BY "sessionId", status`,
    ),
    sessionsOfProject: counted(
      `SELECT "projectId" AS id, status::text AS status, count(*)::int AS count FROM "Session"
       WHERE "projectId" = ANY($1::uuid[]) GROUP BY "projectId", status`,
    ),
  }
}

function byId<Row extends { id: string }>(read: (id: { in: string[] }) => Promise<Row[]>): DataLoader<string, Row> {
  return new DataLoader(
    async (ids) => {
      const rows = new Map((await read({ in: [...ids] })).map((row) => [row.id, row]))
      return ids.map((id) => rows.get(id) ?? new Error(`there is no row ${id}`))
    },
    { cache: false },
  )
}
