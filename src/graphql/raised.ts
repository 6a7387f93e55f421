import type { Bus } from '../bus.ts'
import { isEnded, type SessionStatus } from '../core/session.ts'
import type { Database } from '../store/db.ts'
import { follow } from './streams/bell.ts'

/** Rows read at once: what one slow reader can hold in memory. */
const BATCH = 100

/**
 * How much later than it was dated an interrupt can be seen, in milliseconds: the clocks of servers differ, and a write
 * can wait for a database.
 */
const LATE_MS = 120_000

interface Raised {
  id: string
  createdAt: Date
}

/**
 * Interrupts that are OPEN, the oldest first, then each one that is raised, once. One that is still OPEN is never
 * missed, whenever it becomes visible; one that is answered already is looked for as long as `LATE_MS`. With a session it
 * ends once that has ended.
 *
 * @param projects whose interrupts; null: of all
 */
export function raisedInterrupts(
  { database, bus }: { database: Database; bus: Bus },
  { projects, sessionId }: { projects: readonly string[] | null; sessionId: string | undefined },
): AsyncIterableIterator<{ id: string }> {
  const topics = ['interrupts', ...(sessionId === undefined ? [] : [`session:${sessionId}`])]
  return follow(bus, topics, async function* (rung) {
    const sent = new Map<string, number>()
    const begin = Date.now()
    for (let isFirst = true; ; isFirst = false) {
      // In this order: what was raised before the session ended is then certainly seen.
      const isOver = sessionId !== undefined && (await hasEnded(database, sessionId))
      const since = isFirst ? undefined : new Date(Math.max(begin, Date.now() - LATE_MS))
      for (;;) {
        const rows = await read(since, [...sent.keys()])
        for (const { id, createdAt } of rows) {
          sent.set(id, createdAt.getTime())
          yield { id }
        }
        if (rows.length < BATCH) break
      }
      if (isOver) return
      await forget(sent)
      await rung()
    }
  })

  function read(since: Date | undefined, sent: readonly string[]): Promise<Raised[]> {
    return database.query<Raised>(
      `SELECT i.id, i."createdAt" FROM "Interrupt" i JOIN "Session" s ON s.id = i."sessionId"
       WHERE (i.status = 'OPEN' OR (i.status IN ('ANSWERED', 'EXPIRED', 'VOID') AND i."createdAt" > $1::timestamptz))
         AND ($2::uuid[] IS NULL OR s."projectId" = ANY($2)) AND ($3::uuid IS NULL OR s.id = $3 OR s."rootSessionId" = $3)
         AND NOT i.id = ANY($4::uuid[])
       ORDER BY i."createdAt", i.id LIMIT ${BATCH}`,
      [since ?? null, projects, sessionId ?? null, sent],
    )
  }

  /** Forgets what can never be found again: old ones that are no longer OPEN. */
  async function forget(sent: Map<string, number>): Promise<void> {
    const old = [...sent].filter(([, at]) => at < Date.now() - 2 * LATE_MS).map(([id]) => id)
    if (old.length === 0) return
    const open = await database.query<{ id: string }>(
      `SELECT id FROM "Interrupt" WHERE id = ANY($1::uuid[]) AND status = 'OPEN'`,
      [old],
    )
    const kept = new Set(open.map(({ id }) => id))
    for (const id of old) if (!kept.has(id)) sent.delete(id)
  }
}

async function hasEnded(database: Database, sessionId: string): Promise<boolean> {
  const [row] = await database.query<{ status: SessionStatus }>(
    `SELECT status::text AS status FROM "Session" WHERE id = $1`,
    [sessionId],
  )
  return row === undefined || isEnded(row.status)
}
