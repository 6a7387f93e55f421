import type { Query } from './driver.ts'

/** What was refused, or done with a right that only few have. Never holds a secret. */
export interface AuditRow {
  id: string
  at: Date
  /** The last one, where it stands for many. */
  lastAt: Date
  /** How often it happened. */
  count: number
  /** Whose log it belongs to; null: that of whoever may see all projects. */
  projectId: string | null
  outcome: 'DONE' | 'REFUSED'
  /** Name of the mutation, or what was asked for. */
  act: string
  /** Why it was refused. */
  code: string | null
  /** Null: nobody that is known. */
  viewer: string | null
  tokenId: string | null
  /** Address that it came from. */
  peer: string
  /** Global id of what it was about. */
  subject: string | null
  detail: string | null
  requestId: string | null
}

/** Writes entries; one that is there already goes on counting. */
export async function writeAudit(query: Query, rows: readonly AuditRow[]): Promise<void> {
  await query(
    `INSERT INTO "AuditEntry" SELECT * FROM json_populate_recordset(NULL::"AuditEntry", $1::json)
     ON CONFLICT (id) DO UPDATE SET count = excluded.count, "lastAt" = excluded."lastAt"`,
    [JSON.stringify(rows)],
  )
}

/** Entries that one statement removes. */
const ROWS_AT_ONCE = 2_000

/**
 * Removes entries that are older, in small pieces.
 *
 * @param goOn asked after each piece; it may take its time
 * @returns how many
 */
export async function removeAudit(query: Query, before: Date, goOn: () => Promise<boolean>): Promise<number> {
  for (let count = 0; ;) {
    const gone = await query(
      `DELETE FROM "AuditEntry" WHERE id IN (SELECT id FROM "AuditEntry" WHERE at < $1 ORDER BY at, id LIMIT ${ROWS_AT_ONCE})
       RETURNING id`,
      [before],
    )
    count += gone.length
    if (gone.length < ROWS_AT_ONCE || !(await goOn())) return count
  }
}
