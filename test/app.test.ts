import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { type App, createApp } from '../src/app.ts'
import { type Config, readConfig } from '../src/config.ts'
import { openDatabase } from '../src/store/db.ts'
import { DATABASES, freshPostgres } from './database.ts'
import { POSTGRES_TEMPLATE } from './services.ts'

const log = pino({ level: 'silent' })

describe.each(DATABASES)('a server as it is wired, on %s', (kind) => {
  const apps: App[] = []
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close()
  })

  async function configure(change: Partial<Config> = {}): Promise<Config> {
    const dataDir = mkdtempSync(join(tmpdir(), 'tutti-app-'))
    const config = await readConfig({ TUTTI_PORT: '0', TUTTI_DATA_DIR: dataDir, PATH: process.env['PATH'] }, dataDir)
    return {
      ...config,
      ...(kind === 'postgres' && { databaseUrl: await freshPostgres(POSTGRES_TEMPLATE) }),
      ...change,
    }
  }
  async function start(config: Config): Promise<App> {
    const app = await createApp(config, log)
    apps.push(app)
    return app
  }
  async function agents(app: App): Promise<{ name: string; status: string; version: number; reason?: string }[]> {
    const query = '{ agents(first: 100) { nodes { name status statusReason: reason version } } }'
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })
    const { data } = (await response.json()) as { data: { agents: { nodes: { name: string }[] } } }
    return data.agents.nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1)) as never
  }

  const mine: Config['agents'] = [
    { name: 'mine', type: 'GENERAL', description: '', capabilities: ['x'], command: 'mine', slots: 1 },
  ]

  it('registers the agents that come with it and those of the configuration, and archives those that have gone', async () => {
    const commands: Config['commands'] = { mine: { argv: ['true'] } }
    const config = await configure({ commands, agents: mine })
    const first = await start(config)
    const names = ['analysis', 'codegen', 'deployment', 'documentation', 'mine', 'report', 'review', 'testing']
    expect((await agents(first)).map(({ name, status, version }) => [name, status, version])).toEqual(
      names.map((name) => [name, 'ONLINE', 1]),
    )
    await first.close()
    const second = await start({ ...config, commands: {}, agents: [] })
    expect((await agents(second)).map(({ name }) => name)).not.toContain('mine')
  })

  it('says that an agent is OFFLINE, and why, when its program is not there', async () => {
    const commands: Config['commands'] = { mine: { argv: ['no-such-program'] } }
    const app = await start(await configure({ commands, agents: mine, builtinAgents: false }))
    expect(await agents(app)).toMatchObject([
      { name: 'mine', status: 'OFFLINE', statusReason: expect.stringContaining('no-such-program') },
    ])
  })

  it('has its database for itself: a second server is told so, and can come once the first has gone', async () => {
    const config = await configure()
    const first = await start(config)
    const dataDir = kind === 'postgres' ? mkdtempSync(join(tmpdir(), 'tutti-app-')) : config.dataDir
    const second = { ...config, dataDir }
    await expect(start(second)).rejects.toThrow(kind === 'postgres' ? 'Another Tutti server' : first.url)
    await first.close()
    expect((await start(second)).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  it('does not start on a database that is newer than it, says what to do, and leaves it to others', async () => {
    const config = await configure()
    const { databaseUrl: url, dataDir } = config
    await (await start(config)).close()
    const database = await openDatabase({ url, dataDir })
    const tomorrow = [crypto.randomUUID(), 'hash', '29990101000000_tomorrow']
    await database.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at) VALUES ($1, $2, $3, now())`,
      tomorrow,
    )
    await database.close()
    for (let tries = 0; tries < 2; tries++) {
      await expect(start(config)).rejects.toThrow(
        'The database is newer than this server: it has 29990101000000_tomorrow, which this server does not know. ' +
          'Start the newer version of the server',
      )
    }
  })

  it('keeps off, and is kept off by, servers that would share its database', async () => {
    const redisUrl = inject('redisUrl')
    if (kind !== 'postgres' || redisUrl === undefined) return
    const alone = await configure()
    const shared = { ...alone, dataDir: mkdtempSync(join(tmpdir(), 'tutti-app-')), redisUrl }
    const first = await start(alone)
    await expect(start(shared)).rejects.toThrow('Another Tutti server has this database for itself')
    await first.close()
    await Promise.all([start(shared), start(shared)])
    await expect(start(alone)).rejects.toThrow('Servers share a database if all of them have REDIS_URL too')
  })
})
