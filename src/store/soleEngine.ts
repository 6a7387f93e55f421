import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { DatabaseUnavailable } from './driver.ts'

/** Any number will do, as long as nobody else locks it: "tutti" as bytes. */
const KEY = 0x74_75_74_74_69
/** How long between two tries to take the place again after the connection was lost, in milliseconds. */
const RETRY_MS = 1_000

/**
 * Makes this process the only one with an embedded engine on a database server, as the lock file does for an embedded
 * database: such an engine takes every unfinished session for its own. A lost connection is made anew.
 *
 * @param onTaken another server has taken the place while the connection was lost: this one must stop
 * @returns gives the place free
 * @throws DatabaseUnavailable if another server has it
 */
export async function becomeSoleEngine(
  url: string,
  log: Pick<Logger, 'warn'>,
  onTaken: () => void,
): Promise<() => Promise<void>> {
  let client: pg.Client
  let over = false

  async function take(): Promise<boolean> {
    client = new pg.Client({ connectionString: url, application_name: 'tutti engine', keepAlive: true })
    client.on('error', (error) => {
      if (over) return
      log.warn({ error: error.message }, 'the connection that keeps other servers off was lost')
      void takeAgain()
    })
    await client.connect()
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [KEY])
    if (!rows[0]?.held) await client.end()
    return rows[0]?.held === true
  }

  async function takeAgain(): Promise<void> {
    for (;;) {
      await pause(RETRY_MS)
      if (over) return
      const held = await take().catch(() => undefined)
      if (held === false) return onTaken()
      if (held) return
    }
  }

  if (!(await take())) {
    throw new DatabaseUnavailable(
      'Another Tutti server works on this database.\n' +
        'One database has one server: stop the other one, or set another DATABASE_URL.',
    )
  }
  return async () => {
    over = true
    await client.end().catch(() => {})
  }
}
