import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Database } from './db.ts'
import type { Query } from './driver.ts'

/** The folder of this server's own migrations. */
export const MIGRATIONS: string = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))

export interface Migration {
  /** Name of its folder; the order of the names is the order of the migrations. */
  name: string
  sql: string
}

/** The migrations and the database do not fit together. The message says why, and what to do about it. */
export class MigrationRefused extends Error {
  override name = 'MigrationRefused'
}

/** The lock that Prisma's own `migrate` takes, so that neither works while the other does. */
const PRISMA_MIGRATE_LOCK = 72_707_369

/** Prisma's own table, column for column: `prisma migrate status` agrees with what is done here. */
const TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`

/**
 * Brings the database to the newest migration of the folder. Each migration is one transaction, so a failed one leaves
 * nothing behind; processes that do it at once wait for each other.
 *
 * @param folder prisma/migrations
 * @returns the names of those applied now, in order
 * @throws MigrationRefused when the database is newer, an applied migration was changed, one failed, or one fails now
 */
export async function migrate(
  database: Pick<Database, 'query' | 'transaction'>,
  folder: string,
): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(folder)
  const applied: string[] = []
  // An up-to-date database is the usual case: seen without a lock, since rows are only ever added.
  const [table] = await database.query<{ found: boolean }>(
    `SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS found`,
  )
  if (table?.found === true && pending(migrations, await history(database.query)).length === 0) return { applied }

  for (;;) {
    const name = await database.transaction(async (query, script) => {
      await query('SELECT pg_advisory_xact_lock($1)::text', [PRISMA_MIGRATE_LOCK])
      await query(TABLE)
      const [next] = pending(migrations, await history(query))
      if (next === undefined) return undefined
      const startedAt = new Date()
      await script(next.sql).catch((error: unknown) => {
        throw new MigrationRefused(
          `Migration ${next.name} failed and was rolled back: ${(error as Error).message}. ` +
            'The database is as it was before; if its tables were not made by this server, use an empty database.',
          { cause: error },
        )
      })
      await query(
        `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
         VALUES ($1, $2, $3, $4, now(), 1)`,
        [randomUUID(), checksum(next.sql), next.name, startedAt],
      )
      return next.name
    })
    if (name === undefined) return { applied }
    applied.push(name)
  }
}

/** The migrations of a folder, in the order in which they are applied. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.toSorted().map(async (name) => ({ name, sql: await readFile(join(folder, name, 'migration.sql'), 'utf8') })),
  )
}

/** As Prisma computes it: SHA-256 of the file. */
export const checksum = (sql: string): string => createHash('sha256').update(sql).digest('hex')

interface Applied {
  name: string
  checksum: string
  finished: boolean
}

const history = (query: Query): Promise<Applied[]> =>
  query<Applied>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM "_prisma_migrations" WHERE rolled_back_at IS NULL ORDER BY started_at, migration_name`,
  )

/** Those that the database lacks. Throws MigrationRefused when the two histories contradict each other. */
function pending(migrations: readonly Migration[], applied: readonly Applied[]): Migration[] {
  const failed = applied.find((row) => !row.finished)
  if (failed)
    throw new MigrationRefused(
      `Migration ${failed.name} began and never finished. Look at what it left in the database, then mark it with ` +
        `\`prisma migrate resolve --rolled-back ${failed.name}\` or restore a backup.`,
    )
  const byName = new Map(migrations.map((migration) => [migration.name, migration]))
  const unknown = applied.filter((row) => !byName.has(row.name)).map((row) => row.name)
  if (unknown.length > 0)
    throw new MigrationRefused(
      `The database is newer than this server: it has ${unknown.join(', ')}, which this server does not know. ` +
        'Start the newer version of the server, or restore a backup from before the upgrade.',
    )
  for (const row of applied) {
    const sql = byName.get(row.name)?.sql ?? ''
    // A checkout may have changed the line ends; that is no change.
    const asIs = [sql, sql.replaceAll('\r\n', '\n'), sql.replaceAll(/\r?\n/g, '\r\n')].map(checksum)
    if (!asIs.includes(row.checksum))
      throw new MigrationRefused(
        `Migration ${row.name} was changed after it had been applied. Restore the file as it was ` +
          'and put the change into a new migration (npm run migration -- <name>).',
      )
  }
  const done = new Set(applied.map((row) => row.name))
  return migrations.filter((migration) => !done.has(migration.name))
}
