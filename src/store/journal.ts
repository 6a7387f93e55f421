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
