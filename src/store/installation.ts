import { createHash } from 'node:crypto'
import type { Query } from './driver.ts'

/**
 * Tells this database from every other one, also from a copy on the same PostgreSQL server: eight characters. What
 * servers keep in a Redis that several installations share goes under this name. Call it after `migrate`.
 */
export async function installationOf(query: Query): Promise<string> {
  const [row] = await query<{ name: string }>(
    // Of the first migration: those that follow must not give it another name.
    `SELECT d.oid || ' ' || (SELECT id FROM "_prisma_migrations" ORDER BY migration_name, started_at, id LIMIT 1) AS name
     FROM pg_database d WHERE datname = current_database()`,
  )
  return createHash('sha256')
    .update(row?.name ?? '')
    .digest('hex')
    .slice(0, 8)
}
