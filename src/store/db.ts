import { join } from 'node:path'
import type { Logger } from 'pino'
import { PrismaClient } from '../generated/prisma/client.ts'
import type { Driver } from './driver.ts'
import { openPglite } from './drivers/pglite.ts'
import { openServer } from './drivers/server.ts'

export interface DatabaseOptions {
  /** Address of a PostgreSQL server; without one the database is embedded. */
  url?: string | undefined
  /** The server's data directory; the embedded database lies in `pglite` below it. 'memory' keeps nothing. */
  dataDir?: string | undefined
  /** Folder of a migrated embedded database that a new one begins as; see template.ts. */
  template?: string | undefined
  /** Connections to a server at most; 10 unless told. */
  poolSize?: number | undefined
  log?: Pick<Logger, 'warn'> | undefined
}

/** The one truth: Prisma for reads, `query` and `transaction` for what must be fast or atomic. */
export interface Database extends Omit<Driver, 'adapter'> {
  readonly prisma: PrismaClient
}

/** How long Prisma waits for a connection, and how long its transactions may take, in milliseconds. */
const PRISMA_TRANSACTIONS = { maxWait: 10_000, timeout: 30_000 }

/**
 * Opens the database; `migrate` comes next.
 *
 * @throws DatabaseUnavailable with what to do about it
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { adapter, ...driver } =
    options.url === undefined
      ? await openPglite({ folder: embeddedFolder(options.dataDir ?? 'memory'), template: options.template })
      : await openServer({ url: options.url, poolSize: options.poolSize, log: options.log })
  const prisma = new PrismaClient({ adapter, errorFormat: 'minimal', transactionOptions: PRISMA_TRANSACTIONS })
  let closing: Promise<void> | undefined
  return {
    ...driver,
    prisma,
    close() {
      closing ??= prisma.$disconnect().then(driver.close)
      return closing
    },
  }
}

/** Where in the data directory the embedded database lies. */
export const embeddedFolder = (dataDir: string): string => (dataDir === 'memory' ? dataDir : join(dataDir, 'pglite'))
