import DataLoader from 'dataloader'
import type { Bus } from '../bus.ts'
import { type ExecutionStatus, isSettled } from '../core/execution.ts'
import { isEnded, type SessionStatus } from '../core/session.ts'
import type { Database } from '../store/db.ts'
import { type EventRow, eventsAfter } from '../store/journal.ts'
import { follow } from './streams/bell.ts'
import type { Numbered, Shelf } from './streams/log.ts'
import { createLogs, type Source } from './streams/logs.ts'

/** Rows read at once: what one slow reader can hold in memory. */
const BATCH = 100
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

/** How far the events of a session have come. */
export interface SessionLog extends LogState {
  sessionId: string
  version: number
}

/** Reads the logs in the database, woken by the bus. */
export interface Follower {
  /**
   * Undefined: there is no such session. Whoever asks in the same turn gets the same object.
   */
  sessionLog(sessionId: string): Promise<SessionLog | undefined>
  /** Undefined: there is no such execution. */
  executionLog(executionId: string): Promise<(LogState & { id: string; sessionId: string }) | undefined>
  /**
   * The log itself as a snapshot, then events after `after`, each once and in order; ends after the last event of an
   * ended session, or where the rest has been removed.
   */
  events(log: SessionLog, after: number): Source<EventRow>
  /** Activities after `after`, each once and in order; ends once the execution has settled and all are out. */
  activities(log: LogState & { id: string; sessionId: string }, after: number): Source<ActivityRow>
  /** Activities of all executions of a session from their beginning, in order per execution. */
  sessionActivities(sessionId: string): AsyncIterableIterator<ActivityRow>
  /** That the session is there, then whenever it has changed since what was last sent; ends after its last state. */
  changes(log: SessionLog): Source<Change>
}

/** A session has changed. Whoever reads its row for this may find a later version already, and tells so. */
export interface Change extends Numbered {
  sent(version: number): void
}

/** @param ringBytes that the last rows of all logs together may take up in memory */
export function createFollower(
  { database, bus }: { database: Database; bus: Bus },
  { ringBytes }: { ringBytes: number },
): Follower {
  const logs = createLogs(ringBytes)
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
  const sessionLogs = new DataLoader<string, SessionLog | undefined>(
    async (ids) => {
      // Shared within the turn only: the next one may find more.
      sessionLogs.clearAll()
      const rows = await database.query<{ id: string; status: SessionStatus; seq: number; version: number }>(
        `SELECT id, status::text AS status, seq, version FROM "Session" WHERE id = ANY($1::uuid[])`,
        [ids],
      )
      const found = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => {
        const row = found.get(id)
        return row && { sessionId: id, seq: row.seq, version: row.version, closed: isEnded(row.status) }
      })
    },
    { maxBatchSize: READS_AT_ONCE },
  )
  const sessionLog = (id: string) => sessionLogs.load(id)
  const changed = async (id: string, after: number): Promise<readonly Change[]> => {
    const log = await sessionLog(id)
    return log && log.version > after ? [changeOf(log)] : []
  }

  async function executionLog(id: string): Promise<(LogState & { id: string; sessionId: string }) | undefined> {
    const [row] = await database.query<{ status: ExecutionStatus; seq: number; sessionId: string }>(
      `SELECT e.status::text AS status, e."sessionId",
        coalesce((SELECT max(a.seq) FROM "Activity" a WHERE a."executionId" = e.id), 0)::int AS seq
       FROM "Execution" e WHERE e.id = $1`,
      [id],
    )
    return row && { id, seq: row.seq, sessionId: row.sessionId, closed: isSettled(row.status) }
  }

  const eventShelf = (id: string): Shelf<EventRow> => ({
    keeps: true,
    read: (after) => events.load({ id, after }),
    follow: (after) =>
      follow(bus, [`session:${id}`], async function* (rung) {
        for (let last = after, closed = false; ;) {
          const rows = await events.load({ id, after: last })
          if (rows.length > 0) yield rows
          last = rows.at(-1)?.seq ?? last
          if (rows.length === BATCH) continue
          const type = rows.at(-1)?.type
          if (type !== undefined && endsSession(type)) return
          if (type === undefined) {
            // What an ended session does not have any more has been removed since.
            if (closed) return
            const log = await sessionLog(id)
            if (!log || (log.closed && last >= log.seq)) return
            closed = log.closed
            if (closed) continue
          }
          await rung()
        }
      }),
  })

  const activityShelf = (id: string, sessionId: string): Shelf<ActivityRow> => ({
    keeps: true,
    read: (after) => activitiesAfter.load({ id, after }),
    follow: (after) =>
      follow(bus, [`activity:${id}`, `session:${sessionId}`], async function* (rung) {
        for (let last = after; ;) {
          // In this order: what was stored before the execution settled is then certainly seen.
          const log = await executionLog(id)
          const rows = log && log.seq > last ? await activitiesAfter.load({ id, after: last }) : []
          if (rows.length > 0) yield rows
          last = rows.at(-1)?.seq ?? last
          if (!log || (log.closed && last >= log.seq)) return
          if (last >= log.seq) await rung()
        }
      }),
  })

  const changeShelf = (id: string): Shelf<Change> => ({
    keeps: false,
    read: (after) => changed(id, after),
    follow: (after) =>
      follow(bus, [`session:${id}`], async function* (rung) {
        for (let last = after; ;) {
          const log = await sessionLog(id)
          if (!log) return
          if (log.version > last) {
            last = log.version
            yield [changeOf(log)]
          }
          if (log.closed) return
          await rung()
        }
      }),
  })

  return {
    sessionLog,
    executionLog,

    events: (log, after) =>
      logs.source({
        key: `events:${log.sessionId}`,
        shelf: eventShelf(log.sessionId),
        head: log.seq,
        after,
        first: log,
      }),

    activities: ({ id, sessionId, seq }, after) =>
      logs.source({ key: `activities:${id}`, shelf: activityShelf(id, sessionId), head: seq, after }),

    changes: ({ sessionId, version }) =>
      logs.source({ key: `changes:${sessionId}`, shelf: changeShelf(sessionId), head: version, after: -1 }),

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
  }
}

function changeOf({ version }: SessionLog): Change {
  let seq = version
  return {
    get seq() {
      return seq
    },
    sent(version) {
      seq = Math.max(seq, version)
    },
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
