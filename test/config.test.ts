import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'

describe('the configuration', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tutti-config-'))
  })

  it('has a default for everything', async () => {
    expect(await readConfig({}, folder)).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      dataDir: join(folder, '.tutti'),
      origins: [],
      logLevel: 'info',
      commands: {},
      agents: [],
      builtinAgents: true,
      role: 'all',
      leaseMs: 15_000,
      drainMs: 30_000,
    })
  })

  it('takes signed tokens where all is said of them, and refuses half of it', async () => {
    const whole = { TUTTI_JWKS_URL: 'https://id.example/keys', TUTTI_JWT_ISSUER: 'them', TUTTI_JWT_AUDIENCE: 'us' }
    expect((await readConfig(whole, folder)).jwt).toEqual({
      keys: { url: 'https://id.example/keys' },
      issuer: 'them',
      audience: 'us',
      rolesClaim: 'roles',
      projectsClaim: 'projects',
    })
    const { TUTTI_JWKS_URL, ...rest } = whole
    expect((await readConfig({ ...rest, TUTTI_JWKS_FILE: 'keys.json' }, folder)).jwt?.keys).toEqual({
      file: join(folder, 'keys.json'),
    })
    expect((await readConfig({}, folder)).jwt).toBeUndefined()
    for (const [half, why] of [
      [rest, /not said where the keys are/],
      [{ TUTTI_JWKS_URL, TUTTI_JWT_ISSUER: 'them' }, /not said who signs for whom/],
      [{ ...whole, TUTTI_JWKS_FILE: 'keys.json' }, /both set/],
      [{ ...whole, TUTTI_JWKS_URL: 'http://id.example/keys' }, /has to be https/],
    ] as const)
      await expect(readConfig(half, folder)).rejects.toThrow(why)
  })

  it('refuses a data directory that is a file or lies below one, and takes one that is not there yet', async () => {
    writeFileSync(join(folder, 'file'), '')
    for (const TUTTI_DATA_DIR of ['file', 'file/below', './file/below/it'])
      await expect(readConfig({ TUTTI_DATA_DIR }, folder)).rejects.toThrow(
        `${join(folder, TUTTI_DATA_DIR)} is a file, or below one. Name a folder`,
      )
    expect(await readConfig({ TUTTI_DATA_DIR: 'not/yet' }, folder)).toMatchObject({ dataDir: join(folder, 'not/yet') })
  })

  it('takes what the environment says, an empty variable being none', async () => {
    const environment = {
      TUTTI_PORT: '0',
      TUTTI_HOST: '',
      TUTTI_DATA_DIR: '/data',
      TUTTI_ORIGINS: 'https://a.example, https://b.example',
      TUTTI_WORKSPACES: 'repositories,/srv',
      DATABASE_URL: 'postgresql://me@localhost/tutti',
      TUTTI_KEEP_EVENTS_DAYS: '30',
      TUTTI_KEEP_SESSIONS_DAYS: '365',
    }
    expect(await readConfig(environment, folder)).toMatchObject({
      host: '127.0.0.1',
      port: 0,
      dataDir: '/data',
      origins: ['https://a.example', 'https://b.example'],
      workspaces: [join(folder, 'repositories'), '/srv'],
      databaseUrl: 'postgresql://me@localhost/tutti',
      keepEventsDays: 30,
      keepSessionsDays: 365,
    })
  })

  it.each([
    ['TUTTI_PORT', 'eighty'],
    ['TUTTI_PORT', '70000'],
    ['TUTTI_LOG_LEVEL', 'loud'],
    ['DATABASE_URL', 'mysql://localhost'],
    ['REDIS_URL', 'localhost:6379'],
    ['TUTTI_ROLE', 'boss'],
    ['TUTTI_LEASE_MS', '999'],
    ['TUTTI_DRAIN_MS', '-1'],
    ['TUTTI_KEEP_EVENTS_DAYS', '0'],
    ['TUTTI_KEEP_SESSIONS_DAYS', 'a week'],
    ['TUTTI_KEEP_SESSIONS_DAYS', '1.5'],
  ])('refuses %s=%s and names the variable', async (name, value) => {
    await expect(readConfig({ [name]: value }, folder)).rejects.toThrow(name)
  })

  it('takes limits that are known and whole, and says which one is not', async () => {
    const write = (config: object): void => writeFileSync(join(folder, 'tutti.config.json'), JSON.stringify(config))
    write({ limits: { depth: 20 }, graphiql: false, trustedDocuments: { abc: '{ __typename }' } })
    expect(await readConfig({}, folder)).toMatchObject({
      limits: { depth: 20 },
      graphiql: false,
      trustedDocuments: { abc: '{ __typename }' },
    })
    const wrong = join(folder, 'wrong.json')
    for (const limits of [{ depth: 0 }, { depth: 1.5 }, { depth: 2 ** 31 }, { depht: 20 }]) {
      writeFileSync(wrong, JSON.stringify({ limits }))
      await expect(readConfig({ TUTTI_CONFIG: wrong }, folder)).rejects.toThrow(/limits|depht/)
    }
  })

  it('takes a role other than all only for servers that share a database, and says what is missing', async () => {
    const [DATABASE_URL, REDIS_URL] = ['postgresql://me@localhost/tutti', 'redis://localhost']
    expect(await readConfig({ TUTTI_ROLE: 'worker', DATABASE_URL, REDIS_URL }, folder)).toMatchObject({
      role: 'worker',
    })
    await expect(readConfig({ TUTTI_ROLE: 'api', DATABASE_URL }, folder)).rejects.toThrow('but REDIS_URL is not set')
    await expect(readConfig({ TUTTI_ROLE: 'worker' }, folder)).rejects.toThrow('DATABASE_URL and REDIS_URL is not set')
  })

  it.each([
    ['tutti.config.json', '{ "commands": { "hi": { "argv": ["echo", "hi"] } } }'],
    ['tutti.config.ts', 'const argv: string[] = ["echo", "hi"]\nexport default { commands: { hi: { argv } } }'],
  ])('reads %s beside it', async (name, text) => {
    writeFileSync(join(folder, name), text)
    expect((await readConfig({}, folder)).commands).toEqual({ hi: { argv: ['echo', 'hi'] } })
  })

  it('refuses what it does not know in the file, and says where', async () => {
    writeFileSync(join(folder, 'tutti.config.json'), '{ "commands": { "hi": { "shell": "echo hi" } } }')
    await expect(readConfig({}, folder)).rejects.toThrow(/commands\.hi/)
  })

  it('refuses an agent whose command there is not', async () => {
    const agents = [{ name: 'a', command: 'nobody' }]
    writeFileSync(join(folder, 'tutti.config.json'), JSON.stringify({ commands: {}, agents }))
    await expect(readConfig({}, folder)).rejects.toThrow('agent "a" names the command "nobody"')
  })

  it('says so when the named file does not exist, or cannot be read', async () => {
    await expect(readConfig({ TUTTI_CONFIG: 'gone.ts' }, folder)).rejects.toThrow('gone.ts does not exist')
    writeFileSync(join(folder, 'tutti.config.json'), '{ not json')
    await expect(readConfig({}, folder)).rejects.toThrow('cannot be read')
  })
})
