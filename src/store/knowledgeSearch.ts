import type { Found, KnowledgeKind, KnowledgeReview } from '../core/knowledge.ts'
import type { Query } from './driver.ts'

/** Pieces that may answer one search: more are not ranked (K13). */
export const MAX_FOUND = 500
/** How many of the newest pieces are looked through for words that more than those hold. */
export const MAX_WALKED = 2_000

/** Which pieces of knowledge are wanted; null: whichever. */
export interface Wanted {
  projects: readonly string[] | null
  kinds: readonly KnowledgeKind[] | null
  reviews: readonly KnowledgeReview[] | null
  tag: string | null
  /** That one of its sources comes from. */
  sessionId: string | null
  superseded: boolean
  stale: boolean | null
}

const WANTED = `($2::text[] IS NULL OR kind::text = ANY($2)) AND ($3::text[] IS NULL OR review::text = ANY($3))
  AND ($4::text IS NULL OR $4 = ANY(tags))
  AND ($5::uuid IS NULL OR id IN (SELECT "knowledgeId" FROM "KnowledgeSource" WHERE "sessionId" = $5))
  AND ("supersededById"::text IS NOT NULL) = $6 AND ($7::boolean IS NULL OR ("staleAt" <= $8) = $7)`

/** Projects as text: whatever the planner believes of them, it looks words up in their own index. */
const BY_WORDS = `${WANTED} AND ($1::text[] IS NULL OR "projectId"::text = ANY($1::text[]))`

/** The first element of terms is the project, see knowledgeRows.ts. */
const COLUMNS = `id, kind, review, terms[2:] AS terms, confidence, "confirmedAt", "expiresAt"`

const HOLDING = `SELECT ${COLUMNS} FROM "Knowledge" WHERE ${BY_WORDS} AND terms @> $9::text[] LIMIT ${MAX_FOUND}`

/** IS TRUE keeps the planner from the index of words, which has far too many rows of them. */
const newestHolding = (operator: '@>' | '&&'): string =>
  `SELECT ${COLUMNS} FROM "Knowledge" WHERE id = ANY($10::uuid[]) AND ${BY_WORDS} AND (terms ${operator} $9::text[]) IS TRUE
   ORDER BY "createdAt" DESC, id DESC LIMIT ${MAX_FOUND}`

interface Row extends Omit<Found, 'confirmedAt' | 'expiresAt'> {
  confirmedAt: Date
  expiresAt: Date | null
}

/**
 * What shares a term with a search, at most 500 (K13): all that holds its rare terms, the rarest first, then what holds all
 * of its common ones, then what is new and holds any of them. Each is a bounded look into an index, however much there is.
 *
 * @param terms of the search, see `searchTerms` in core
 */
export async function findKnowledge(
  query: Query,
  terms: readonly string[],
  wanted: Wanted,
  now: number,
): Promise<Found[]> {
  const { projects, kinds, reviews, tag, sessionId, superseded, stale } = wanted
  const params = [projects, kinds, reviews, tag, sessionId, superseded, stale, new Date(now)]
  // The index of words knows projects too.
  const within = projects?.length === 1 ? projects : []
  const counts = await holdings(query, terms, params, within)
  const common = counts.filter(({ holding }) => holding > MAX_FOUND).map(({ term }) => term)

  const found = new Map<string, Found>()
  const look = async (sql: string, ...more: unknown[]): Promise<void> => {
    if (found.size >= MAX_FOUND) return
    for (const { confirmedAt, expiresAt, ...row } of await query<Row>(sql, [...params, ...more])) {
      if (found.size >= MAX_FOUND) break
      found.set(row.id, { ...row, confirmedAt: confirmedAt.getTime(), expiresAt: expiresAt?.getTime() })
    }
  }
  for (const { term, holding } of counts) if (holding <= MAX_FOUND) await look(HOLDING, [...within, term])
  if (common.length === 0 || found.size >= MAX_FOUND) return [...found.values()]
  const ids = await newest(query, projects)
  await look(newestHolding('@>'), common, ids)
  await look(HOLDING, [...within, ...common])
  if (common.length > 1) await look(newestHolding('&&'), common, ids)
  return [...found.values()]
}

/** Ids of the newest pieces of some projects, of all if null. */
async function newest(query: Query, projects: readonly string[] | null): Promise<string[]> {
  const [own, ...others] = projects ?? []
  const isOne = own !== undefined && others.length === 0
  // Of one project they come straight from its index by time.
  const condition = isOne ? '"projectId" = $1' : '($1::uuid[] IS NULL OR "projectId" = ANY($1))'
  const rows = await query<{ id: string }>(
    `SELECT id FROM "Knowledge" WHERE ${condition} ORDER BY "createdAt" DESC, id DESC LIMIT ${MAX_WALKED}`,
    [isOne ? own : projects],
  )
  return rows.map(({ id }) => id)
}

/** How many pieces hold each of the terms, those that none holds left out, the rarest first; one more than count at most. */
async function holdings(
  query: Query,
  terms: readonly string[],
  params: readonly unknown[],
  within: readonly string[],
): Promise<{ term: string; holding: number }[]> {
  if (terms.length === 0) return []
  const all = [...params]
  // A look for each term: how it is best done depends on how common the term is.
  const looks = terms.map((term, index) => {
    const place = `$${all.push([...within, term])}::text[]`
    return `SELECT ${index} AS index, (SELECT count(*)::int FROM (
      SELECT FROM "Knowledge" WHERE ${BY_WORDS} AND terms @> ${place} LIMIT ${MAX_FOUND + 1}) few) AS holding`
  })
  const counts = await query<{ index: number; holding: number }>(looks.join(' UNION ALL '), all)
  return counts
    .filter(({ holding }) => holding > 0)
    .toSorted((a, b) => a.holding - b.holding)
    .flatMap(({ index, holding }) => terms.slice(index, index + 1).map((term) => ({ term, holding })))
}
