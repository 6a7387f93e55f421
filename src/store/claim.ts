import type { Bus } from '../bus.ts'
import { hash } from '../core/hash.ts'
import type { Json } from '../core/json.ts'
import type { Activity } from '../runtime.ts'
import type { Query } from './driver.ts'
import { ARRIVALS, MOST_CLAIMS, offerTopic, type WorkReport, workTopic } from './offer.ts'

/** Who wants work. */
export interface Claimant {
  agentId: string
  /** UUIDs of the projects whose work it may have; null: of all. */
  projects: readonly string[] | null
  /** What it calls itself. */
  worker: string
  /** The viewer that it came in as: nobody else can report what it has claimed. */
  holder: string
  leaseMs: number
  /** The same again is handed the same, as long as it has it. */
  key?: string | undefined
}

/** Work that a worker has in hand, until its lease runs out. */
export interface ClaimedOffer {
  attemptId: string
  fence: number
  leaseUntil: Date
  work: Json
}

/** Who says something of work that it has claimed. */
export interface Holder {
  attemptId: string
  fence: number
  holder: string
}

/**
 * What became of something that a worker said. HELD: it was taken. ENDED: the attempt was canceled or is over, and what
 * the worker does counts for nothing. STALE: somebody else may have it, and why. REPORTED: it was reported before, `same`
 * if by the same words. FULL: too much waits to be taken. UNKNOWN: there is no such offer.
 */
export type Heard =
  | { kind: 'HELD'; leaseUntil: Date }
  | { kind: 'ENDED' | 'FULL' | 'UNKNOWN' }
  | { kind: 'STALE'; why: string }
  | { kind: 'REPORTED'; same: boolean }

/** How long an agent's workers are believed to be there after the last sign of one, in milliseconds. */
const ATTENDED_MS = 90_000
/** How much of that may go by before the next sign is written down, in milliseconds. */
const ATTENDED_NEWS_MS = 15_000
/** Activities of one offer that may wait to be taken. */
const WAITING = 500

const inMs = (parameter: string): string => `now() + ${parameter}::int * interval '1 millisecond'`
const RUNS = `EXISTS (SELECT FROM "Attempt" a WHERE a.id = o."attemptId" AND a.status = 'RUNNING')`
/** Nobody has it: $1 is the agent, $2 the projects. */
const FREE = `o."agentId" = $1 AND ($2::uuid[] IS NULL OR o."projectId" = ANY($2))
  AND (o.status = 'OPEN' OR (o.status = 'CLAIMED' AND o."leaseUntil" <= now())) AND o.fence < ${MOST_CLAIMS} AND ${RUNS}`
/** This worker has it: $1 is the attempt, $2 the fence, $3 the holder. */
const HELD = `o."attemptId" = $1 AND o.fence = $2 AND o.holder = $3 AND o.status = 'CLAIMED' AND o."leaseUntil" > now()
  AND ${RUNS}`
const COLUMNS = `o."attemptId", o.fence, o."leaseUntil", o.work`

/** One statement, so that of any number at once each offer goes to exactly one. */
const CLAIM = `WITH free AS (
    SELECT o."attemptId" FROM "Offer" o WHERE ${FREE}
    ORDER BY o.priority DESC, o."createdAt", o."attemptId" LIMIT 1 FOR UPDATE SKIP LOCKED
  )
  UPDATE "Offer" o SET status = 'CLAIMED', worker = $3, holder = $4, "claimKey" = $5, fence = o.fence + 1, received = 0,
    "leaseMs" = $6, "leaseUntil" = ${inMs('$6')}
  FROM free WHERE o."attemptId" = free."attemptId" RETURNING ${COLUMNS}`

const AGAIN = `UPDATE "Offer" o SET "leaseUntil" = ${inMs('o."leaseMs"')}
  WHERE o."agentId" = $1 AND o.holder = $2 AND o."claimKey" = $3 AND o.status = 'CLAIMED' AND o."leaseUntil" > now()
    AND ${RUNS} RETURNING ${COLUMNS}`

const BEAT = `UPDATE "Offer" o SET "leaseUntil" = ${inMs('o."leaseMs"')} WHERE ${HELD} RETURNING o."leaseUntil", o."agentId"`

/** $5 is the number of the first one: those that have come before are not taken again. */
const SHOW = `UPDATE "Offer" o SET "leaseUntil" = ${inMs('o."leaseMs"')},
    shown = o.shown || (SELECT coalesce(jsonb_agg(item ORDER BY place), '[]')
      FROM jsonb_array_elements($4::jsonb) WITH ORDINALITY AS said(item, place)
      WHERE place + coalesce($5::int, o.received + 1) - 1 > o.received),
    received = greatest(o.received, coalesce($5::int, o.received + 1) - 1 + jsonb_array_length($4::jsonb))
  WHERE ${HELD} AND jsonb_array_length(o.shown) <= ${WAITING} RETURNING o."leaseUntil", o."agentId"`

