import pg from 'pg'
import { STEPS } from './contestant.ts'
import { joinOurs } from './contestants/ours.ts'
import { tell } from './answer.ts'

/** How far apart stored sessions began. */
const GAP_SECONDS = 30
/** Ids of what all sessions share. */
const SHARED = new Set(['projectId', 'agentId'])
/** What a row has that belongs to a session, however deep. */
const BELONGING = ['sessionId', 'executionId', 'taskId', 'parentId']

/** $1 clones, each of which began so many gaps before $2, in milliseconds; its ids begin with when that was. */
const CLONES = `generate_series($1::int, 1, -1) AS i, LATERAL (
  SELECT make_interval(secs => i * ${GAP_SECONDS}) AS ago,
    lpad(to_hex($2::bigint - i * ${GAP_SECONDS * 1_000}::bigint), 12, '0') AS hex
) AS at`
const SHIFTED = (id: string): string => `(left(at.hex, 8) || '-' || right(at.hex, 4) || substr(${id}::text, 14))::uuid`

/**
 * Fills a database with sessions that have ended: one is really done, of ten steps one after the other, and all that it
 * has left is cloned, each clone with ids and times of its own, 30 s before the one that follows it. So the rows are as
 * many and as wide as real ones, lie in the order in which they would have been written, and have no dead ones between
 * them; whatever tables there are.
 *
 * @param url of an empty database
 * @param executions how many there are afterwards
 */
export async function fill(url: string, executions: number): Promise<void> {
  const began = Date.now()
  const original = await joinOurs(url, () => {})
  await original.session('sequential')
  await original.close()
  const client = new pg.Client(url)
  await client.connect()
  try {
    // Foreign keys hold for clones of what they held for.
    await client.query(`SET session_replication_role = replica; SET synchronous_commit = off; SET timezone = 'UTC'`)
    for (const [table, columns] of await tablesOf(client)) {
      const from = performance.now()
      const names = columns.map(({ name }) => `"${name}"`).join(', ')
      const values = columns.map(({ name, type }) => valueOf(`t."${name}"`, name, type)).join(', ')
      const inserted = await client.query(
        `INSERT INTO "${table}" (${names}) SELECT ${values} FROM ${CLONES}, "${table}" t`,
        [Math.round(executions / STEPS) - 1, began],
      )
      const seconds = ((performance.now() - from) / 1_000).toFixed(1)
      if ((inserted.rowCount ?? 0) > 0) tell(`  ${table}: ${inserted.rowCount} rows in ${seconds} s`)
    }
    await client.query('VACUUM ANALYZE')
  } finally {
    await client.end()
  }
}

interface Column {
  name: string
  /** As PostgreSQL calls it: uuid, timestamptz, … */
  type: string
}

async function tablesOf(client: pg.Client): Promise<[string, Column[]][]> {
  const { rows } = await client.query<{ table: string; columns: Column[] }>(
    `SELECT table_name AS table, json_agg(json_build_object('name', column_name, 'type', udt_name)) AS columns
     FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
     GROUP BY table_name HAVING bool_or(column_name = ANY($1)) ORDER BY table_name`,
    [BELONGING],
  )
  return rows.map(({ table, columns }) => [table, columns])
}

/** What stands in a column of a clone. */
function valueOf(value: string, column: string, type: string): string {
  if (SHARED.has(column)) return value
  if (type === 'uuid') return SHIFTED(value)
  return type === 'timestamptz' ? `${value} - at.ago` : value
}
