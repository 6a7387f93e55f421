import type { Bus } from '../bus.ts'
import type { Json } from '../core/json.ts'
import type { ErrorClass } from '../core/retry.ts'
import type { Activity, Evidence, ProducedFile, Usage } from '../runtime.ts'
import type { Query } from './driver.ts'

/** What a worker says of its work. Nothing in it is believed beyond what it says. */
export type WorkReport =
  | {
      kind: 'OK'
      summary: string
      output: Json
      evidence: Evidence[]
      files: (Pick<ProducedFile, 'name'> & Partial<ProducedFile> & { base64: string })[]
      usage: Usage
    }
  | { kind: 'ASK'; ask: { kind: 'QUESTION' | 'AUTH'; question: string; shown: Json }; usage: Usage }
  | { kind: 'ERROR'; error: { class: ErrorClass; message: string }; usage: Usage }

/** An attempt's work that a worker is to do. */
export interface NewOffer {
  attemptId: string
  sessionId: string
  agentId: string
  work: Json
}

/** How far an offer has come. */
export interface OfferState {
  status: 'OPEN' | 'CLAIMED' | 'REPORTED' | 'CLOSED'
  /** How often it was claimed. */
  fence: number
  worker: string | null
  /** Milliseconds until the lease runs out, below 0 once it has; null: it was never claimed. */
  leaseMs: number | null
  /** Activities that wait to be taken. */
  shown: number
}

/** Claims of one offer at most: whoever holds the last one and falls silent has probably fallen over the work. */
export const MOST_CLAIMS = 3

/** Rings when there may be work for the workers of an agent. */
export const workTopic = (agentId: string): string => `work:${agentId}`
/** Rings when a worker has moved an offer. */
export const offerTopic = (attemptId: string): string => `offer:${attemptId}`
/** Rings when the workers of some agent have come. */
export const ARRIVALS = 'workers'

const MAKE = `INSERT INTO "Offer" ("attemptId", "agentId", "projectId", priority, work)
  SELECT $1, $2, s."projectId", s.priority, $4::jsonb FROM "Session" s WHERE s.id = $3 ON CONFLICT DO NOTHING`

const LOOK = `SELECT status::text AS status, fence, worker, jsonb_array_length(shown) AS shown,
    (extract(epoch FROM "leaseUntil" - now()) * 1000)::float8 AS "leaseMs"
  FROM "Offer" WHERE "attemptId" = $1`

const TAKE = `WITH was AS (SELECT "attemptId", shown FROM "Offer" WHERE "attemptId" = $1 FOR UPDATE)
  UPDATE "Offer" o SET shown = '[]' FROM was WHERE o."attemptId" = was."attemptId" RETURNING was.shown`

const CLOSE = `UPDATE "Offer" SET status = CASE status WHEN 'REPORTED' THEN status ELSE 'CLOSED' END, work = NULL,
    shown = '[]' WHERE "attemptId" = $1 RETURNING report`

/** Offers, as the server of an attempt sees them. */
export interface Offers {
  /** Puts work on offer and tells the workers. Twice is once. */
  make(offer: NewOffer): Promise<void>
  /** Undefined: there is none. */
  look(attemptId: string): Promise<OfferState | undefined>
  /** The activities that wait, which then no longer do. */
  take(attemptId: string): Promise<Activity[]>
  /**
   * Ends an offer: what its worker brings from now on counts for nothing. Twice is once.
   *
   * @returns what the worker had reported before that, until it is forgotten
   */
  close(attemptId: string): Promise<WorkReport | undefined>
  /** The attempt's server has what was reported, or wants it no more. Only that it was reported is remembered. */
  forget(attemptId: string): Promise<void>
  /** Tells the workers that there may be work. */
  ring(agentId: string): void
  /** Calls the ear when the offer may have moved; the returned function ends it. */
  follow(attemptId: string, ear: () => void): () => void
  /** Whether an agent has workers. */
  isAttended(agentId: string): Promise<boolean>
  /** Calls the ear when an agent may have workers again; the returned function ends it. */
  onArrival(ear: () => void): () => void
}

export function createOffers({ query, bus }: { query: Query; bus: Bus }): Offers {
  const ring = (agentId: string): void => bus.ring(workTopic(agentId), Date.now())
  return {
    async make({ attemptId, sessionId, agentId, work }) {
      await query(MAKE, [attemptId, agentId, sessionId, JSON.stringify(work)])
      ring(agentId)
    },
    async look(attemptId) {
      const [state] = await query<OfferState>(LOOK, [attemptId])
      return state
    },
    async take(attemptId) {
      const [taken] = await query<{ shown: Activity[] }>(TAKE, [attemptId])
      return taken?.shown ?? []
    },
    async close(attemptId) {
      const [closed] = await query<{ report: WorkReport | null }>(CLOSE, [attemptId])
      return closed?.report ?? undefined
    },
    async forget(attemptId) {
      await query(`UPDATE "Offer" SET report = NULL WHERE "attemptId" = $1`, [attemptId])
    },
    ring,
    follow: (attemptId, ear) => bus.listen(offerTopic(attemptId), ear),
    async isAttended(agentId) {
      const [agent] = await query<{ attended: boolean }>(
        `SELECT coalesce("attendedUntil" > now(), false) AS attended FROM "Agent" WHERE id = $1`,
        [agentId],
      )
      return agent?.attended ?? false
    },
    onArrival: (ear) => bus.listen(ARRIVALS, ear),
  }
}
