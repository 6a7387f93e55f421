import type { Rows } from './rows.ts'

/** A server that performs something. */
export interface Busy {
  id: string
  name: string
}

/** How many servers nobody takes for dead. */
export async function countLiving({ read }: Rows): Promise<number> {
  const [row] = await read<{ living: number }>(
    `SELECT count(*)::int AS living FROM "Server" WHERE "leaseUntil" > now()`,
  )
  return row?.living ?? 0
}

/** An execution that was LOST so often is left alone: after some more times it would be given up as one that kills servers. */
const LOST_AT_MOST = 2

/** The servers that have attempts in hand now, and none that has had much to bear. */
export const busyServers = ({ read }: Rows): Promise<Busy[]> =>
  read(
    `SELECT s.id, s.name FROM "Attempt" a JOIN "Server" s ON s.id = a.owner JOIN "Execution" e ON e.id = a."executionId"
     WHERE a.status = 'RUNNING' GROUP BY s.id HAVING max(e.lost) <= $1 ORDER BY s.id`,
    [LOST_AT_MOST],
  )

const HELD_THEN = `a."startedAt" <= $1 AND (a."endedAt" IS NULL OR a."endedAt" > $1)`

/**
 * The executions that were RUNNING at a moment.
 *
 * @param at milliseconds since 1970
 * @param server only those in the hand of the server with this id
 */
export async function runningAt({ read }: Rows, at: number, server: string | undefined): Promise<string[]> {
  const rows = await read<{ executionId: string }>(
    `SELECT a."executionId" FROM "Attempt" a WHERE ${HELD_THEN} AND ($2::text IS NULL OR a.owner = $2) ORDER BY 1`,
    [new Date(at), server],
  )
  return rows.map(({ executionId }) => executionId)
}

const CAUGHT_UP = `WITH held AS (
    SELECT CASE WHEN a.status = 'OK' THEN a."endedAt" ELSE coalesce(next."startedAt", e."endedAt") END AS moved
    FROM "Attempt" a JOIN "Execution" e ON e.id = a."executionId"
    LEFT JOIN "Attempt" next ON next."executionId" = a."executionId" AND next.number = a.number + 1
    WHERE ${HELD_THEN}
  ), followed AS (
    SELECT least(s."endedAt", (
      SELECT min(a."startedAt") FROM "Attempt" a WHERE a."sessionId" = s.id AND a."startedAt" > $2
    )) AS moved
    FROM "Session" s WHERE s."createdAt" <= $1 AND (s."endedAt" IS NULL OR s."endedAt" > $1)
  )
  SELECT count(*) FILTER (WHERE moved IS NULL)::int AS behind, max(moved) AS last
  FROM (SELECT * FROM held UNION ALL SELECT * FROM followed) moves`

/**
 * How long after a fault work had gone on everywhere: every attempt that ran then has come to its end or was begun anew,
 * and every session under way then has begun something or has ended.
 *
 * @param struck when the fault struck, in milliseconds since 1970
 * @param from when work could go on; what went on sooner took no time
 * @returns milliseconds, with the time that agents need in it; undefined: not yet
 */
export async function caughtUpAfter({ read }: Rows, struck: number, from: number): Promise<number | undefined> {
  const [row] = await read<{ behind: number; last: Date | null }>(CAUGHT_UP, [new Date(struck), new Date(from)])
  if (!row || row.behind > 0) return undefined
  return Math.max(0, (row.last?.getTime() ?? from) - from)
}

const BEHIND = `SELECT s.id, s.status::text AS status, s.driver, s.version, s.seq,
    (SELECT json_agg(json_build_object('key', e.key, 'id', e.id, 'status', e.status, 'readyAt', e."readyAt", 'resumeAt', e."resumeAt",
        'attempts', (SELECT json_agg(json_build_object('id', a.id, 'status', a.status, 'owner', a.owner, 'startedAt', a."startedAt",
          'endedAt', a."endedAt") ORDER BY a.number) FROM "Attempt" a WHERE a."executionId" = e.id)) ORDER BY e.position)
      FROM "Execution" e WHERE e."sessionId" = s.id) AS executions,
    (SELECT json_agg(json_build_object('id', id, 'name', name, 'leaseUntil', "leaseUntil") ORDER BY id) FROM "Server") AS servers
  FROM "Session" s WHERE s."createdAt" <= $1 AND s."endedAt" IS NULL AND NOT EXISTS (
    SELECT FROM "Attempt" a WHERE a."sessionId" = s.id AND a."startedAt" > $2
  )`

/** The sessions that were under way when a fault struck and have neither begun anything since nor ended, for whoever looks why. */
export const sessionsBehind = ({ read }: Rows, struck: number, from: number): Promise<object[]> =>
  read<object>(BEHIND, [new Date(struck), new Date(from)])
