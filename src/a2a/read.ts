import type { InterruptKind } from '../core/interrupt.ts'
import type { Json } from '../core/json.ts'
import type { SessionStatus } from '../core/session.ts'
import type { Query } from '../store/driver.ts'

/** A session that came in as a task of another agent, as far as it is told there. */
export interface TaskRow {
  id: string
  seq: number
  status: SessionStatus
  reason: string | null
  output: Json
  title: string
  description: string
  /** What came with the task. */
  a2a: { contextId: string; messageId: string }
  createdAt: string
  endedAt: string | null
  /** Of the session and all below it, the oldest first. */
  asks: Ask[]
  /** Nothing is left to do but to wait for people. */
  waits: boolean
  artifacts: ArtifactFact[]
  /** How many there are in all. */
  artifactCount: number
  executions: { id: string; title: string; summary: string | null; error: { message?: string } | null }[]
  /** Sessions below it that have not ended. */
  children: string[]
}

/** An open interrupt. */
export interface Ask {
  id: string
  kind: InterruptKind
  question: string
  shown: Json
  shownHash: string
  choices: string[]
}

export interface ArtifactFact {
  id: string
  name: string
  mediaType: string
  size: number
  sha256: string
}

/** Artifacts that are told of one task. */
const ARTIFACTS = 200

const TREE = `(SELECT f.id FROM "Session" f WHERE f.id = s.id OR f."rootSessionId" = s.id)`
/** What is done, or will be without anybody's answer. */
const BUSY = `EXISTS (SELECT FROM "Execution" e WHERE e."sessionId" IN ${TREE} AND (
  (e.status IN ('READY', 'ASSIGNED', 'RUNNING', 'VALIDATING') AND e."childId" IS NULL)
  OR (e.status = 'WAITING' AND e."resumeAt" IS NOT NULL)))`
/** Files of what was accepted, each name once per execution: the last one. */
const FILES = `SELECT DISTINCT ON (a."executionId", a.name) a.id, a.name, a."mediaType", a.size, a.sha256, a."createdAt"
  FROM "Execution" e JOIN "Artifact" a ON a."executionId" = coalesce(e."carriedId", e.id)
  WHERE e."sessionId" IN ${TREE} AND e.status = 'ACCEPTED' ORDER BY a."executionId", a.name, a."createdAt" DESC`

/** Tasks are those sessions alone that came in as such, in the project that is for them. */
const FROM = `FROM "Session" s JOIN "Task" t ON t.id = s."taskId"
  WHERE s."projectId" = $1 AND s."parentSessionId" IS NULL AND t.input->'a2a'->>'contextId' IS NOT NULL`

const COLUMNS = `s.id, s.seq, s.status::text, s.reason, s.output, t.title, t.description, t.input->'a2a' AS a2a,
  to_jsonb(s."createdAt") #>> '{}' AS "createdAt", to_jsonb(s."endedAt") #>> '{}' AS "endedAt",
  (SELECT coalesce(jsonb_agg(jsonb_build_object('id', i.id, 'kind', i.kind, 'question', i.question, 'shown', i.shown,
    'shownHash', i."shownHash", 'choices', to_jsonb(i.choices)) ORDER BY i."createdAt", i.id), '[]')
    FROM "Interrupt" i WHERE i."sessionId" IN ${TREE} AND i.status = 'OPEN') AS asks,
  NOT ${BUSY} AS waits,
  (SELECT coalesce(jsonb_agg(to_jsonb(kept)), '[]') FROM (
    SELECT * FROM (${FILES}) files ORDER BY "createdAt", name LIMIT ${ARTIFACTS}) kept) AS artifacts,
  (SELECT count(*)::int FROM (${FILES}) files) AS "artifactCount",
  (SELECT coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'title', e.title, 'summary', e.summary, 'error', e.error)
    ORDER BY e.position), '[]') FROM "Execution" e WHERE e."sessionId" = s.id) AS executions,
  (SELECT coalesce(jsonb_agg(c.id), '[]') FROM "Session" c WHERE c."rootSessionId" = s.id AND c."endedAt" IS NULL) AS children`

/** A task by its id; undefined: there is none in this project. */
export async function readTask(query: Query, projectId: string, id: string): Promise<TaskRow | undefined> {
  if (!UUID.test(id)) return undefined
  const [row] = await query<TaskRow>(`SELECT ${COLUMNS} ${FROM} AND s.id = $2`, [projectId, id])
  return row
}

export const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/

export interface TasksWanted {
  contextId: string | null
  /** Null: any. */
  statuses: readonly SessionStatus[] | null
  /** Behind this place. */
  after: { createdAt: string; id: string } | null
  /** Made at this time or later. */
  since: string | null
  limit: number
}

/** Tasks of a project, the newest first, and how many there are on all pages. */
export async function readTasks(
  query: Query,
  projectId: string,
  { contextId, statuses, after, since, limit }: TasksWanted,
): Promise<{ rows: TaskRow[]; count: number }> {
  const wanted = `${FROM} AND ($2::text IS NULL OR t.input->'a2a'->>'contextId' = $2)
    AND ($3::text[] IS NULL OR s.status::text = ANY($3)) AND ($4::timestamptz IS NULL OR s."createdAt" >= $4)`
  const params = [projectId, contextId, statuses, since]
  const rows = await query<TaskRow>(
    `SELECT ${COLUMNS} ${wanted} AND ($5::timestamptz IS NULL OR (s."createdAt", s.id) < ($5, $6::uuid))
     ORDER BY s."createdAt" DESC, s.id DESC LIMIT $7`,
    [...params, after?.createdAt ?? null, after?.id ?? null, limit],
  )
  const [counted] = await query<{ count: number }>(`SELECT count(*)::int AS count ${wanted}`, params)
  return { rows, count: counted?.count ?? 0 }
}

/** The project with this name that is not archived; undefined: there is none. */
export async function projectNamed(query: Query, name: string): Promise<string | undefined> {
  const [row] = await query<{ id: string }>('SELECT id FROM "Project" WHERE name = $1 AND "archivedAt" IS NULL', [name])
  return row?.id
}

/** Sessions that have not ended, over all projects. */
export async function countUnfinished(query: Query): Promise<number> {
  const [row] = await query<{ count: number }>('SELECT count(*)::int AS count FROM "Session" WHERE "endedAt" IS NULL')
  return row?.count ?? 0
}
