import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { openDatabase, type Database } from '../../src/store/db.ts'
import { freshPostgres } from '../database.ts'
import { inside, ok } from '../coordinator/inside.ts'
import { openHouse } from '../house.ts'
import { startProxy, type Proxy } from '../servers/proxy.ts'
import { POSTGRES_TEMPLATE } from '../services.ts'

/** A database reached through a proxy, whose connections may be silent for a second. */
async function setUp(): Promise<{ database: Database; direct: Database; proxy: Proxy }> {
  const url = new URL(await freshPostgres(POSTGRES_TEMPLATE))
  const direct = await openDatabase({ url: url.href })
  onTestFinished(() => direct.close())
  const proxy = await startProxy(Number(url.port))
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  url.searchParams.set('socket_timeout', '1')
  const database = await openDatabase({ url: url.href })
  onTestFinished(() => database.close())
  return { database, direct, proxy }
}

describe.skipIf(inject('postgresUrl') === undefined)('a connection to PostgreSQL that breaks without a word', () => {
  const agent = inside()

  it('fails the statement that waits for it, on each way, and none that comes later', async () => {
    const { database, proxy } = await setUp()
    for (const ask of [
      () => database.query('SELECT $1::int', [1]),
      () => database.transaction((query) => query('SELECT 1')),
      () => database.prisma.$queryRaw`SELECT 1`,
      () => database.prisma.$transaction(async (tx) => tx.$queryRaw`SELECT 1`),
    ]) {
      const begin = performance.now()
      await ask()
      // The connection that was used is the one that is used again, at once: nothing can be answered in between.
      proxy.freeze()
      await expect(ask()).rejects.toThrow(/silent|connection|Connection|closed/)
      expect(performance.now() - begin).toBeLessThan(10_000)
      expect(await database.query('SELECT 1 AS n')).toEqual([{ n: 1 }])
      expect(await database.prisma.project.count()).toBe(0)
    }
  })

  it('holds no locks: the server ends a transaction that its client has lost', async () => {
    const { database, direct, proxy } = await setUp()
    const id = crypto.randomUUID()
    await direct.prisma.project.create({ data: { id, name: 'one', workspace: '/' } })
    const rename = (name: string, then: () => unknown) =>
      database.transaction(async (query) => {
        await query('UPDATE "Project" SET name = $2 WHERE id = $1', [id, name])
        await then()
        await query('SELECT 1')
      })
    await expect(rename('lost', () => proxy.freeze())).rejects.toThrow()
    await expect
      .poll(
        () =>
          rename('kept', () => {}).then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true)
    expect((await direct.prisma.project.findUniqueOrThrow({ where: { id } })).name).toBe('kept')
  })

  it('may be silent for longer while a script runs, and never counts as silent while rows come', async () => {
    const { database } = await setUp()
    await database.script('SELECT pg_sleep(1.5)')
    const sql = "SELECT pg_sleep(0.01), repeat('x', 8000) FROM generate_series(1, 200)"
    expect(await database.query(sql)).toHaveLength(200)
  })

  it('does not keep sessions: they go on, and nothing is done twice', async () => {
    const { database, direct, proxy } = await setUp()
    const house = await openHouse({ store: 'postgres', bus: 'memory' }, { database, runtime: agent })
    onTestFinished(() => house.close())
    agent.begun.length = 0
    const working = Promise.withResolvers<void>()
    agent.script = async function* ({ key }) {
      yield { kind: 'OUTPUT', text: `working on ${key}` }
      working.resolve()
      await pause(200)
      return ok()
    }
    const parts = ['a', 'b', 'c'].map((key) => ({ key, capabilities: ['inside'] }))
    const starts = Array.from({ length: 5 }, () => house.start(parts, { pattern: 'SEQUENTIAL' }))
    await Promise.all(starts)
    await working.promise
    proxy.freeze()
    const succeeded = () => direct.prisma.session.count({ where: { status: 'SUCCEEDED' } })
    await expect.poll(succeeded, { timeout: 60_000 }).toBe(5)
    expect(agent.begun.toSorted()).toEqual(parts.flatMap(({ key }) => Array.from({ length: 5 }, () => `${key} 1`)))
  })
})
