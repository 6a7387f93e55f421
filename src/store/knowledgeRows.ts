import {
  confidenceOf,
  type KnowledgeKind,
  type KnowledgeReview,
  sameness,
  sourceKey,
  staleAt,
  type Standing,
  termsOf,
} from '../core/knowledge.ts'
import type { Query } from './driver.ts'

/** What is to be kept, in words. */
export interface Statement {
  projectId: string
  kind: KnowledgeKind
  title: string
  text: string
  tags: readonly string[]
  expiresAt?: Date | undefined
}

/** Who says it, and where they have it from. */
export interface Source {
  by: string
  /** Where else it comes from, in words or as an address. */
  reference?: string | undefined
  sessionId?: string | undefined
  executionId?: string | undefined
  agentId?: string | undefined
  /** How sure they are, 0 to 1. */
  confidence: number
}

/** What a person thinks of it. */
export interface Review {
  review: 'APPROVED' | 'REJECTED'
  by: string
  reason?: string | undefined
}

/** A piece of knowledge as it is kept. */
export interface Kept extends Standing {
  row: Row
  /** What tells its sources apart. */
  keys: readonly string[]
}

interface Row {
  id: string
  projectId: string
  kind: KnowledgeKind
  text: string
  tags: string[]
  review: KnowledgeReview
  confirmedAt: Date
  expiresAt: Date | null
  supersededById: string | null
}

const COLUMNS = `id, "projectId", kind, text, tags, review, "confirmedAt", "expiresAt", "supersededById"`

/** A piece of knowledge, which nobody else changes until the transaction ends. */
export async function hold(query: Query, condition: string, params: readonly unknown[]): Promise<Kept | undefined> {
  const [row] = await query<Row>(`SELECT ${COLUMNS} FROM "Knowledge" WHERE ${condition} FOR UPDATE`, params)
  if (!row) return undefined
  const sources = await query<{ key: string; confidence: number }>(
    `SELECT key, confidence FROM "KnowledgeSource" WHERE "knowledgeId" = $1 ORDER BY "createdAt", id`,
    [row.id],
  )
  return {
    row,
    keys: sources.map(({ key }) => key),
    kind: row.kind,
    review: row.review,
    superseded: row.supersededById !== null,
    said: sources.map(({ confidence }) => confidence),
    confirmedAt: row.confirmedAt.getTime(),
    expiresAt: row.expiresAt?.getTime(),
  }
}

/** Writes how far it can be believed from now on. */
export async function settle(query: Query, { row, ...standing }: Kept, now: number): Promise<void> {
  await query(
    `UPDATE "Knowledge" SET review = $2::"KnowledgeReview", confidence = $3, "confirmedAt" = $4, "staleAt" = $5,
       "updatedAt" = $6 WHERE id = $1`,
    [
      row.id,
      standing.review,
      confidenceOf(standing),
      new Date(standing.confirmedAt),
      new Date(staleAt(standing)),
      new Date(now),
    ],
  )
}

/** Writes who has reviewed it, and why. */
export async function sign(
  query: Query,
  id: string,
  { by, reason }: Omit<Review, 'review'>,
  now: number,
): Promise<void> {
  await query(`UPDATE "Knowledge" SET "reviewedBy" = $2, "reviewReason" = $3, "reviewedAt" = $4 WHERE id = $1`, [
    id,
    by,
    reason,
    new Date(now),
  ])
}

/** What it is looked up by: its project, and its words. */
export const indexed = (words: Pick<Statement, 'projectId' | 'title' | 'text' | 'tags'>): string[] => [
  words.projectId,
  ...termsOf(words),
]

/** @returns whether it was written; what says the same may be there already */
export async function insert(
  query: Query,
  id: string,
  statement: Statement,
  standing: Standing,
  now: number,
): Promise<boolean> {
  const { projectId, kind, title, text, tags, expiresAt } = statement
  const made = await query(
    `INSERT INTO "Knowledge" (id, "projectId", kind, title, text, sameness, tags, terms, confidence, review, "confirmedAt",
       "expiresAt", "staleAt", "createdAt", "updatedAt")
     VALUES ($1, $2, $3::"KnowledgeKind", $4, $5, $6, $7, $8, $9, $10::"KnowledgeReview", $11, $12, $13, $14, $14)
     ON CONFLICT ("projectId", sameness) DO NOTHING RETURNING id`,
    [
      id,
      projectId,
      kind,
      title,
      text,
      sameness(text),
      tags,
      indexed(statement),
      confidenceOf(standing),
      standing.review,
      new Date(standing.confirmedAt),
      expiresAt,
      new Date(staleAt(standing)),
      new Date(now),
    ],
  )
  return made.length > 0
}

export async function insertSource(
  query: Query,
  id: string,
  knowledgeId: string,
  source: Source,
  now: number,
): Promise<void> {
  const { by, reference, sessionId, executionId, agentId, confidence } = source
  await query(
    `INSERT INTO "KnowledgeSource" (id, "knowledgeId", key, by, reference, "sessionId", "executionId", "agentId",
       confidence, "createdAt") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [id, knowledgeId, sourceKey(source), by, reference, sessionId, executionId, agentId, confidence, new Date(now)],
  )
}

/** Id of what has been put in the place of something, and of that in turn; its own if nothing has. */
export async function latest(query: Query, id: string): Promise<string> {
  const [row] = await query<{ id: string }>(
    `WITH RECURSIVE chain AS (
       SELECT id, "supersededById" FROM "Knowledge" WHERE id = $1
       UNION ALL SELECT k.id, k."supersededById" FROM "Knowledge" k JOIN chain c ON k.id = c."supersededById"
     ) SELECT id FROM chain WHERE "supersededById" IS NULL`,
    [id],
  )
  return row?.id ?? id
}
