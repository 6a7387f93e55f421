import type { Database } from './db.ts'

export const SERVER_ROLES = ['all', 'api', 'worker'] as const

/** What a server does: take requests, do work, or both. */
export type ServerRole = (typeof SERVER_ROLES)[number]

/** A server process as it says of itself. */
export interface ServerIdentity {
  id: string
  /** Host and process, for people. */
  name: string
  role: ServerRole
  version: string
}

/** A server process that lives. */
export interface LivingServer extends ServerIdentity {
  startedAt: Date
  draining: boolean
}

/** An attempt that RUNS by its row though nobody performs it any more. */
export interface LostAttempt {
  sessionId: string
  /** How far the session has come. */
  version: number
  executionId: string
  attemptId: string
  fence: number
}

/** An execution that has been READY for a while. */
export interface WaitingExecution {
  sessionId: string
  executionId: string
  createdAt: Date
}

/** What one look at the rows has found. */
export interface Found {
  /** Servers whose lease had run out: they have lost everything that they had. */
  buried: { id: string; name: string }[]
  lost: LostAttempt[]
  /** Sessions that nobody drives who lives. */
  undriven: string[]
  /** Nobody took them for WAITING_MS. */
  waiting: WaitingExecution[]
}

/**
 * What servers that share a database know of each other. A server lives from `register` until it retires or is buried;
 * whoever has no row is dead. What time it is, only the database says.
 */
export interface Servers {
  register(server: ServerIdentity, leaseMs: number): Promise<void>
  /**
   * Prolongs the lease of a server.
   *
   * @returns LATE if it had run out though nobody has noticed, as after a time without the database; DEAD if the server
   *   was buried: others have what it had
   */
  beat(id: string, leaseMs: number): Promise<'IN_TIME' | 'LATE' | 'DEAD'>
  /** Makes known that a server takes nothing more. */
  drain(id: string): Promise<void>
  /** The server has nothing in hand any more, and goes. */
  retire(id: string): Promise<void>
  /** Servers of which it is certain that they have ended. */
  bury(ids: readonly string[]): Promise<void>
  /** Every server but this one has ended for certain. */
  buryOthers(id: string): Promise<void>
  /** The oldest first. */
  living(): Promise<LivingServer[]>
  /** Whether of those that live, have a crew and do not go, this one is the oldest: it does what is done once for all. */
  isOldest(id: string): Promise<boolean>
  /**
   * A server gives up the sessions that it drives. Each moves on by one version, so that whoever remembers it reads it again.
   *
   * @returns those that have no driver now, and how far they have come
   */
  handOn(id: string): Promise<{ id: string; version: number }[]>
  /** The sessions that a server drives, and how far they have come. */
  driven(id: string): Promise<{ id: string; version: number }[]>
  /**
   * Looks for what nobody has in hand. Only the oldest server with a crew does: two at once would do no harm.
   *
   * @param bury whether servers whose lease has run out are dead from here on
   * @param after the last execution that the earlier look found waiting: this one begins behind it
   * @returns undefined if it is another server's turn
   */
  look(id: string, bury: boolean, after?: WaitingExecution): Promise<Found | undefined>
}

/** How long an execution may be READY before its doorbell is believed lost, in milliseconds. */
export const WAITING_MS = 2_000
/** Executions that one look finds waiting at most. */
export const WAITING_AT_ONCE = 100
/** Sessions without a driver, and attempts without an owner, that one look finds at most. */
const FOUND_AT_ONCE = 1_000

const OLDEST = `SELECT min(id) FROM "Server" WHERE "leaseUntil" > now() AND role <> 'api' AND NOT draining`

/**
 * Whether it is this server's turn, and whom it buries. One statement: a server that is stopped in the middle of a look
 * must not hold anything that keeps the next one from looking.
 */
const BURY = `WITH turn AS (
    SELECT coalesce($1 = (${OLDEST}), false) AS mine
  ), buried AS (
    DELETE FROM "Server" WHERE $2 AND id <> $1 AND "leaseUntil" < now() AND (SELECT mine FROM turn) RETURNING id, name
  )
  SELECT mine, (SELECT coalesce(json_agg(buried), '[]') FROM buried) AS buried FROM turn`

