import type { Logger } from 'pino'
import type { Bus } from '../bus.ts'
import { wellFormedText } from '../core/json.ts'
import type { Activity } from '../runtime.ts'
import type { Query } from './driver.ts'

/** How long an activity waits for others to be stored with it, in milliseconds. */
const GATHER_MS = 100
/** How many wait at most; then whoever adds one waits until they are stored: back-pressure. */
const GATHER_MAX = 500

/** Stores what one attempt shows, in order and in batches. */
export interface ActivityLog {
  /** Resolves at once, or once there is room. */
  add(activity: Activity, at: number): Promise<void>
  /** Stores the rest. */
  close(): Promise<void>
}

/** Continues the numbering of the execution's earlier attempts. */
export async function openActivityLog(
  parts: { query: Query; bus: Bus; log: Pick<Logger, 'warn'> },
  executionId: string,
  attempt: number,
): Promise<ActivityLog> {
  const { query, bus, log } = parts
  const [last] = await query<{ seq: number }>(
    `SELECT coalesce(max(seq), 0)::int AS seq FROM "Activity" WHERE "executionId" = $1`,
    [executionId],
  )
  let seq = last?.seq ?? 0
  let gathered: object[] = []
  let storing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  function store(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const rows = gathered
    gathered = []
    if (rows.length === 0) return storing
    const upTo = seq
    storing = storing.then(async () => {
      try {
        await query(`INSERT INTO "Activity" SELECT r.* FROM jsonb_populate_recordset(NULL::"Activity", $1::jsonb) r`, [
          JSON.stringify(rows),
        ])
        bus.ring(`activity:${executionId}`, upTo)
      } catch (error) {
        // What an agent shows is for people who watch; the work itself does not fail for it.
        log.warn({ err: error, executionId, count: rows.length }, 'activities could not be stored')
      }
    })
    return storing
  }

  return {
    async add({ kind, text, stream }, at) {
      seq += 1
      gathered.push({
        executionId,
        seq,
        attempt,
        kind,
        stream,
        text: wellFormedText(text),
        at: new Date(at).toISOString(),
      })
      timer ??= setTimeout(() => void store(), GATHER_MS)
      if (gathered.length >= GATHER_MAX) await store()
    },
    close: store,
  }
}
