import { hash } from './hash.ts'
import { bm25, stems } from './text.ts'

/** OUTCOME: what came of something. TIP: what helps. RECIPE: how something is done. FAILURE: what went wrong, and why. */
export const KNOWLEDGE_KINDS = ['OUTCOME', 'TIP', 'RECIPE', 'FAILURE'] as const
export type KnowledgeKind = (typeof KNOWLEDGE_KINDS)[number]

/** PROPOSED: nobody has looked at it. APPROVED, REJECTED: a person has. */
export const KNOWLEDGE_REVIEWS = ['PROPOSED', 'APPROVED', 'REJECTED'] as const
export type KnowledgeReview = (typeof KNOWLEDGE_REVIEWS)[number]

/** Sources of one piece of knowledge that are kept. */
export const MAX_SOURCES = 100
/** Different words of a search that count, the first ones. */
export const MAX_SEARCH_TERMS = 16
/** Days after which knowledge of a kind is worth half, if nobody stands up for it again. */
export const HALF_LIFE_DAYS: Readonly<Record<KnowledgeKind, number>> = {
  OUTCOME: 60,
  FAILURE: 90,
  TIP: 180,
  RECIPE: 180,
}

const DAY_MS = 86_400_000
/** How much longer what a person has approved lives. */
const APPROVED_LIFE = 2
/** How many half-lives it takes to be stale. */
const STALE_HALF_LIVES = 2
/** What is believed of something that nobody says, and how many sources that is worth. */
const BASE_RATE = 0.5
const BASE_WEIGHT = 2
/** How many sources that are quite sure the approval of a person is worth. */
const APPROVAL_WEIGHT = 8

/** What decides how far something can be believed. Times are milliseconds since the epoch. */
export interface Standing {
  kind: KnowledgeKind
  review: KnowledgeReview
  /** Whether something else has been put in its place. */
  superseded: boolean
  /** How sure each of its sources is, 0 to 1. */
  said: readonly number[]
  /** When somebody last stood up for it: said it, or approved of it. */
  confirmedAt: number
  /** From when on it does not hold any more; undefined: it only ages. */
  expiresAt?: number | undefined
}

/**
 * What two texts have in common that say the same (K1): a SHA-256 of the text, whatever its white space, its Unicode form
 * and a full stop at its end are. Upper and lower case and punctuation count: `-d` and `-D` are two commands.
 */
export function sameness(text: string): string {
  return hash(text.normalize('NFC').replaceAll(/\s+/g, ' ').trim().replace(/\.$/, ''))
}

/** What tells one source from another (K2): who says it, and where they have it from. */
export function sourceKey(source: {
  by: string
  reference?: string | undefined
  sessionId?: string | undefined
  executionId?: string | undefined
  agentId?: string | undefined
}): string {
  const { by, reference, sessionId, executionId, agentId } = source
  return hash({ by, reference, sessionId, executionId, agentId })
}

/**
 * How far it can be believed, 0 to 1, whatever its age (K4): (r + aW) / (r + W), the expected probability of a Beta
 * distribution with base rate a = 0.5 and prior weight W = 2 (Jøsang, "Subjective Logic", 2016, chapter 3), where r sums
 * how sure its sources are, and the approval of a person counts as 8 who are. What is REJECTED is not believed at all.
 */
export function confidenceOf({ review, said }: Pick<Standing, 'review' | 'said'>): number {
  if (review === 'REJECTED') return 0
  const sure = said.reduce((sum, one) => sum + one, review === 'APPROVED' ? APPROVAL_WEIGHT : 0)
  return (sure + BASE_RATE * BASE_WEIGHT) / (sure + BASE_WEIGHT)
}

function halfLifeMs({ kind, review }: Pick<Standing, 'kind' | 'review'>): number {
  return HALF_LIFE_DAYS[kind] * DAY_MS * (review === 'APPROVED' ? APPROVED_LIFE : 1)
}

/**
 * How much of it is left by its age, 0 to 1 (K5): 2 ^ -(age / half-life), the forgetting curve of Settles and Meeder, "A
 * Trainable Spaced Repetition Model for Language Learning", 2016. Age counts from when somebody last stood up for it.
 */
export function freshnessOf(standing: Omit<Standing, 'said' | 'superseded'>, now: number): number {
  const { confirmedAt, expiresAt = Infinity } = standing
  return now >= expiresAt ? 0 : 2 ** -(Math.max(0, now - confirmedAt) / halfLifeMs(standing))
}

/** From when on it is stale (K6): once it has expired, or after two half-lives, when a quarter of it is left. */
export function staleAt(standing: Omit<Standing, 'said' | 'superseded'>): number {
  const { confirmedAt, expiresAt = Infinity } = standing
  return Math.min(expiresAt, confirmedAt + STALE_HALF_LIVES * halfLifeMs(standing))
}

/**
 * What becomes of something that is kept when it is said again (K2, K3, K7).
 *
 * @param isNew whether this source has not said it before
 * @returns undefined if nothing changes: what a person has rejected or replaced does not come back by being repeated
 */
export function retold<Kept extends Standing>(
  kept: Kept,
  telling: { confidence: number; isNew: boolean },
  now: number,
): Kept | undefined {
  if (kept.review === 'REJECTED' || kept.superseded) return undefined
  const joins = telling.isNew && kept.said.length < MAX_SOURCES
  return {
    ...kept,
    said: joins ? [...kept.said, telling.confidence] : kept.said,
    confirmedAt: Math.max(kept.confirmedAt, now),
  }
}

/** What becomes of it when a person has looked at it (K8). Who approves stands up for it. */
export function reviewed<Kept extends Standing>(kept: Kept, review: 'APPROVED' | 'REJECTED', now: number): Kept {
  return { ...kept, review, ...(review === 'APPROVED' && { confirmedAt: Math.max(kept.confirmedAt, now) }) }
}

/** What it is found by (K9): the stems of its words, as often as they are said; those of the title and of tags count twice. */
export function termsOf({ title, text, tags }: { title: string; text: string; tags: readonly string[] }): string[] {
  const head = stems(`${title} ${tags.join(' ')}`)
  return [...head, ...head, ...stems(text)]
}

/** What a search asks for (K9): the stems of its words, each once; none if it holds only words that say nothing. */
export function searchTerms(search: string): string[] {
  return [...new Set(stems(search))].slice(0, MAX_SEARCH_TERMS)
}

/** Something that a search may have found. */
export interface Found extends Omit<Standing, 'said' | 'superseded'> {
  id: string
  terms: readonly string[]
  confidence: number
}

/**
 * Orders what shares a term with a search, the best first (K10): BM25 over all that was found, times (1 + confidence x
 * freshness) / 2, so that what nobody vouches for any more counts half. Equal ones by their ids, the newest first.
 *
 * @param terms of the search, see {@link searchTerms}
 * @returns scores tell the order within one answer and nothing else
 */
export function rank(terms: readonly string[], found: readonly Found[], now: number): { id: string; score: number }[] {
  return bm25(
    found,
    (one) => one.terms,
  )(terms)
    .filter(({ score }) => score > 0)
    .map(({ document, score }) => ({
      id: document.id,
      score: (score * (1 + document.confidence * freshnessOf(document, now))) / 2,
    }))
    .toSorted((a, b) => b.score - a.score || (a.id < b.id ? 1 : -1))
}
