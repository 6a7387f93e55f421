import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Bus } from '../bus.ts'
import { wellFormedText } from '../core/json.ts'
import type { Activity } from '../runtime.ts'
import type { Query } from './driver.ts'
import { isRefusal } from './fault.ts'

/** How long an activity waits for others to be stored with it, in milliseconds. */
const GATHER_MS = 100
/** How many wait at most; then whoever adds one waits until they are stored: back-pressure. */
const GATHER_MAX = 500
/** How often storing is tried again, with pauses that begin with GATHER_MS and double: for about six seconds. */
const TRIES_MORE = 6

/** Stores what one attempt shows, in order and in batches. */
export interface ActivityLog {
  /** Resolves at once, or once there is room. */
  add(activity: Activity, at: number): Promise<void>
  /** Stores the rest. */
  close(): Promise<void>
}

/** Continues the numbering of the execution's earlier attempts. Asks for nothing until there is something to store. */
export function openActivityLog(
  parts: { query: Query; bus: Bus; log: Pick<Logger, 'warn'> },
  executionId: string,
  attempt: number,
): ActivityLog {
  const { query, bus, log } = parts
  /** Number of the last one that was stored. */
  let seq: number | undefined
  let gathered: object[] = []
  let storing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  /** Stores all that has gathered. A slow database has one statement at a time to do, however much is shown. */
  function store(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (gathered.length === 0 && !storing) return Promise.resolve()
    storing ??= storeAll().finally(() => (storing = undefined))
    return storing
  }

  async function storeAll(): Promise<void> {
    while (gathered.length > 0) {
      const rows = gathered
      gathered = []
      await insert(rows)
    }
  }

  async function insert(rows: readonly object[]): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        const first = (seq ??= await lastSeq()) + 1
        // An earlier try may have been stored though its answer got lost.
        await query(
          `INSERT INTO "Activity" SELECT r.* FROM jsonb_populate_recordset(NULL::"Activity", $1::jsonb) r
           ON CONFLICT DO NOTHING`,
          [JSON.stringify(rows.map((row, index) => ({ ...row, seq: first + index })))],
        )
        seq += rows.length
        return bus.ring(`activity:${executionId}`, seq)
      } catch (error) {
        if (isRefusal(error) || tries === TRIES_MORE) {
          // It may have been stored: what follows takes other numbers.
          if (seq !== undefined) seq += rows.length
          // What an agent shows is for people who watch; the work itself does not fail for it.
          return log.warn({ err: error, executionId, count: rows.length }, 'activities could not be stored')
        }
      }
      await pause(GATHER_MS * 2 ** tries)
    }
  }

  async function lastSeq(): Promise<number> {
    const [last] = await query<{ seq: number }>(
      `SELECT coalesce(max(seq), 0)::int AS seq FROM "Activity" WHERE "executionId" = $1`,
      [executionId],
    )
    return last?.seq ?? 0
  }

  return {
    async add({ kind, text, stream }, at) {
      gathered.push({ executionId, attempt, kind, stream, text: wellFormedText(text), at: new Date(at).toISOString() })
      timer ??= setTimeout(() => void store(), GATHER_MS)
      if (gathered.length >= GATHER_MAX) await store()
    },
    close: store,
  }
}
