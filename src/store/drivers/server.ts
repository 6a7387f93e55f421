import type { Socket } from 'node:net'
import pg from 'pg'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Logger } from 'pino'
import { DatabaseUnavailable, type Driver, type Query, type Script } from '../driver.ts'
import { encode, PARSERS } from '../values.ts'

export interface ServerOptions {
  /** postgresql://user:password@host:port/database. `?schema=` picks a schema; `?pgbouncer=true` means that statements
   * cannot be prepared; `?connect_timeout=` and `?socket_timeout=` are in seconds. */
  url: string
  /** Connections at most. */
  poolSize?: number | undefined
  log?: Pick<Logger, 'warn'> | undefined
}

/** How long to wait for a connection, in milliseconds, unless `?connect_timeout=` says it in seconds. */
const CONNECT_MS = 10_000
/**
 * How long a connection may be silent while something is awaited from it, in milliseconds, unless `?socket_timeout=` says
 * it in seconds. What breaks a connection without telling (a pulled cable, a firewall that forgets) is only found out
 * so. No single statement of ours is silent for a tenth of this, and a large result is not silent.
 *
 * The server ends a transaction that waits for its client as long, so that a lost one holds no locks.
 */
const SILENCE_MS = 60_000
/** How many times as long the server works on a statement: the rest of one that got lost on the way holds locks, too. */
const STATEMENT_FACTOR = 5
/** The same while a script runs: a migration may build an index of a large table for long without a word. */
const SCRIPT_SILENCE_MS = 3_600_000
/** How long a connection that nobody uses is kept, in milliseconds. */
const IDLE_MS = 10_000
/** After how much quiet the kernel asks whether the other end is still there, in milliseconds. */
const KEEP_ALIVE_MS = 10_000
/** Prepared statements per connection; texts beyond that are sent unprepared, so that a server's memory stays bounded. */
const PREPARED_AT_MOST = 300

/** Connections for statements that find every row by its key: who sends more at once gathers them. */
const LOOKUPS = 2

/** A table that was small when a statement was planned need not be so when it is sent again. */
const BY_KEY = ['SET enable_seqscan = off', 'SET enable_mergejoin = off', 'SET plan_cache_mode = force_generic_plan']

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format === undefined || format === 'text' ? PARSERS[oid] : undefined) ?? pg.types.getTypeParser(oid, format),
} as pg.CustomTypesConfig

/**
 * Connects to a PostgreSQL server and proves that it answers.
 *
 * @throws DatabaseUnavailable when the server cannot be reached or refuses
 */
