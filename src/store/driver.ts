import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'

/**
 * Runs one statement with positional parameters ($1, $2, …) and returns its rows.
 *
 * Parameters: JSON goes as a JSON string, an array is a PostgreSQL array, a Date is a point in time, undefined is NULL.
 * Results, the same on every driver: integers (int8 too) are numbers, numeric is a string, timestamps are Dates, a date
 * is 'YYYY-MM-DD', json is parsed, enums are strings. Cast arrays of enums to text[].
 */
export type Query = <Row = Record<string, unknown>>(sql: string, params?: readonly unknown[]) => Promise<Row[]>

/** Runs any number of statements without parameters; all of them take effect, or none. */
export type Script = (sql: string) => Promise<void>

/** A way to reach PostgreSQL: inside the process (drivers/pglite) or on a server (drivers/server). */
export interface Driver {
  readonly kind: 'pglite' | 'postgres'
  /** Straight on the driver, for hot paths; everything else reads through Prisma. */
  readonly query: Query
  /**
   * The same for statements that find every row by its key, one after the other: they are planned once, and never by
   * reading a whole table, however small it was when they were first sent.
   */
  readonly lookup: Query
  readonly script: Script
  /**
   * One transaction: commits what `run` did, or rolls back and rethrows what it threw. Inside of it use only the two
   * arguments: PGlite has one connection, and waiting there for anything outside never ends.
   */
  transaction<T>(run: (query: Query, script: Script) => Promise<T>): Promise<T>
  /** For Prisma. */
  readonly adapter: SqlDriverAdapterFactory
  close(): Promise<void>
}

/** The database cannot be used as it is configured. The message says why, and what to do about it. */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable'
}
