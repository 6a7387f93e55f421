import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { DatabaseUnavailable } from './driver.ts'

/** Any number will do, as long as nobody else locks it: "tutti" as bytes. */
const KEY = 0x74_75_74_74_69
/** How long between two tries to take the place again after the connection was lost, in milliseconds. */
const RETRY_MS = 1_000
/** How long a connection may take to be made or to answer, in milliseconds. */
const CONNECT_MS = 10_000

/** Another server is on the database that does not share it, or this one does not. */
const OTHERS = {
  alone:
    'Another Tutti server works on this database.\n' +
    'Servers share a database if all of them have REDIS_URL too: set it, or stop the other one, or set another DATABASE_URL.',
  shared:
    'Another Tutti server has this database for itself, since it has no REDIS_URL.\n' +
    'Stop it, or start it again with REDIS_URL, or set another DATABASE_URL.',
}

/**
 * Makes this process the only one with an embedded engine on a database server, as the lock file does for an embedded
 * database: such an engine takes every unfinished session for its own. A lost connection is made anew.
 *
 * @param onTaken another server has taken the place while the connection was lost: this one must stop
 * @returns gives the place free
 * @throws DatabaseUnavailable if another server is on the database
 */
export function becomeSoleEngine(
  url: string,
  log: Pick<Logger, 'warn'>,
  onTaken: () => void,
): Promise<() => Promise<void>> {
  return takePlace('alone', url, log, onTaken)
}

/**
 * The same for a process that shares the database with others: it only keeps off those that would have it for themselves.
 */
export function keepSoleEnginesOff(
  url: string,
  log: Pick<Logger, 'warn'>,
  onTaken: () => void,
): Promise<() => Promise<void>> {
  return takePlace('shared', url, log, onTaken)
}

async function takePlace(
  kind: keyof typeof OTHERS,
  url: string,
  log: Pick<Logger, 'warn'>,
  onTaken: () => void,
): Promise<() => Promise<void>> {
  const lock = kind === 'alone' ? 'pg_try_advisory_lock' : 'pg_try_advisory_lock_shared'
  let holder: pg.Client | undefined
  let over = false

  /** Whether the place is ours now; without an answer the connection goes. */
  async function take(): Promise<boolean> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'tutti engine',
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      // The kernel asks every so often whether the other end is still there: nothing else is ever said.
      keepAliveInitialDelayMillis: CONNECT_MS,
      query_timeout: CONNECT_MS,
    })
    // One loss is told more than once, and a connection may also be lost on its way to the place.
    client.on('error', ({ message }) => {
      if (over || holder !== client) return
      holder = undefined
      log.warn({ error: message }, 'the connection that keeps other servers off was lost')
      client.end().catch(() => {})
      void takeAgain()
    })
    try {
      await client.connect()
      const { rows } = await client.query<{ held: boolean }>(`SELECT ${lock}($1) AS held`, [KEY])
      if (rows[0]?.held === true && !over) holder = client
    } finally {
      if (holder !== client) await client.end().catch(() => {})
    }
    return holder === client
  }

  async function takeAgain(): Promise<void> {
    for (;;) {
      await pause(RETRY_MS)
      if (over) return
      const held = await take().catch(() => undefined)
      if (over || held) return
      if (held === false) return onTaken()
    }
  }

  if (!(await take())) throw new DatabaseUnavailable(OTHERS[kind])
  return async () => {
    over = true
    await holder?.end().catch(() => {})
  }
}