export async function openServer(options: ServerOptions): Promise<Driver> {
  const url = parseUrl(options.url)
  const schema = url.searchParams.get('schema') ?? undefined
  const name = url.searchParams.get('pgbouncer') === 'true' ? () => undefined : namer()
  const silenceMs = Number(url.searchParams.get('socket_timeout') ?? 0) * 1_000 || SILENCE_MS
  const limit = `SET statement_timeout = ${silenceMs * STATEMENT_FACTOR}`

  const poolOf = (max: number, more: readonly string[]): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: url.href,
      application_name: 'tutti',
      max,
      connectionTimeoutMillis: Number(url.searchParams.get('connect_timeout') ?? 0) * 1_000 || CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      // Idle connections go before they count as silent.
      idleTimeoutMillis: Math.min(IDLE_MS, silenceMs / 2),
      onConnect: async (client) => {
        breakWhenSilent(socketOf(client), silenceMs)
        // Prisma's adapter reads and writes timestamps without their offset.
        const settings = ["SET TIME ZONE 'UTC'", `SET idle_in_transaction_session_timeout = ${silenceMs}`, limit]
        if (schema !== undefined) settings.push(`SET search_path TO ${pg.escapeIdentifier(schema)}`)
        await client.query([...settings, ...more].join('; '))
      },
    })
    // Without a listener the loss of an idle connection would end the process; the pool replaces it by itself.
    pool.on('error', ({ message }) => options.log?.warn({ error: message }, 'a connection to PostgreSQL was lost'))
    pool.on('connect', (client) => client.on('error', () => {}))
    return pool
  }
  const pool = poolOf(options.poolSize ?? 10, [])
  const lookups = poolOf(LOOKUPS, BY_KEY)

  try {
    if (schema !== undefined) await pool.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`)
    await pool.query('SELECT 1')
  } catch (error) {
    await pool.end()
    throw explain(error, url)
  }

  const queryOn =
    (target: pg.Pool | pg.PoolClient): Query =>
    async <Row>(sql: string, params: readonly unknown[] = []) => {
      const prepared = params.length > 0 ? name(sql) : undefined
      const result = await target.query({
        text: sql,
        values: params.map(encode),
        types,
        ...(prepared === undefined ? {} : { name: prepared }),
      })
      return result.rows as Row[]
    }
  const scriptOn =
    (client: pg.PoolClient): Script =>
    async (sql) => {
      const socket = socketOf(client)
      socket.setTimeout(SCRIPT_SILENCE_MS)
      try {
        await client.query(`SET statement_timeout = ${SCRIPT_SILENCE_MS}`)
        await client.query(sql)
      } finally {
        // A failed transaction does not take it, and forgets the other one when it is rolled back.
        await client.query(limit).catch(() => {})
        socket.setTimeout(silenceMs)
      }
    }

  return {
    kind: 'postgres',
    query: queryOn(pool),
    lookup: queryOn(lookups),
    async script(sql) {
      const client = await pool.connect()
      try {
        await scriptOn(client)(sql)
      } finally {
        client.release()
      }
    },
    async transaction(run) {
      const client = await pool.connect()
      let broken: Error | undefined
      try {
        await client.query('BEGIN')
        const result = await run(queryOn(client), scriptOn(client))
        await client.query('COMMIT')
        return result
      } catch (error) {
        await client.query('ROLLBACK').catch((lostError: Error) => (broken = lostError))
        throw error
      } finally {
        client.release(broken)
      }
    },
    adapter: new PrismaPg(pool, {
      ...(schema === undefined ? {} : { schema }),
      // An undefined name is an unprepared statement; the type does not say so.
      statementNameGenerator: (query) => name(query.sql) as string,
    }),
    close: async () => void (await Promise.all([pool.end(), lookups.end()])),
  }
}

const socketOf = (client: pg.ClientBase): Socket =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream

/** Whoever waits for an answer then learns that it is in vain, whether through the pool, a transaction or Prisma. */
function breakWhenSilent(socket: Socket, silenceMs: number): void {
  socket.setTimeout(silenceMs, () => {
    socket.destroy(new Error(`the connection was silent for ${(socket.timeout ?? silenceMs) / 1_000} s`))
  })
}

/** Gives each statement's text a name, the same in every connection, until there are too many of them. */
function namer(): (sql: string) => string | undefined {
  const names = new Map<string, string>()
  return (sql) => {
    const known = names.get(sql)
    if (known !== undefined || names.size >= PREPARED_AT_MOST) return known
    const fresh = `tutti_${names.size + 1}`
    names.set(sql, fresh)
    return fresh
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['postgresql:', 'postgres:'].includes(url.protocol))
    throw new DatabaseUnavailable(
      'DATABASE_URL is not the address of a PostgreSQL server: write postgresql://user:password@host:5432/database ' +
        '(with special characters of the password percent-encoded), or leave it out to use the embedded database.',
    )
  return url
}

/** Says in a person's words why the server cannot be used. Never contains the password. */
function explain(error: unknown, url: URL): DatabaseUnavailable {
  const { code, message } = error as { code?: string; message: string }
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname)
  const port = url.port === '' ? '5432' : url.port
  const server = `PostgreSQL at ${host === '' ? 'localhost' : host}, port ${port}`
  const user = decodeURIComponent(url.username)
  const database = decodeURIComponent(url.pathname.slice(1))
  const say = (text: string) => new DatabaseUnavailable(text, { cause: error })

  switch (code) {
    case '28P01':
    case '28000':
      return say(
        `${server} refused user "${user}": ${message}. Check the user and password in DATABASE_URL ` +
          "(special characters must be percent-encoded) and the server's pg_hba.conf.",
      )
    case '3D000':
      return say(
        `${server} has no database "${database}". Create it (CREATE DATABASE "${database}") or name another one in DATABASE_URL.`,
      )
    case '42501':
      return say(
        `${server} does not let user "${user}" use the database "${database}": ${message}. Grant it the rights.`,
      )
    case '53300':
      return say(`${server} has no free connection: ${message}. Raise its max_connections or lower DATABASE_POOL_SIZE.`)
    case '57P03':
      return say(`${server} is not ready: ${message}. Wait until it has started, then try again.`)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say(`${server} cannot be found: the name "${host}" does not resolve. Check the host in DATABASE_URL.`)
    case 'ECONNREFUSED':
      return say(`Nothing listens for ${server}. Check that the server runs, and the host and port in DATABASE_URL.`)
    default:
      if (code?.startsWith('E') || /timeout|terminated|was silent|ENOENT/.test(message))
        return say(
          `${server} cannot be reached: ${message}. Check that the server runs, the host and port in DATABASE_URL, ` +
            'and that no firewall stands between.',
        )
      return say(`${server} cannot be used: ${message}. Check DATABASE_URL and the server's log.`)
  }
}
