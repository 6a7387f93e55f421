import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { openDatabase, type Database } from '../../src/store/db.ts'
import { DatabaseUnavailable } from '../../src/store/driver.ts'
import { migrate, MIGRATIONS } from '../../src/store/migrate.ts'
import { freshDatabase, freshPostgres } from '../database.ts'
import { POSTGRES_TEMPLATE } from '../services.ts'
import { sparePort } from '../servers/process.ts'

const server = inject('postgresUrl')
const changed = (change: (url: URL) => void) => {
  const url = new URL(server ?? '')
  change(url)
  return url.href
}
const open = async (options: Parameters<typeof openDatabase>[0]): Promise<Database> => {
  const database = await openDatabase(options)
  onTestFinished(() => database.close())
  return database
}

describe.skipIf(server === undefined)('a PostgreSQL server that cannot be used', () => {
  const refusal = async (url: string) => {
    const error = await openDatabase({ url }).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    )
    expect(error).toBeInstanceOf(DatabaseUnavailable)
    expect(`${error?.message} ${error?.stack}`).not.toMatch(/secret/)
    return error?.message
  }

  it('because nothing listens there is reported with host, port and what to check', async () => {
    const port = await sparePort()
    const message = await refusal(changed((url) => (url.port = String(port))))
    expect(message).toMatch(new RegExp(`Nothing listens.*127\\.0\\.0\\.1, port ${port}.*DATABASE_URL`))
  })

  it('because its name does not resolve is reported with the name', async () => {
    const message = await refusal('postgresql://tutti:secret@no-such-host.invalid/tutti')
    expect(message).toMatch(/no-such-host\.invalid, port 5432.*does not resolve/)
  })

  it('because the password is wrong is reported with the user', async () => {
    const message = await refusal(changed((url) => (url.password = 'secrets')))
    expect(message).toMatch(/refused user "tutti".*percent-encoded/)
  })

  it('because the database does not exist is reported with its name', async () => {
    const message = await refusal(changed((url) => (url.pathname = '/missing')))
    expect(message).toMatch(/has no database "missing".*CREATE DATABASE "missing"/)
  })

  it('because something else answers at its port is reported', async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const { port } = other.address() as AddressInfo
    expect(await refusal(changed((url) => (url.port = String(port))))).toMatch(/cannot be/)
  })

  it.each(['tutti', 'mysql://root@localhost/tutti', 'postgresql//tutti'])(
    'because %s is no address of one is reported with an example',
    async (url) => {
      expect(await refusal(url)).toMatch(/postgresql:\/\/user:password@host:5432\/database/)
    },
  )
})

describe.skipIf(server === undefined)('a PostgreSQL server', () => {
  it('that drops its connections costs the statements under way, and nothing after them', async () => {
    const warnings: string[] = []
    const log = { warn: (_: object, message: string) => void warnings.push(message) } as never
    const url = await freshPostgres(POSTGRES_TEMPLATE)
    const database = await open({ url, poolSize: 4, log })
    const admin = await open({ url, poolSize: 1 })
    const dropOthers = () =>
      admin.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )

    await Promise.all([database.query('SELECT 1'), database.query('SELECT 2'), database.prisma.project.count()])
    const dropped = await dropOthers()
    expect(dropped.length).toBeGreaterThan(0)
    await expect.poll(() => warnings).toEqual(dropped.map(() => 'a connection to PostgreSQL was lost'))
    expect(await database.query('SELECT 3 AS n')).toEqual([{ n: 3 }])

    const cut = database.transaction(async (query) => {
      await query('SELECT 1')
      await dropOthers()
      await query('SELECT 2')
    })
    await expect(cut).rejects.toThrow()
    expect(await database.transaction((query) => query('SELECT 4 AS n'))).toEqual([{ n: 4 }])
    expect(await database.prisma.project.count()).toBe(0)
  })

  it('that stops answering is waited for only so long', async () => {
    const sockets: Socket[] = []
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    const { port } = silent.address() as AddressInfo
    const url = changed((address) => (address.port = String(port)))
    await expect(openDatabase({ url: `${url}?connect_timeout=1` })).rejects.toThrow(/cannot be reached/)
  })

  it('prepares each statement once for a connection, and not without end', async () => {
    const database = await open({ url: await freshPostgres(POSTGRES_TEMPLATE), poolSize: 1 })
    const prepared = async () =>
      (await database.query<{ count: number }>('SELECT count(*) FROM pg_prepared_statements'))[0]?.count
    for (const n of [1, 2, 3]) await database.query('SELECT $1::int', [n])
    expect(await prepared()).toBe(1)
    for (let n = 0; n < 400; n += 1) await database.query(`SELECT $1::int AS n${n}`, [n])
    expect(await prepared()).toBe(300)
    expect(await database.query('SELECT $1::int AS more', [1])).toEqual([{ more: 1 }])
  })

  it('behind PgBouncer is never asked to prepare a statement', async () => {
    const url = `${await freshPostgres(POSTGRES_TEMPLATE)}?pgbouncer=true`
    const database = await open({ url, poolSize: 1 })
    await database.query('SELECT $1::int', [1])
    await database.prisma.project.findMany({ where: { name: 'x' } })
    expect(await database.query('SELECT count(*) FROM pg_prepared_statements')).toEqual([{ count: 0 }])
  })

  it('can be used in a schema of its own', async () => {
    const url = await freshPostgres('template0')
    const database = await open({ url: `${url}?schema=orchestra` })
    await migrate(database, MIGRATIONS)
    await database.prisma.project.create({ data: { id: crypto.randomUUID(), name: 'one', workspace: '/' } })
    const whole = await open({ url })
    expect(await whole.query('SELECT name FROM orchestra."Project"')).toEqual([{ name: 'one' }])
    expect(await whole.query("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")).toEqual([
      { count: 0 },
    ])
  })

  it('is migrated once by six processes that start at once', async () => {
    const url = await freshPostgres('template0')
    const program = fileURLToPath(new URL('../fixtures/migrate.ts', import.meta.url))
    const processes = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const child = spawn(process.execPath, [program, url, MIGRATIONS], { stdio: ['pipe', 'pipe', 'inherit'] })
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
        await lines.next()
        return { child, lines, ended: once(child, 'exit') }
      }),
    )
    for (const { child } of processes) child.stdin.write('go\n')
    const answers = await Promise.all(processes.map(async ({ lines }) => (await lines.next()).value as string))
    const exits = await Promise.all(processes.map(async ({ ended }) => (await ended)[0] as number))
    expect(exits).toEqual([0, 0, 0, 0, 0, 0])
    const names = answers.flatMap((answer) => JSON.parse(answer) as string[])
    const database = await open({ url })
    const books = await database.query('SELECT migration_name AS name FROM _prisma_migrations ORDER BY 1')
    expect(books.map((row) => row['name'])).toEqual(names.toSorted())
    expect(new Set(names).size).toBe(names.length)
  })

  it('hands each test file a database within a moment', async () => {
    const start = performance.now()
    await freshDatabase('postgres')
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})
