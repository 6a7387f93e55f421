import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { openDatabase, type Database } from '../../src/store/db.ts'
import { migrate, MIGRATIONS } from '../../src/store/migrate.ts'
import { inside, ok } from '../coordinator/inside.ts'
import { type House, openHouse } from '../house.ts'
import { findPostgres, type Postgres, startPostgres } from '../servers/postgres.ts'

describe.skipIf(inject('postgresUrl') === undefined)('sessions on a PostgreSQL server', () => {
  const agent = inside()

  async function setUp(poolSize?: number): Promise<{ server: Postgres; database: Database; house: House }> {
    const server = await startPostgres(findPostgres() as string)
    onTestFinished(() => server.stop())
    const database = await openDatabase({ url: server.url, poolSize })
    onTestFinished(() => database.close())
    await migrate(database, MIGRATIONS)
    const house = await openHouse({ store: 'postgres', bus: 'memory' }, { database, runtime: agent })
    onTestFinished(() => house.close())
    agent.begun.length = 0
    return { server, database, house }
  }
  const part = { capabilities: ['inside'] }
  const parts = ['a', 'b', 'c'].map((key) => ({ ...part, key }))

  /** All sessions have SUCCEEDED, and no attempt was lost or made twice. */
  async function allDone(database: Database, sessions: number): Promise<void> {
    const count = (status?: 'SUCCEEDED') =>
      database.prisma.session.count(status && { where: { status } }).catch(() => undefined)
    await expect.poll(() => count('SUCCEEDED'), { timeout: 20_000 }).toBe(sessions)
    expect(agent.begun.toSorted()).toEqual(
      parts.flatMap(({ key }) => Array.from({ length: sessions }, () => `${key} 1`)),
    )
    const [gaps] = await database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM "Session" s WHERE s.seq <> (SELECT sum(j.last - j.first + 1) FROM "Journal" j WHERE j."sessionId" = s.id)`,
    )
    expect(gaps?.n).toBe(0)
  }

  it('go on after restarts of it, without a restart of ours, and do nothing twice', async () => {
    const { server, database, house } = await setUp()
    let working = 0
    agent.script = async function* ({ key }) {
      working += 1
      yield { kind: 'OUTPUT', text: `working on ${key}` }
      await pause(400)
      working -= 1
      return ok()
    }
    await Promise.all(Array.from({ length: 10 }, () => house.start(parts, { pattern: 'SEQUENTIAL' })))
    for (let restarts = 0; restarts < 3; restarts++) {
      await expect.poll(() => working, { timeout: 10_000, interval: 5 }).toBeGreaterThan(0)
      await server.restart()
    }
    await allDone(database, 10)
    const shown = await database.prisma.activity.count()
    expect(shown).toBe(30)
  })

  it('go on while others take all connections for a while', async () => {
    const { database, house } = await setUp(3)
    agent.script = () => ok()
    const released = Promise.withResolvers<void>()
    const taken = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
    const others = taken.map(({ resolve }) =>
      database.transaction(async (query) => {
        await query('SELECT 1')
        resolve()
        await released.promise
      }),
    )
    await Promise.all(taken.map(({ promise }) => promise))
    const started = Promise.all(Array.from({ length: 30 }, () => house.start(parts, { pattern: 'SEQUENTIAL' })))
    await pause(500)
    released.resolve()
    await Promise.all([...others, started])
    await allDone(database, 30)
  })
})
