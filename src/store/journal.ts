import type { Query } from './driver.ts'

/** An event of a session. */
export interface EventRow {
  sessionId: string
  seq: number
  type: string
  executionId: string | null
  attemptId: string | null
  data: unknown
  at: Date
}

const EVENT = 'e(seq int, type text, "executionId" uuid, "attemptId" uuid, data json, at timestamptz)'

/**
 * The events after a number, in order, for each of several sessions.
 *
 * @param limit per session
 */
export function eventsAfter(
  query: Query,
  positions: readonly { id: string; after: number }[],
  limit: number,
): Promise<EventRow[]> {
  // Each row of the journal has at least one event.
  return query<EventRow>(
    `SELECT found.* FROM unnest($1::uuid[], $2::int[]) AS want(id, after) CROSS JOIN LATERAL (
       SELECT j."sessionId", e.* FROM (
         SELECT * FROM "Journal" WHERE "sessionId" = want.id AND last > want.after ORDER BY last LIMIT $3
       ) j CROSS JOIN LATERAL json_to_recordset(j.events) AS ${EVENT}
       WHERE e.seq > want.after ORDER BY e.seq LIMIT $3
     ) found`,
    [positions.map(({ id }) => id), positions.map(({ after }) => after), limit],
  )
}

/** The events of a session between two numbers, which are not among them, from one end of it. */
export function eventsBetween(
  query: Query,
  sessionId: string,
  { after, before, limit, descending }: { after: number; before: number; limit: number; descending: boolean },
): Promise<EventRow[]> {
  const order = descending ? 'DESC' : 'ASC'
  return query<EventRow>(
    `SELECT j."sessionId", e.* FROM (
       SELECT * FROM "Journal" WHERE "sessionId" = $1 AND last > $2 AND first < $3 ORDER BY last ${order} LIMIT $4
     ) j CROSS JOIN LATERAL json_to_recordset(j.events) AS ${EVENT}
     WHERE e.seq > $2 AND e.seq < $3 ORDER BY e.seq ${order} LIMIT $4`,
    [sessionId, after, before, limit],
  )
}

/** False: they have been removed, since the session ended long ago. */
export async function hasEvents(query: Query, sessionId: string): Promise<boolean> {
  return (await query('SELECT FROM "Journal" WHERE "sessionId" = $1 LIMIT 1', [sessionId])).length > 0
}

/** Which events of several sessions are wanted; all conditions hold at once. */
export interface EventsWanted {
  /** Those of sessions of these projects; null: of all. */
  projects: readonly string[] | null
  /** Those of this session; null: of all. */
  sessionId: string | null
  types: readonly string[] | null
  /** At this time or later, and before that one, in milliseconds since the epoch. */
  since: number
  until: number
}

/** The place of an event among those of several sessions: by its time, its session and its number. */
export interface EventPlace {
  at: number
  sessionId: string
  seq: number
}

/** $1 to $5 are the conditions. Sessions that lived in the window are found by an index, their events by another. */
const WANTED = `"Session" s JOIN "Journal" j ON j."sessionId" = s.id CROSS JOIN LATERAL json_to_recordset(j.events) AS ${EVENT}
  WHERE ($1::uuid[] IS NULL OR s."projectId" = ANY($1)) AND ($2::uuid IS NULL OR s.id = $2)
    AND s."createdAt" < $5 AND (s."endedAt" IS NULL OR s."endedAt" >= $4)
    AND ($3::text[] IS NULL OR e.type = ANY($3)) AND e.at >= $4 AND e.at < $5`

const paramsOf = ({ projects, sessionId, types, since, until }: EventsWanted): unknown[] => [
  projects,
  sessionId,
  types,
  new Date(since),
  new Date(until),
]

/** Events of several sessions in the order of their times, from one end, behind a place or before it. */
export function eventsByTime(
  query: Query,
  wanted: EventsWanted,
  {
    after,
    before,
    limit,
    descending,
  }: {
    after: EventPlace | undefined
    before: EventPlace | undefined
    limit: number
    descending: boolean
  },
): Promise<EventRow[]> {
  const params = paramsOf({
    ...wanted,
    since: Math.max(wanted.since, after?.at ?? wanted.since),
    until: Math.min(wanted.until, before ? before.at + 1 : wanted.until),
  })
  const bound = (sign: string, place: EventPlace | undefined): string => {
    if (!place) return ''
    const [at, id, seq] = [new Date(place.at), place.sessionId, place.seq].map((value) => `$${params.push(value)}`)
    return `AND (e.at, s.id, e.seq) ${sign} (${at}::timestamptz, ${id}::uuid, ${seq}::int)`
  }
  const order = descending ? 'DESC' : 'ASC'
  const sql = `SELECT s.id AS "sessionId", e.* FROM ${WANTED} ${bound('>', after)} ${bound('<', before)}
    ORDER BY e.at ${order}, s.id ${order}, e.seq ${order} LIMIT $${params.push(limit)}`
  return query<EventRow>(sql, params)
}

/** How many events of several sessions there are. */
export async function countEvents(query: Query, wanted: EventsWanted): Promise<number> {
  const [row] = await query<{ count: number }>(`SELECT count(*)::int AS count FROM ${WANTED}`, paramsOf(wanted))
  return row?.count ?? 0
}
