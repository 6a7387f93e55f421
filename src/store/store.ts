import type { Logger } from 'pino'
import type { Bus, Ear } from '../bus.ts'
import type { Expected } from '../core/estimate.ts'
import type { AgentProfile, WorkspaceUse } from '../core/agent.ts'
import type { Ended } from '../core/health.ts'
import type { Analysis } from '../core/analysis.ts'
import type { Json } from '../core/json.ts'
import type { Timeouts } from '../core/plan.ts'
import type { SessionState } from '../core/state.ts'
import { type ActivityLog, openActivityLog } from './activity.ts'
import type { Database } from './db.ts'
import { type Claim, type Claimed, claimKey, readKey } from './idempotency.ts'
import { lastEnds } from './lastEnds.ts'
import { driveSessions, loadSession, type Unfinished, unfinishedSessions } from './session.ts'
import { insertTask, type NewTask, readTasks, type StoredTask } from './task.ts'
import { type ArtifactRow, createWriter, type Transition, type Writer } from './write.ts'

/** An agent as its registration says, and how it is. */
export interface AgentRecord extends AgentProfile {
  projectId: string | null
  version: number
  statusReason: string | null
  runtime: string
  runtimeConfig: Json
  timeouts: Partial<Timeouts> | null
  workspace: WorkspaceUse
}

/** What is written together with a new session. */
export interface Companions {
  /** Its task, if that is new too. */
  task?: NewTask
  idempotency?: Omit<Claim, 'subjectId'>
}

/** What an agent is told beside its own part. */
export interface TaskText {
  task: { title: string; description: string }
  workspace: string
}

/**
 * What the coordinator asks of the truth, in its own words. Every verb that fails throws what the database says; unless
 * `isRefusal`, the same may work in a moment, and what was to be written may have been written.
 */
export interface Store extends Pick<Writer, 'write' | 'ring'> {
  session(id: string): Promise<SessionState | undefined>
  /** How far a session has come; undefined if there is none. */
  version(id: string): Promise<number | undefined>
  /**
   * Calls the ear with the number of its last event whenever a session has moved, here or elsewhere; undefined: some of
   * that may have been missed.
   *
   * @returns ends it
   */
  follow(sessionId: string, ear: Ear): () => void
  /** The sessions that have not come to their end, oldest first. */
  unfinished(): Promise<Unfinished[]>
  /**
   * Makes a server the driver of sessions that have none, or one that is dead. Each moves on by one version, so that
   * whoever remembers it reads it again.
   *
   * @returns those that it drives now because of that
   */
  drive(sessionIds: readonly string[], server: string): Promise<string[]>
  /**
   * Writes a new session with all that belongs to it, or nothing. Whoever calls `ring` next does so once it is written.
   *
   * @returns NEW if it was written; else what its idempotency key stands for already, or SAME if it is there
   */
  create(transition: Transition, companions: Companions): Promise<Claimed>
  /** Takes an idempotency key for something that nothing has to be written of. */
  claim(claim: Claim): Promise<Claimed>
  /** What an idempotency key stands for, if anything. */
  answered(idempotency: Omit<Claim, 'subjectId'>): Promise<Claimed | undefined>
  /** The analysis that a session's first plan was made from, if there was one. */
  analysis(sessionId: string): Promise<Analysis | undefined>
  /** The session that an interrupt belongs to. */
  sessionOfInterrupt(interruptId: string): Promise<string | undefined>
  /** Whether there is such a project, not archived. */
  hasProject(projectId: string): Promise<boolean>
  /** Absolute path of the folder that a project's agents work in. */
  workspace(projectId: string): Promise<string | undefined>
  /** A task of the project with its parts, as far as they are not archived; undefined also if the project is. */
  task(projectId: string, taskId: string): Promise<StoredTask | undefined>
  /** All that are not archived, by name. */
  agents(): Promise<AgentRecord[]>
  /** What an accepted attempt of an agent took, the median of its last hundred, by its id. */
  experience(agentIds: readonly string[]): Promise<Map<string, Expected>>
  /** Executions at once over all sessions of a project, by its id. */
  concurrencies(): Promise<Map<string, number>>
  /**
   * Says how an agent is, unless a person has DISABLED it.
   *
   * @returns whether it was said
   */
  setAgentStatus(
    agentId: string,
    status: 'ONLINE' | 'OFFLINE' | 'DEGRADED',
    reason: string | null,
    at: number,
  ): Promise<boolean>
  /** How the last attempts of agents have ended, with the registration that they have now; the latest one first. */
  lastEnds(agentIds: readonly string[]): Promise<Map<string, Ended[]>>
  /** A task in words, and the folder of its project. */
  taskText(taskId: string): Promise<TaskText>
  /** Those of the executions, by name. */
  artifacts(executionIds: readonly string[]): Promise<ArtifactRow[]>
  /** Also of one that is archived. */
  agentName(agentId: string): Promise<string | undefined>
  /** Opens the log of what one attempt shows. */
  activities(executionId: string, attempt: number): ActivityLog
}

/**
 * The store on a database.
 *
 * @param newId makes ids of sub-tasks
 */
