import { retold, reviewed, sameness, sourceKey, type Standing } from '../core/knowledge.ts'
import type { Database } from './db.ts'
import type { Query } from './driver.ts'
import { type Claim, claimKey, releaseKey } from './idempotency.ts'
import {
  hold,
  indexed,
  insert,
  insertSource,
  type Kept,
  latest,
  type Review,
  settle,
  sign,
  type Source,
  type Statement,
} from './knowledgeRows.ts'

/** What became of something that was said. */
export type Remembered =
  /** `isNew`: nothing that says the same was kept before. */
  | { kind: 'KEPT'; id: string; isNew: boolean }
  /** Its idempotency key stands for another input. */
  | { kind: 'OTHER_INPUT' }
  /** The project has as much as it may. */
  | { kind: 'FULL' }

/** Other words for something that is kept. */
export interface Correction {
  title: string
  text: string
  /** Undefined: those that it has. */
  tags?: readonly string[] | undefined
}

/** What became of a review. */
export type Reviewed =
  /** The id of what stands from now on. */
  | { kind: 'REVIEWED'; id: string }
  | { kind: 'UNKNOWN' }
  /** By the piece with that id. */
  | { kind: 'SUPERSEDED'; byId: string }
  /** What the correction says is kept already, as the piece with that id. */
  | { kind: 'TAKEN'; byId: string }

/** What is kept for later sessions. Each verb is one transaction. */
export interface KnowledgeStore {
  /**
   * Keeps what somebody says, as PROPOSED; what says the same is kept once, whoever says it at once (K1 to K3, K7).
   *
   * @param more.limit pieces that a project may have
   * @param more.claim of the key under which the answer is found again
   */
  remember(
    statement: Statement,
    source: Source,
    more: { limit: number; claim?: Omit<Claim, 'subjectId'> | undefined },
  ): Promise<Remembered>
  /** Writes down what a person thinks of it (K8). */
  review(id: string, review: Review): Promise<Reviewed>
  /** Puts other words in its place, approved by whoever brings them (K11). */
  correct(id: string, correction: Correction, by: Omit<Review, 'review'>): Promise<Reviewed>
  /** Removes it with all that it replaced, for good (K12). Returns whether there was any. */
  forget(id: string): Promise<boolean>
}

/** Where ids and times come from. */
interface Given {
  newId: () => string
  /** Milliseconds since the epoch. */
  now: () => number
}

export function createKnowledge({ transaction }: Pick<Database, 'transaction'>, given: Given): KnowledgeStore {
  return {
    remember: (statement, source, more) =>
      transaction((query) => remember(query, given, { statement, source, ...more })),
    review: (id, review) => transaction((query) => decide(query, given.now(), id, review)),
    correct: (id, correction, by) => transaction((query) => correct(query, given, { id, correction, by })),
    forget: (id) => transaction((query) => forget(query, id)),
  }
}

interface Saying {
  statement: Statement
  source: Source
  limit: number
  claim?: Omit<Claim, 'subjectId'> | undefined
}

async function remember(query: Query, given: Given, { claim, ...saying }: Saying): Promise<Remembered> {
  const id = given.newId()
  if (!claim) return keep(query, given, id, saying)
  const key = { ...claim, subjectId: id }
  const claimed = await claimKey(query, key)
  if (claimed.kind === 'SAME') return { kind: 'KEPT', id: claimed.subjectId, isNew: false }
  if (claimed.kind === 'OTHER') return { kind: 'OTHER_INPUT' }
  const answer = await keep(query, given, id, saying)
  if (answer.kind === 'FULL') await releaseKey(query, key)
  else if (answer.kind === 'KEPT' && answer.id !== id) {
    await query(`UPDATE "IdempotencyKey" SET "subjectId" = $2 WHERE "subjectId" = $1`, [id, answer.id])
  }
  return answer
}

async function keep(
  query: Query,
  { newId, now }: Given,
  id: string,
  { statement, source, limit }: Saying,
): Promise<Remembered> {
  const { projectId, kind, text, expiresAt } = statement
  const same = () => hold(query, `"projectId" = $1 AND sameness = $2`, [projectId, sameness(text)])
  const kept = await same()
  if (kept) return again(query, { newId, now }, kept, source)
  if (await isFull(query, projectId, limit)) return { kind: 'FULL' }
  const standing: Standing = {
    kind,
    review: 'PROPOSED',
    superseded: false,
    said: [source.confidence],
    confirmedAt: now(),
    expiresAt: expiresAt?.getTime(),
  }
  if (await insert(query, id, statement, standing, now())) {
    await insertSource(query, newId(), id, source, now())
    return { kind: 'KEPT', id, isNew: true }
  }
  // Somebody was faster, and has it for good by now.
  const theirs = await same()
  if (!theirs) throw new Error('what says the same was forgotten in the same moment: try again')
  return again(query, { newId, now }, theirs, source)
}

