import DataLoader from 'dataloader'
import type { Bus } from '../bus.ts'
import { type ExecutionStatus, isSettled } from '../core/execution.ts'
import { isEnded, type SessionStatus } from '../core/session.ts'
import type { Database } from '../store/db.ts'
import { type EventRow, eventsAfter } from '../store/journal.ts'

/** Rows read at once: what one slow reader can hold in memory. */
const BATCH = 100
/** A doorbell rings again when it was lost; this is for the case that whoever should ring died before it did. */
const LOOK_AGAIN_MS = 30_000
/** Positions whose rows are read by one statement. */
const READS_AT_ONCE = 500

export interface ActivityRow {
  executionId: string
  seq: number
  attempt: number
  kind: string
  stream: string | null
  text: string
  at: Date
}

interface Position {
  id: string
  after: number
}

/** How far a log has come, and whether anything more will ever be added to it. */
export interface LogState {
  seq: number
  closed: boolean
}

/** Follows the logs in the database, woken by the bus. */
export interface Follower {
  /** Undefined: there is no such session. */
  sessionLog(sessionId: string): Promise<LogState | undefined>
  /** Undefined: there is no such execution. */
  executionLog(executionId: string): Promise<(LogState & { sessionId: string }) | undefined>
  /**
   * Events after `after`, each once and in order; ends after the last event of an ended session, or where the rest has
   * been removed.
   */
  events(sessionId: string, after: number): AsyncIterableIterator<EventRow>
  /** Activities after `after`, each once and in order; ends once the execution has settled and all are out. */
  activities(execution: { id: string; sessionId: string }, after: number): AsyncIterableIterator<ActivityRow>
  /** Activities of all executions of a session from their beginning, in order per execution. */
  sessionActivities(sessionId: string): AsyncIterableIterator<ActivityRow>
  /** Rings whenever the session has changed since what was last sent; ends after its last state. */
  changes(sessionId: string): AsyncIterableIterator<Change>
}

/** A session has changed. Whoever reads its row for this may find a later version already, and tells so. */
export interface Change {
  sent(version: number): void
}

export function createFollower({ database, bus }: { database: Database; bus: Bus }): Follower {
  const events = readerOf<EventRow>(
    (positions) => eventsAfter(database.query, positions, BATCH),
    (row) => row.sessionId,
  )
  const activitiesAfter = readerOf<ActivityRow>(
    (positions) =>
      database.query<ActivityRow>(
        `SELECT a.* FROM unnest($1::uuid[], $2::int[]) AS want(id, after) CROSS JOIN LATERAL
          (SELECT * FROM "Activity" WHERE "executionId" = want.id AND seq > want.after ORDER BY seq LIMIT ${BATCH}) a`,
        [positions.map(({ id }) => id), positions.map(({ after }) => after)],
      ),
    (row) => row.executionId,
  )

  async function sessionLog(id: string): Promise<(LogState & { version: number }) | undefined> {
    const [row] = await database.query<{ status: SessionStatus; seq: number; version: number }>(
      `SELECT status::text AS status, seq, version FROM "Session" WHERE id = $1`,
      [id],
    )
    return row && { seq: row.seq, version: row.version, closed: isEnded(row.status) }
  }

  async function executionLog(id: string): Promise<(LogState & { sessionId: string }) | undefined> {
    const [row] = await database.query<{ status: ExecutionStatus; seq: number; sessionId: string }>(
      `SELECT e.status::text AS status, e."sessionId",
        coalesce((SELECT max(a.seq) FROM "Activity" a WHERE a."executionId" = e.id), 0)::int AS seq
       FROM "Execution" e WHERE e.id = $1`,
      [id],
    )
    return row && { seq: row.seq, sessionId: row.sessionId, closed: isSettled(row.status) }
  }

  return {
    sessionLog,
    executionLog,

    events: (sessionId, after) =>
      follow(bus, [`session:${sessionId}`], async function* (rung) {
        for (let last = after, closed = false; ;) {
          const rows = await events.load({ id: sessionId, after: last })
          for (const row of rows) {
            yield row
            last = row.seq
          }
          if (rows.length === BATCH) continue
          const type = rows.at(-1)?.type
          if (type !== undefined && endsSession(type)) return
          if (type === undefined) {
            // What an ended session does not have any more has been removed since.
            if (closed) return
            const log = await sessionLog(sessionId)
            if (!log || (log.closed && last >= log.seq)) return
            closed = log.closed
            if (closed) continue
          }
          await rung()
        }
      }),

    activities: ({ id, sessionId }, after) =>
      follow(bus, [`activity:${id}`, `session:${sessionId}`], async function* (rung) {
        for (let last = after; ;) {
          // In this order: what was stored before the execution settled is then certainly seen.
          const log = await executionLog(id)
          const rows = log && log.seq > last ? await activitiesAfter.load({ id, after: last }) : []
          for (const row of rows) {
            yield row
            last = row.seq
          }
          if (!log || (log.closed && last >= log.seq)) return
          if (last >= log.seq) await rung()
        }
      }),

    sessionActivities: (sessionId) =>
      follow(bus, [`session:${sessionId}`], async function* (rung, listen) {
        const last = new Map<string, number>()
        for (;;) {
          const log = await sessionLog(sessionId)
          const executions = await database.query<{ id: string; seq: number }>(
            `SELECT e.id, coalesce(max(a.seq), 0)::int AS seq FROM "Execution" e
             LEFT JOIN "Activity" a ON a."executionId" = e.id WHERE e."sessionId" = $1
             GROUP BY e.id, e.position ORDER BY e.position`,
            [sessionId],
          )
          for (const { id } of executions) listen(`activity:${id}`)
          const behind = executions.filter(({ id, seq }) => seq > (last.get(id) ?? 0))
          for (const { id } of behind) {
            for (const row of await activitiesAfter.load({ id, after: last.get(id) ?? 0 })) {
              yield row
              last.set(id, row.seq)
            }
          }
          if (behind.length > 0) continue
          if (!log || log.closed) return
          await rung()
        }
      }),

    changes: (sessionId) =>
      follow(bus, [`session:${sessionId}`], async function* (rung) {
        for (let last = -1; ;) {
          const log = await sessionLog(sessionId)
          if (!log) return
          if (log.version > last) {
            last = log.version
            yield { sent: (version) => (last = Math.max(last, version)) }
          }
          if (log.closed) return
          await rung()
        }
      }),
  }
}

