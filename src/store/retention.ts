import type { Database } from './db.ts'
import type { Query } from './driver.ts'

/** Sessions that one statement looks at. */
const SESSIONS_AT_ONCE = 100
/** Rows of a log that one statement removes: about as long does it keep others waiting as their own statements do. */
const ROWS_AT_ONCE = 2_000

/** A session in the order of ends. */
interface Ended {
  id: string
  endedAt: Date
}

/** What has been removed with a family. */
export interface RemovedFamily {
  /** Ids of a session that was nobody's child and of all below it. */
  sessions: string[]
  projectId: string
}

/** Removes what has ended long ago, in small pieces, so that nobody who works has to wait for it. */
export interface Retention {
  /**
   * Removes the events and activities of sessions that ended before a time. What it has seen once it does not look at
   * again.
   *
   * @param goOn asked after each piece; it may take its time
   * @returns how many sessions had any
   */
  removeEvents(endedBefore: Date, goOn: () => Promise<boolean>): Promise<number>
  /**
   * Removes sessions that ended before a time with everything that belongs to them: a family, which is a session that is
   * nobody's child and all below it, goes as a whole and only once all of it has ended. It stays as long as a session
   * outside of it tries one of it again or was forked from it, since that stands on results and artifacts of the earlier
   * one; whatever has no reader any more goes by the next time. Tasks stay.
   *
   * @param removed is told of each family
   * @param goOn asked after each piece; it may take its time
   */
  removeSessions(
    endedBefore: Date,
    removed: (family: RemovedFamily) => Promise<void>,
    goOn: () => Promise<boolean>,
  ): Promise<void>
}

/** At most so many sessions, and so many events, which are at least as many as rows of the journal. */
const PIECE = `SELECT id, "endedAt" FROM (
    SELECT id, "endedAt", seq, sum(seq) OVER (ORDER BY "endedAt", id) AS events FROM (
      SELECT id, "endedAt", seq FROM "Session" WHERE "endedAt" < $1 AND "endedAt" >= $2 AND ("endedAt", id) > ($2, $3::uuid)
      ORDER BY "endedAt", id LIMIT ${SESSIONS_AT_ONCE}
    ) taken
  ) counted WHERE events - seq < ${ROWS_AT_ONCE} ORDER BY "endedAt", id`

const ROOTS = `SELECT id, "endedAt" FROM "Session"
  WHERE "parentSessionId" IS NULL AND "endedAt" < $1 AND "endedAt" >= $2 AND ("endedAt", id) > ($2, $3::uuid)
  ORDER BY "endedAt", id LIMIT ${SESSIONS_AT_ONCE}`

const FAMILY = `WITH RECURSIVE family AS (
    SELECT id, "endedAt", "projectId" FROM "Session" WHERE id = $1
    UNION ALL SELECT s.id, s."endedAt", s."projectId" FROM "Session" s JOIN family f ON s."parentSessionId" = f.id
  ) SELECT * FROM family`

const REFERRED = `SELECT FROM "Session" WHERE ("retryOfId" = ANY($1::uuid[]) OR "forkOfId" = ANY($1::uuid[]))
  AND NOT id = ANY($1::uuid[]) LIMIT 1`

/** From the end of each log: whoever reads it meanwhile sees its beginning, without gaps. */
const REMOVE_ACTIVITIES = `WITH gone AS (
    DELETE FROM "Activity" a USING (
      SELECT a."executionId", a.seq FROM "Execution" e CROSS JOIN LATERAL (
        SELECT "executionId", seq FROM "Activity" WHERE "executionId" = e.id ORDER BY seq DESC LIMIT ${ROWS_AT_ONCE}
      ) a WHERE e."sessionId" = ANY($1::uuid[]) LIMIT ${ROWS_AT_ONCE}
    ) last WHERE a."executionId" = last."executionId" AND a.seq = last.seq
    RETURNING a."executionId"
  )
  SELECT e."sessionId" AS id, count(*)::int AS count FROM gone JOIN "Execution" e ON e.id = gone."executionId"
  GROUP BY e."sessionId"`

