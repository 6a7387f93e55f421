import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve, sep } from 'node:path'
import type { Logger } from 'pino'
import { v7 as uuid } from 'uuid'
import { BUILTIN_AGENTS } from './agents/builtin.ts'
import { memoryBus } from './buses/memory.ts'
import { redisBus } from './buses/redis.ts'
import type { Config } from './config.ts'
import { createCoordinator } from './coordinator/create.ts'
import { timers } from './coordinator/timers.ts'
import { createEmbeddedEngine } from './engines/embedded.ts'
import { createServer } from './graphql/server.ts'
import { createCommandRuntime } from './runtimes/command.ts'
import { archiveUnconfigured, registerAgent, type Registration } from './store/agent.ts'
import { createArtifactStore } from './store/artifacts.ts'
import { type Database, openDatabase } from './store/db.ts'
import { acquireLock } from './store/lock.ts'
import { migrate, MIGRATIONS } from './store/migrate.ts'
import { becomeSoleEngine } from './store/soleEngine.ts'
import { createStore } from './store/store.ts'
import { sweepArtifacts } from './store/sweep.ts'
import { findTemplate } from './store/template.ts'
import { createGitWorkspaces } from './workspaces/git.ts'

/** A server that runs. */
export interface App {
  /** Where it listens, for instance http://127.0.0.1:4000. */
  url: string
  /** Unfinished sessions that it went on with. */
  recovered: { sessions: number; lost: number }
  /** Stops doors first, then work; unfinished sessions go on with the next server. */
  close(): Promise<void>
  /** Resolves once it has stopped, by `close` or because another server has taken over its database. */
  closed: Promise<void>
}

export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/**
 * Wires the house by hand and opens its doors.
 *
 * @throws DataDirectoryInUse, DatabaseUnavailable, MigrationRefused with what to do about it
 */
export async function createApp(config: Config, log: Logger): Promise<App> {
  // What has been opened, so that a failure on the way closes it again, last first.
  const opened: (() => unknown)[] = []
  const closed = Promise.withResolvers<void>()
  const close = async (): Promise<void> => {
    for (const shut of opened.splice(0).toReversed()) await shut()
    closed.resolve()
  }
  try {
    return { ...(await open(config, log, (shut) => opened.push(shut), close)), close, closed: closed.promise }
  } catch (error) {
    await close()
    throw error
  }
}

async function open(
  config: Config,
  log: Logger,
  opened: (close: () => unknown) => void,
  close: () => Promise<void>,
): Promise<Pick<App, 'url' | 'recovered'>> {
  const { dataDir, databaseUrl, redisUrl } = config
  const lock = await acquireLock(dataDir)
  opened(() => lock.release())
  const template = databaseUrl === undefined ? await findTemplate(MIGRATIONS) : undefined
  const database = await openDatabase({ url: databaseUrl, dataDir, template, log })
  opened(() => database.close())
  if (databaseUrl !== undefined) {
    const taken = (): void => {
      log.fatal('another server has taken over this database; this one stops')
      void close()
    }
    opened(await becomeSoleEngine(databaseUrl, log, taken))
  }
  const { applied } = await migrate(database, MIGRATIONS)
  if (applied.length > 0) log.info({ applied }, 'the database was migrated')

  const bus = redisUrl === undefined ? memoryBus({ log }) : redisBus({ url: redisUrl, log })
  opened(() => bus.close())
  const artifacts = createArtifactStore(dataDir)
  await sweep(database, dataDir, log)
  const { commands, registrations } = agentsOf(config)
  const runtimes = { command: createCommandRuntime({ commands, environment: config.environment }) }
  await database.transaction(async (query) => {
    for (const registration of registrations) await registerAgent(query, registration, uuid(), Date.now())
    const names = registrations.map(({ name }) => name)
    await archiveUnconfigured(query, names, Date.now())
  })

  const coordinator = createCoordinator({
    store: createStore({ database, bus, log, newId: uuid }),
    engine: createEmbeddedEngine({ log, timers }),
    runtimes,
    artifacts,
    workspaces: createGitWorkspaces(),
    timers,
    log,
    owner: `${hostname()}:${process.pid}`,
    crewed: true,
    now: Date.now,
    newId: uuid,
    chance: Math.random,
  })
  opened(() => coordinator.stop())
  const recovered = await coordinator.recover()
  const server = createServer({
    database,
    bus,
    coordinator,
    runtimes,
    artifacts,
    log,
    allowWorkspace: (path) => refuseWorkspace(config, path),
    origins: config.origins,
    version: VERSION,
  })
  opened(() => server.close())
  const { url } = await server.listen(config.port, config.host)
  lock.update({ url })
  return { url, recovered }
}

/** Before any attempt begins. A server whose files cannot be swept is no worse a server. */
async function sweep(database: Database, dataDir: string, log: Logger): Promise<void> {
  try {
    const { removed, doubtful } = await sweepArtifacts(database.query, dataDir, Date.now())
    if (removed > 0) log.info({ removed }, 'files that no artifact refers to were removed')
    if (doubtful > 0)
      log.warn({ doubtful }, 'this database knows few of the artifacts in the data directory: is it the right one?')
  } catch (error) {
    log.warn({ err: error }, 'the artifacts could not be swept; the next start tries again')
  }
}

/** The commands and agents that the operator has: those that come with Tutti, and those of the configuration. */
function agentsOf(config: Config): {
  commands: Config['commands']
  registrations: Registration[]
} {
  const builtin = config.builtinAgents ? BUILTIN_AGENTS : []
  const common = { projectId: null, runtime: 'command', origin: 'CONFIGURATION' as const }
  // Node then compiles them once: an agent starts in 0.4 s rather than 1 s.
  const env = { NODE_COMPILE_CACHE: join(config.dataDir, 'compile-cache') }
  const commands = {
    ...Object.fromEntries(builtin.map(({ name, command }) => [`tutti-${name}`, { ...command, env }])),
    ...config.commands,
  }
  const registrations = [
    ...builtin.map(({ command: _, timeouts = null, ...agent }) => ({
      ...common,
      ...agent,
      timeouts,
      runtimeConfig: { command: `tutti-${agent.name}` },
    })),
    ...config.agents.map(({ command, timeouts, ...agent }) => ({
      ...common,
      ...agent,
      timeouts: timeouts === undefined ? null : (JSON.parse(JSON.stringify(timeouts)) as Registration['timeouts']),
      runtimeConfig: { command },
    })),
  ]
  return { commands, registrations }
}

/** Why agents may not work in this folder; undefined if they may. */
function refuseWorkspace({ workspaces, dataDir }: Config, path: string): string | undefined {
  const within = (folder: string): boolean => path === folder || resolve(path).startsWith(folder + sep)
  if (within(dataDir)) return `${path} is inside of the server's own data directory`
  if (workspaces === undefined || workspaces.some(within)) return undefined
  return `${path} is outside of the folders that the operator allows (TUTTI_WORKSPACES): ${workspaces.join(', ')}`
}