const LOST = `SELECT a."sessionId", s.version, a."executionId", a.id AS "attemptId", a.fence FROM "Attempt" a
  JOIN "Execution" e ON e.id = a."executionId" AND e.attempt = a.number AND e.status IN ('ASSIGNED', 'RUNNING')
  JOIN "Session" s ON s.id = a."sessionId" AND s."endedAt" IS NULL
  WHERE a.status = 'RUNNING' AND NOT EXISTS (SELECT FROM "Server" WHERE id = a.owner)
  ORDER BY a."sessionId" LIMIT ${FOUND_AT_ONCE}`

const UNDRIVEN = `SELECT s.id FROM "Session" s
  WHERE s."endedAt" IS NULL AND NOT EXISTS (SELECT FROM "Server" WHERE id = s.driver)
  ORDER BY s."createdAt", s.id LIMIT ${FOUND_AT_ONCE}`

const WAITING = `SELECT e."sessionId", e.id AS "executionId", e."createdAt" FROM "Execution" e
  JOIN "Session" s ON s.id = e."sessionId" AND s.status IN ('RUNNING', 'ROLLING_BACK')
  WHERE e.status = 'READY' AND e."readyAt" < now() - $3 * interval '1 millisecond'
    AND (e."createdAt", e.id) > ($1::timestamptz, $2::uuid)
  ORDER BY e."createdAt", e.id LIMIT ${WAITING_AT_ONCE}`

/** Before every other. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** The servers of a database. */
export function createServers({ query }: Pick<Database, 'query'>): Servers {
  async function run(sql: string, params: readonly unknown[]): Promise<void> {
    await query(sql, params)
  }

  return {
    register: ({ id, name, role, version }, leaseMs) =>
      run(
        `INSERT INTO "Server" (id, name, role, version, "startedAt", "leaseUntil")
         VALUES ($1, $2, $3, $4, now(), now() + $5 * interval '1 millisecond')`,
        [id, name, role, version, leaseMs],
      ),
    async beat(id, leaseMs) {
      const [beaten] = await query<{ inTime: boolean }>(
        `UPDATE "Server" s SET "leaseUntil" = now() + $2 * interval '1 millisecond'
         FROM (SELECT id, "leaseUntil" > now() AS "inTime" FROM "Server" WHERE id = $1 FOR UPDATE) was
         WHERE s.id = was.id RETURNING was."inTime"`,
        [id, leaseMs],
      )
      if (!beaten) return 'DEAD'
      return beaten.inTime ? 'IN_TIME' : 'LATE'
    },
    drain: (id) => run(`UPDATE "Server" SET draining = true WHERE id = $1`, [id]),
    retire: (id) => run(`DELETE FROM "Server" WHERE id = $1`, [id]),
    bury: (ids) => run(`DELETE FROM "Server" WHERE id = ANY($1::text[])`, [ids]),
    buryOthers: (id) => run(`DELETE FROM "Server" WHERE id <> $1`, [id]),
    living: () =>
      query<LivingServer>(
        `SELECT id, name, role, version, "startedAt", draining FROM "Server" WHERE "leaseUntil" > now() ORDER BY id`,
      ),
    async isOldest(id) {
      const [oldest] = await query<{ id: string | null }>(`SELECT (${OLDEST}) AS id`)
      return oldest?.id === id
    },
    handOn: (id) =>
      query(
        `UPDATE "Session" SET driver = NULL, version = version + 1
         WHERE driver = $1 AND "endedAt" IS NULL RETURNING id, version`,
        [id],
      ),
    driven: (id) => query(`SELECT id, version FROM "Session" WHERE driver = $1 AND "endedAt" IS NULL`, [id]),
    async look(id, bury, after) {
      const [turn] = await query<{ mine: boolean; buried: Found['buried'] }>(BURY, [id, bury])
      if (!turn?.mine) return undefined
      const from = [after?.createdAt ?? new Date(0), after?.executionId ?? NOBODY]
      const [lost, undriven, waiting] = await Promise.all([
        query<LostAttempt>(LOST),
        query<{ id: string }>(UNDRIVEN),
        query<WaitingExecution>(WAITING, [...from, WAITING_MS]),
      ])
      return { buried: turn.buried, lost, undriven: undriven.map(({ id }) => id), waiting }
    },
  }
}
