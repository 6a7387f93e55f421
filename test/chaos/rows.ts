import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'

/** PostgreSQL that is away for longer does not come back, in milliseconds. */
const AWAY_MS = 30_000
const PAUSE_MS = 50

/** The database as it is looked at from outside of all servers. */
export interface Rows {
  /** Asks again while the database is away. */
  read<T extends object>(sql: string, params?: readonly unknown[]): Promise<T[]>
  close(): Promise<void>
}

/** @param url of the database itself, not through a proxy */
export function readRows(url: string): Rows {
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 5_000 })
  // Its connections end with the database, again and again.
  pool.on('error', () => {})
  return {
    async read<T extends object>(sql: string, params: readonly unknown[] = []) {
      for (const until = Date.now() + AWAY_MS; ; await pause(PAUSE_MS)) {
        try {
          return (await pool.query<T>(sql, [...params])).rows
        } catch (error) {
          // A class of SQLSTATE that is not about the connection or the server says that the question was wrong.
          const { code } = error as { code?: string }
          if (Date.now() > until || (code !== undefined && /^(22|23|42)/.test(code))) throw error
        }
      }
    },
    close: () => pool.end(),
  }
}