const REPORT = `UPDATE "Offer" o SET status = 'REPORTED', report = $4::jsonb, "reportHash" = $5
  WHERE ${HELD} RETURNING o."leaseUntil", o."agentId"`

const WHY = `SELECT o.status::text AS status, o.fence, o.holder, o."reportHash", o."leaseUntil" <= now() AS over,
    jsonb_array_length(o.shown) > ${WAITING} AS full, a.status::text AS attempt
  FROM "Offer" o JOIN "Attempt" a ON a.id = o."attemptId" WHERE o."attemptId" = $1`

const ATTEND = `WITH was AS (
    SELECT id, coalesce("attendedUntil" > now(), false) AS attended FROM "Agent"
    WHERE id = $1 AND ("attendedUntil" IS NULL OR "attendedUntil" < ${inMs('$2')})
  )
  UPDATE "Agent" a SET "attendedUntil" = ${inMs('$3')} FROM was WHERE a.id = was.id RETURNING was.attended`

/** Offers, as workers see them. What time it is, only the database says. */
export interface Claims {
  /** A worker of the agent has shown that it is there. */
  attend(agentId: string): Promise<void>
  /** The oldest of the highest priority that nobody has; undefined: there is none. */
  claim(claimant: Claimant): Promise<ClaimedOffer | undefined>
  /** Prolongs the lease by its length. */
  beat(holder: Holder): Promise<Heard>
  /**
   * Hands activities on, and prolongs the lease.
   *
   * @param first number of the first one within this claim, from 1; those that have come before are not taken again
   */
  show(holder: Holder, activities: readonly Activity[], first: number | undefined): Promise<Heard>
  /** Hands the result on, once: from then on the worker has nothing more to do with it. */
  report(holder: Holder, report: WorkReport): Promise<Heard>
  /** How many offers nobody has. */
  waiting(agentId: string, projects: readonly string[] | null): Promise<number>
  /** Calls the ear when there may be work; the returned function ends it. */
  onWork(agentId: string, ear: () => void): () => void
}

export function createClaims({ query, bus }: { query: Query; bus: Bus }): Claims {
  async function attend(agentId: string): Promise<void> {
    const [news] = await query<{ attended: boolean }>(ATTEND, [agentId, ATTENDED_MS - ATTENDED_NEWS_MS, ATTENDED_MS])
    if (news?.attended === false) bus.ring(ARRIVALS, Date.now())
  }

  async function heard(
    { attemptId, fence, holder }: Holder,
    [held]: { leaseUntil: Date; agentId: string }[],
    hashed?: string,
  ): Promise<Heard> {
    if (held) {
      bus.ring(offerTopic(attemptId), Date.now())
      await attend(held.agentId)
      return { kind: 'HELD', leaseUntil: held.leaseUntil }
    }
    const [why] = await query<{
      status: 'OPEN' | 'CLAIMED' | 'REPORTED' | 'CLOSED'
      fence: number
      holder: string | null
      reportHash: string | null
      over: boolean | null
      full: boolean
      attempt: string
    }>(WHY, [attemptId])
    if (!why) return { kind: 'UNKNOWN' }
    if (why.fence !== fence || why.holder !== holder) return stale('another worker has claimed it since')
    if (why.status === 'REPORTED') return { kind: 'REPORTED', same: why.reportHash === hashed }
    if (why.status === 'CLOSED') return { kind: 'ENDED' }
    if (why.attempt !== 'RUNNING') return stale(`the attempt is over: ${why.attempt}`)
    if (why.over !== false) return stale('its lease has run out')
    return why.full ? { kind: 'FULL' } : stale('it has just changed hands')
  }

  return {
    attend,
    async claim({ agentId, projects, worker, holder, leaseMs, key }) {
      const [again] = key === undefined ? [] : await query<ClaimedOffer>(AGAIN, [agentId, holder, key])
      if (again) return again
      const [claimed] = await query<ClaimedOffer>(CLAIM, [agentId, projects, worker, holder, key, leaseMs])
      if (claimed) bus.ring(offerTopic(claimed.attemptId), Date.now())
      return claimed
    },
    async beat(holder) {
      return heard(holder, await query(BEAT, valuesOf(holder)))
    },
    async show(holder, activities, first) {
      return heard(holder, await query(SHOW, [...valuesOf(holder), JSON.stringify(activities), first]))
    },
    async report(holder, report) {
      const hashed = hash(report)
      return heard(holder, await query(REPORT, [...valuesOf(holder), JSON.stringify(report), hashed]), hashed)
    },
    async waiting(agentId, projects) {
      const [row] = await query<{ count: number }>(`SELECT count(*)::int AS count FROM "Offer" o WHERE ${FREE}`, [
        agentId,
        projects,
      ])
      return row?.count ?? 0
    },
    onWork: (agentId, ear) => bus.listen(workTopic(agentId), ear),
  }
}

const valuesOf = ({ attemptId, fence, holder }: Holder): unknown[] => [attemptId, fence, holder]
const stale = (why: string) => ({ kind: 'STALE', why }) as const