const REMOVE_EVENTS = `WITH gone AS (DELETE FROM "Journal" WHERE "sessionId" = ANY($1::uuid[]) RETURNING "sessionId")
  SELECT DISTINCT "sessionId" AS id FROM gone`

/** Before every other. */
const FIRST: Ended = { id: '00000000-0000-0000-0000-000000000000', endedAt: new Date(0) }

/** What removes old rows of a database. */
export function createRetention({ query, transaction }: Pick<Database, 'query' | 'transaction'>): Retention {
  let seen = FIRST

  /** @returns the ids of the sessions that had any; undefined if it was told to stop */
  async function removeLogs(ids: readonly string[], goOn: () => Promise<boolean>): Promise<Set<string> | undefined> {
    const had = new Set<string>()
    for (;;) {
      const counts = await query<{ id: string; count: number }>(REMOVE_ACTIVITIES, [ids])
      for (const { id } of counts) had.add(id)
      if (counts.reduce((sum, { count }) => sum + count, 0) < ROWS_AT_ONCE) break
      if (!(await goOn())) return undefined
    }
    for (const { id } of await query<{ id: string }>(REMOVE_EVENTS, [ids])) had.add(id)
    return had
  }

  return {
    async removeEvents(endedBefore, goOn) {
      let count = 0
      for (;;) {
        const piece = await query<Ended>(PIECE, [endedBefore, seen.endedAt, seen.id])
        if (piece.length === 0) return count
        const had = await removeLogs(
          piece.map(({ id }) => id),
          goOn,
        )
        if (!had) return count
        count += had.size
        seen = piece.at(-1) as Ended
        // What had gone before costs next to nothing.
        if (had.size > 0 && !(await goOn())) return count
      }
    },

    async removeSessions(endedBefore, removed, goOn) {
      for (let after = FIRST; ;) {
        const roots = await query<Ended>(ROOTS, [endedBefore, after.endedAt, after.id])
        for (const { id } of roots) {
          const known = await removable(query, id, endedBefore)
          if (!known) continue
          if (!(await removeLogs(known.sessions, goOn))) return
          const family = await transaction((query) => removeFamily(query, id, endedBefore))
          if (family) await removed(family)
          if (!(await goOn())) return
        }
        if (roots.length < SESSIONS_AT_ONCE) return
        after = roots.at(-1) as Ended
        if (!(await goOn())) return
      }
    },
  }
}

/** The family of a session, if all of it ended before a time and nobody outside refers to it. */
async function removable(query: Query, rootId: string, endedBefore: Date): Promise<RemovedFamily | undefined> {
  const family = await query<{ id: string; endedAt: Date | null; projectId: string }>(FAMILY, [rootId])
  const sessions = family.map(({ id }) => id)
  const [root] = family
  if (!root || family.some(({ endedAt }) => endedAt === null || endedAt >= endedBefore)) return undefined
  return (await query(REFERRED, [sessions])).length > 0 ? undefined : { sessions, projectId: root.projectId }
}

/** Its rows are as many as its plans are large: all of them at once, so that nobody ever sees a part of a session. */
async function removeFamily(query: Query, rootId: string, endedBefore: Date): Promise<RemovedFamily | undefined> {
  const known = await removable(query, rootId, endedBefore)
  if (!known) return undefined
  // Whoever is about to refer to it holds its row or waits for this.
  await query(`SELECT FROM "Session" WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`, [known.sessions])
  const family = await removable(query, rootId, endedBefore)
  if (!family) return undefined
  // The key may be used anew: what it stood for is no more.
  await query(`DELETE FROM "IdempotencyKey" WHERE "subjectId" = ANY($1::uuid[])`, [family.sessions])
  await query(`DELETE FROM "Session" WHERE id = ANY($1::uuid[])`, [family.sessions])
  return family
}