async function again(query: Query, { newId, now }: Given, kept: Kept, source: Source): Promise<Remembered> {
  const isNew = !kept.keys.includes(sourceKey(source))
  const told = retold(kept, { confidence: source.confidence, isNew }, now())
  if (told) {
    if (told.said.length > kept.said.length) await insertSource(query, newId(), kept.row.id, source, now())
    await settle(query, told, now())
  }
  return { kind: 'KEPT', id: await latest(query, kept.row.id), isNew: false }
}

async function isFull(query: Query, projectId: string, limit: number): Promise<boolean> {
  const [row] = await query<{ count: number }>(
    `SELECT count(*)::int AS count FROM "Knowledge" WHERE "projectId" = $1`,
    [projectId],
  )
  return (row?.count ?? 0) >= limit
}

/** What a review is about, as far as it can be reviewed. */
async function reviewable(query: Query, id: string): Promise<{ kind: 'HELD'; kept: Kept } | Reviewed> {
  const kept = await hold(query, 'id = $1', [id])
  if (!kept) return { kind: 'UNKNOWN' }
  return kept.superseded ? { kind: 'SUPERSEDED', byId: await latest(query, id) } : { kind: 'HELD', kept }
}

async function decide(query: Query, now: number, id: string, review: Review): Promise<Reviewed> {
  const found = await reviewable(query, id)
  if (found.kind !== 'HELD') return found
  await settle(query, reviewed(found.kept, review.review, now), now)
  await sign(query, id, review, now)
  return { kind: 'REVIEWED', id }
}

async function correct(
  query: Query,
  given: Given,
  { id, correction, by }: { id: string; correction: Correction; by: Omit<Review, 'review'> },
): Promise<Reviewed> {
  const found = await reviewable(query, id)
  if (found.kind !== 'HELD') return found
  const { row } = found.kept
  const words = { title: correction.title, text: correction.text, tags: correction.tags ?? row.tags }
  if (sameness(words.text) !== sameness(row.text)) return replace(query, given, found.kept, { words, by })
  await query(`UPDATE "Knowledge" SET title = $2, text = $3, tags = $4, terms = $5 WHERE id = $1`, [
    id,
    words.title,
    words.text,
    words.tags,
    indexed({ ...words, projectId: row.projectId }),
  ])
  return decide(query, given.now(), id, { ...by, review: 'APPROVED' })
}

async function replace(
  query: Query,
  { newId, now }: Given,
  { row }: Kept,
  { words, by }: { words: Omit<Statement, 'projectId' | 'kind'>; by: Omit<Review, 'review'> },
): Promise<Reviewed> {
  const { projectId, kind } = row
  const expiresAt = row.expiresAt && row.expiresAt.getTime() > now() ? row.expiresAt : undefined
  const standing: Standing = {
    kind,
    review: 'APPROVED',
    superseded: false,
    said: [1],
    confirmedAt: now(),
    expiresAt: expiresAt?.getTime(),
  }
  const id = newId()
  if (!(await insert(query, id, { ...words, projectId, kind, expiresAt }, standing, now()))) {
    const [other] = await query<{ id: string }>(`SELECT id FROM "Knowledge" WHERE "projectId" = $1 AND sameness = $2`, [
      projectId,
      sameness(words.text),
    ])
    return other ? { kind: 'TAKEN', byId: other.id } : { kind: 'UNKNOWN' }
  }
  await insertSource(query, newId(), id, { by: by.by, confidence: 1 }, now())
  await sign(query, id, by, now())
  await query(`UPDATE "Knowledge" SET "supersededById" = $2, "updatedAt" = $3 WHERE id = $1`, [
    row.id,
    id,
    new Date(now()),
  ])
  return { kind: 'REVIEWED', id }
}

/** Keys that stood for it are free again: what they stood for is no more. */
async function forget(query: Query, id: string): Promise<boolean> {
  const gone = await query<{ id: string }>(
    `WITH RECURSIVE chain AS (
       SELECT id FROM "Knowledge" WHERE id = $1
       UNION ALL SELECT k.id FROM "Knowledge" k JOIN chain c ON k."supersededById" = c.id
     ) DELETE FROM "Knowledge" WHERE id IN (SELECT id FROM chain) RETURNING id`,
    [id],
  )
  await query(`DELETE FROM "IdempotencyKey" WHERE "subjectId" = ANY($1::uuid[])`, [gone.map((row) => row.id)])
  return gone.length > 0
}