export function createStore(parts: {
  database: Database
  bus: Bus
  log: Pick<Logger, 'warn'>
  newId: () => string
}): Store {
  const { database, bus, log, newId } = parts
  const { query } = database
  const writer = createWriter(database, bus)
  return {
    write: writer.write,
    ring: writer.ring,
    session: (id) => loadSession(query, id),
    async version(id) {
      const [row] = await query<{ version: number }>(`SELECT version FROM "Session" WHERE id = $1`, [id])
      return row?.version
    },
    follow: (sessionId, ear) => bus.listen(`session:${sessionId}`, ear),
    unfinished: () => unfinishedSessions(query),
    drive: (sessionIds, server) => driveSessions(query, sessionIds, server),
    async create(transition, { task, idempotency }) {
      const { id, createdAt } = transition.after
      // Nothing else has to be written with it: it shares a statement with what others write.
      if (!task && !idempotency)
        return (await writer.write(transition)) ? { kind: 'NEW' } : { kind: 'SAME', subjectId: id }
      return database.transaction(async (query): Promise<Claimed> => {
        const claimed = idempotency && (await claimKey(query, { ...idempotency, subjectId: id }))
        if (claimed && claimed.kind !== 'NEW') return claimed
        if (task) await insertTask(query, task, newId, createdAt)
        // Two servers may make the child of one execution, whose id is told by its parent.
        return (await writer.writeIn(query, transition)) ? { kind: 'NEW' } : { kind: 'SAME', subjectId: id }
      })
    },
    claim: (claim) => claimKey(query, claim),
    answered: (idempotency) => readKey(query, idempotency),
    async analysis(sessionId) {
      const [row] = await query<{ analysis: Analysis | null }>(
        `SELECT analysis FROM "Plan" WHERE "sessionId" = $1 AND version = 1`,
        [sessionId],
      )
      return row?.analysis ?? undefined
    },
    async sessionOfInterrupt(id) {
      const [row] = await query<{ sessionId: string }>(`SELECT "sessionId" FROM "Interrupt" WHERE id = $1`, [id])
      return row?.sessionId
    },
    async hasProject(id) {
      const found = await query(`SELECT FROM "Project" WHERE id = $1 AND "archivedAt" IS NULL`, [id])
      return found.length > 0
    },
    async workspace(id) {
      return (await database.prisma.project.findUnique({ where: { id } }))?.workspace
    },
    task: readTasks(query),
    agents: () =>
      query<AgentRecord>(
        `SELECT id, name, type::text AS type, description, capabilities, status::text AS status, "statusReason", slots,
           "projectId", version, runtime, "runtimeConfig", timeouts,
           workspace::text AS workspace
         FROM "Agent" WHERE "archivedAt" IS NULL ORDER BY name, id`,
      ),
    async experience(agentIds) {
      if (agentIds.length === 0) return new Map()
      const rows = await query<Expected & { agentId: string }>(
        `SELECT a."agentId",
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a."endedAt" - a."startedAt") * 1000) AS ms,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce((a.usage ->> 'cost')::float8, 0)) AS cost,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce((a.usage ->> 'inputTokens')::float8, 0)
             + coalesce((a.usage ->> 'outputTokens')::float8, 0)) AS tokens
         FROM unnest($1::uuid[]) AS wanted(id), LATERAL (
           SELECT * FROM "Attempt" WHERE "agentId" = wanted.id AND status = 'OK' ORDER BY "startedAt" DESC LIMIT 100
         ) a GROUP BY a."agentId"`,
        [[...new Set(agentIds)]],
      )
      return new Map(rows.map(({ agentId, ms, cost, tokens }) => [agentId, { ms, cost, tokens }]))
    },
    lastEnds: (agentIds) => lastEnds(query, agentIds),
    async concurrencies() {
      const projects = await query<{ id: string; concurrency: number }>(`SELECT id, concurrency FROM "Project"`)
      return new Map(projects.map(({ id, concurrency }) => [id, concurrency]))
    },
    async setAgentStatus(agentId, status, reason, at) {
      const updated = await query(
        `UPDATE "Agent" SET status = $2::"AgentStatus", "statusReason" = $3, "updatedAt" = $4
         WHERE id = $1 AND status <> 'DISABLED' RETURNING id`,
        [agentId, status, reason, new Date(at)],
      )
      return updated.length > 0
    },
    async taskText(taskId) {
      const [row] = await query<{ title: string; description: string; workspace: string }>(
        `SELECT t.title, t.description, p.workspace FROM "Task" t JOIN "Project" p ON p.id = t."projectId" WHERE t.id = $1`,
        [taskId],
      )
      const { title = '', description = '', workspace = '' } = row ?? {}
      return { task: { title, description }, workspace }
    },
    artifacts: (executionIds) =>
      query<ArtifactRow>(`SELECT * FROM "Artifact" WHERE "executionId" = ANY($1::uuid[]) ORDER BY name`, [
        executionIds,
      ]),
    async agentName(agentId) {
      const [row] = await query<{ name: string }>(`SELECT name FROM "Agent" WHERE id = $1`, [agentId])
      return row?.name
    },
    activities: (executionId, attempt) => openActivityLog({ query, bus, log }, executionId, attempt),
  }
}
