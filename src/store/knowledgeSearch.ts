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

/** As text, so that whatever the planner believes of projects it looks words up in their index. */
const BY_WORDS = `${WANTED} AND ($1::text[] IS NULL OR "projectId"::text = ANY($1::text[]))`
/** Of one project straight from the index by time. */
const newestOf = (isOne: boolean): string =>
  `SELECT id FROM "Knowledge"
   WHERE ${isOne ? `"projectId" = ($1::text[])[1]::uuid` : '($1::text[] IS NULL OR "projectId" = ANY($1::text[]::uuid[]))'}
   ORDER BY "createdAt" DESC, id DESC LIMIT ${MAX_WALKED}`

/** The first element is the project, see knowledgeRows.ts. */
const COLUMNS = `id, kind, review, terms[2:] AS terms, confidence, "confirmedAt", "expiresAt"`

interface Row extends Omit<Found, 'confirmedAt' | 'expiresAt'> {
  confirmedAt: Date
  expiresAt: Date | null
}

/**
 * What shares a term with a search, at most 500 (K13): all that holds its rare terms, the rarest first, then what holds all
 * of its common ones, then what is new and holds any of them. Each is one bounded look into an index, however much there is.
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
  const rare = counts.filter(({ holding }) => holding <= MAX_FOUND).map(({ term }) => term)
  const common = counts.filter(({ holding }) => holding > MAX_FOUND).map(({ term }) => term)

  const byWords = `SELECT ${COLUMNS} FROM "Knowledge" WHERE ${BY_WORDS} AND terms @> $9::text[] LIMIT ${MAX_FOUND}`
  const newest = (holds: '@>' | '&&'): string =>
    `SELECT ${COLUMNS} FROM "Knowledge" WHERE id IN (${newestOf(within.length === 1)}) AND ${BY_WORDS}
     AND terms ${holds} $9::text[] ORDER BY "createdAt" DESC, id DESC LIMIT ${MAX_FOUND}`
  const looks = [
    ...rare.map((term) => ({ sql: byWords, terms: [...within, term] })),
    ...(common.length > 0
      ? [
          { sql: newest('@>'), terms: common },
          { sql: byWords, terms: [...within, ...common] },
        ]
      : []),
    ...(common.length > 1 ? [{ sql: newest('&&'), terms: common }] : []),
  ]
  const found = new Map<string, Found>()
  for (const { sql, terms } of looks) {
    if (found.size >= MAX_FOUND) break
    for (const { confirmedAt, expiresAt, ...row } of await query<Row>(sql, [...params, terms])) {
      if (found.size >= MAX_FOUND) break
      found.set(row.id, { ...row, confirmedAt: confirmedAt.getTime(), expiresAt: expiresAt?.getTime() })
    }
  }
  return [...found.values()]
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
