import pg from 'pg'
import pino from 'pino'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { becomeSoleEngine } from '../../src/store/soleEngine.ts'
import { freshPostgres } from '../database.ts'
import { findPostgres, startPostgres } from '../servers/postgres.ts'

const log = pino({ level: 'silent' })
const HELD = `SELECT count(*)::int AS n FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE locktype = 'advisory' AND granted AND a.application_name = 'tutti engine'`
const CONNECTED = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'tutti engine'`

/** A number from the server, 0 while it cannot be reached. */
async function ask(url: string, sql: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ n: number }>(sql)
    return rows[0]?.n ?? 0
  } catch {
    return 0
  } finally {
    await client.end().catch(() => {})
  }
}

describe.skipIf(inject('postgresUrl') === undefined)('the only engine on a PostgreSQL server', () => {
  it('keeps others off', async () => {
    const url = await freshPostgres('template0')
    const release = await becomeSoleEngine(url, log, () => {})
    await expect(becomeSoleEngine(url, log, () => {})).rejects.toThrow('Another Tutti server')
    await release()
    await (
      await becomeSoleEngine(url, log, () => {})
    )()
  })

  it('leaves no connection behind when it was kept off', async () => {
    const url = await freshPostgres('template0')
    const release = await becomeSoleEngine(url, log, () => {})
    await expect(becomeSoleEngine(url, log, () => {})).rejects.toThrow('Another Tutti server')
    const mine = `${CONNECTED} AND datname = current_database()`
    await expect.poll(() => ask(url, mine)).toBe(1)
    await release()
  })

  it('has its place again after a restart of the server, with one connection, and does not take itself for another', async () => {
    const bin = findPostgres() as string
    const server = await startPostgres(bin)
    onTestFinished(() => server.stop())
    let taken = 0
    const release = await becomeSoleEngine(server.url, log, () => taken++)
    for (let restarts = 0; restarts < 3; restarts++) {
      await server.restart()
      await expect.poll(() => ask(server.url, HELD), { timeout: 10_000 }).toBe(1)
      // Whoever tries to take a place twice tries so a second after a loss.
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect([taken, await ask(server.url, CONNECTED)]).toEqual([0, 1])
    }
    await release()
  })

  it('says so when another one has taken its place meanwhile', async () => {
    const url = await freshPostgres('template0')
    const taken = Promise.withResolvers<void>()
    const release = await becomeSoleEngine(url, log, taken.resolve)
    const end = `SELECT count(pg_terminate_backend(pid))::int AS n FROM pg_stat_activity
      WHERE application_name = 'tutti engine' AND datname = current_database()`
    expect(await ask(url, end)).toBe(1)
    const other = await becomeSoleEngine(url, log, () => {})
    await taken.promise
    await other()
    await release()
  })
})