const endsSession = (type: string): boolean =>
  type.startsWith('SESSION_') && isEnded(type.slice('SESSION_'.length) as SessionStatus)

/** Reads rows after positions; whoever asks in the same turn shares one statement, and the same position one answer. */
function readerOf<Row extends { seq: number }>(
  readAfter: (positions: readonly Position[]) => Promise<Row[]>,
  idOf: (row: Row) => string,
) {
  const reader = new DataLoader<Position, Row[], string>(
    async (positions) => {
      // Shared within the turn only: the next one may find more.
      reader.clearAll()
      const byId = Map.groupBy(await readAfter(positions), idOf)
      return positions.map(({ id, after }) => {
        const found = (byId.get(id) ?? []).filter(({ seq }) => seq > after)
        const unique = new Map(found.map((row) => [row.seq, row]))
        return [...unique.values()].toSorted((a, b) => a.seq - b.seq).slice(0, BATCH)
      })
    },
    { cacheKeyFn: ({ id, after }) => `${id}:${after}`, maxBatchSize: READS_AT_ONCE },
  )
  return reader
}

/**
 * Follows topics of the bus: `read` looks into the database, yields what is new and then awaits `rung`. It is driven by
 * its reader alone, so a slow one holds a batch and nothing else, and it can be left at any time, also while it waits.
 */
export function follow<Row>(
  bus: Bus,
  topics: readonly string[],
  read: (rung: () => Promise<void>, listen: (topic: string) => void) => AsyncGenerator<Row, void>,
): AsyncIterableIterator<Row> {
  const stops = new Map<string, () => void>()
  let wake: (() => void) | undefined
  // Set from the beginning: the first look comes before anybody can have rung.
  let ringing = false
  let left = false
  const ear = () => {
    ringing = true
    wake?.()
  }
  const listen = (topic: string) => {
    if (!left && !stops.has(topic)) stops.set(topic, bus.listen(topic, ear))
  }
  const leave = () => {
    left = true
    for (const stop of stops.values()) stop()
    stops.clear()
    wake?.()
  }
  const rung = async () => {
    if (!ringing && !left) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_AGAIN_MS * (0.5 + Math.random()))
        timer.unref()
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      wake = undefined
    }
    ringing = false
    if (left) throw new Left()
  }
  for (const topic of topics) listen(topic)
  const rows = read(rung, listen)
  const over = { done: true, value: undefined } as const
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      if (left) return over
      try {
        const result = await rows.next()
        if (result.done) leave()
        return result
      } catch (error) {
        leave()
        if (error instanceof Left) return over
        throw error
      }
    },
    // Not through the generator: it may be waiting, and would not be left before somebody rings.
    async return() {
      leave()
      void rows.return(undefined).catch(() => {})
      return over
    },
  }
}

/** The reader has gone while `read` was waiting. */
class Left extends Error {}
