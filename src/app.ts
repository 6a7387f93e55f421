import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { memoryBus } from './buses/memory.ts'
import { redisBus } from './buses/redis.ts'
import type { Config } from './config.ts'
import { createCleaner } from './coordinator/cleaner.ts'
import { createCoordinator } from './coordinator/create.ts'
import type { Membership } from './coordinator/membership.ts'
import { timers } from './coordinator/timers.ts'
import { createBullmqEngine } from './engines/bullmq.ts'
import { createEmbeddedEngine } from './engines/embedded.ts'
import { connectCounter } from './graphql/rate.ts'
import { createServer } from './graphql/server.ts'
import { trustedDocuments } from './graphql/trusted.ts'
import { newId } from './ids.ts'
import { openRuntimes } from './openRuntimes.ts'
import { createSandbox, type Sandbox } from './processes/sandbox.ts'
import { settingsOf } from './processes/sandbox/settings.ts'
import { registrationsOf } from './registrations.ts'
import { archiveUnconfigured, registerAgent, type Registration } from './store/agent.ts'
import { createArtifactStore } from './store/artifacts.ts'
import { removeAudit } from './store/audit.ts'
import { type Database, openDatabase } from './store/db.ts'
import { layHouseKey, newHouseKey } from './store/houseKey.ts'
import { installationOf } from './store/installation.ts'
import { acquireLock } from './store/lock.ts'
import { migrate, MIGRATIONS } from './store/migrate.ts'
import { createOffers } from './store/offer.ts'
import { createRetention } from './store/retention.ts'
import { createServers, type Servers } from './store/servers.ts'
import { takeSlot, visitAbandoned } from './store/slots.ts'
import { becomeSoleEngine, keepSoleEnginesOff } from './store/soleEngine.ts'
import { createStore } from './store/store.ts'
import { sweepArtifacts } from './store/sweep.ts'
import { findTemplate } from './store/template.ts'
import { createGitWorkspaces, forgetSnapshots } from './workspaces/git.ts'
import { createWorktrees } from './workspaces/worktrees.ts'

/** A server that runs. */
export interface App {
  /** Where it listens, for instance http://127.0.0.1:4000. */
  url: string
  /** What lets this machine in, whatever tokens there are, for as long as it runs. Not to be told to anybody else. */
  houseKey: string
  /** Unfinished sessions that it went on with. */
  recovered: { sessions: number; lost: number }
  /** Takes nothing more and hands on what it can, lets what runs end for as long as the operator allows, then closes. */
  leave(): Promise<void>
  /** Stops doors first, then work; unfinished sessions go on with the next server. */
  close(): Promise<void>
  /** Resolves with the reason once it has stopped. */
  closed: Promise<Ending>
}

/**
 * Why a server has stopped. CLOSED: it was asked to. REPLACED: another one has the database for itself now. BURIED: it was
 * silent for longer than its lease, so others have taken over what it had.
 */
export type Ending = 'CLOSED' | 'REPLACED' | 'BURIED'

/** The exit code of the process whose server has stopped; 75: start it again. */
export const EXIT_CODES: Readonly<Record<Ending, number>> = { CLOSED: 0, REPLACED: 1, BURIED: 75 }

/** How often it is looked for what nobody has in hand, in milliseconds. */
const LOOK_MS = 1_000
/** How long a server may take to stop its work that others have taken for dead, in milliseconds. */
const BURIED_MS = 10_000

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
  const closed = Promise.withResolvers<Ending>()
  let closing: Promise<void> | undefined
  const shutAll = async (): Promise<void> => {
    for (const shut of opened.splice(0).toReversed()) await shut()
  }
  const end = (ending: Ending): Promise<void> => {
    closing ??= shutAll().finally(() => closed.resolve(ending))
    if (ending === 'BURIED') void pause(BURIED_MS, undefined, { ref: false }).then(() => closed.resolve(ending))
    return closing
  }
  try {
    const { drain, ...app } = await open(config, log, (shut) => opened.push(shut), end)
    return {
      ...app,
      async leave() {
        const late = new AbortController()
        const limit = pause(config.drainMs, undefined, { signal: late.signal }).catch(() => {})
        await Promise.race([drain(), limit, closed.promise])
        late.abort()
        await end('CLOSED')
      },
      close: () => end('CLOSED'),
      closed: closed.promise,
    }
  } catch (error) {
    await end('CLOSED')
    throw error
  }
}

async function open(
  config: Config,
  log: Logger,
  opened: (close: () => unknown) => void,
  end: (ending: Ending) => Promise<void>,
): Promise<Pick<App, 'url' | 'houseKey' | 'recovered'> & { drain(): Promise<void> }> {
  const { dataDir, databaseUrl, redisUrl, role } = config
  // A process that stops and starts again is another server.
  const owner = newId()
  const crewed = role !== 'api'
  const alone = databaseUrl === undefined || redisUrl === undefined
  const lock = alone ? await acquireLock(dataDir) : undefined
  opened(() => lock?.release())
  const slot = await takeSlot(dataDir, owner)
  opened(() => slot.release())
  const template = databaseUrl === undefined ? await findTemplate(MIGRATIONS) : undefined
  const database = await openDatabase({ url: databaseUrl, dataDir, template, log })
  opened(() => database.close())
  if (databaseUrl !== undefined) {
    const taken = (): void => {
      log.fatal('another server has this database for itself now; this one stops')
      void end('REPLACED')
    }
    opened(await (alone ? becomeSoleEngine : keepSoleEnginesOff)(databaseUrl, log, taken))
  }
  const { applied } = await migrate(database, MIGRATIONS)
  if (applied.length > 0) log.info({ applied }, 'the database was migrated')
  const servers = createServers(database)
  if (slot.predecessor !== undefined) await servers.bury([slot.predecessor])

  const bus = redisUrl === undefined ? memoryBus({ log }) : redisBus({ url: redisUrl, log })
  opened(() => bus.close())
  const artifacts = createArtifactStore(dataDir, slot.work)
  const sandbox = createSandbox({ environment: config.environment, hidden: [dataDir], defaults: config.sandbox })
  const runtimes = openRuntimes(config, { sandbox, offers: createOffers({ query: database.query, bus }) })
  const unprotected = crewed ? await lackOfSandbox(config, sandbox, log) : undefined
  if (crewed) {
    await sweep(database, dataDir, log)
    await register(database, registrationsOf(config, runtimes))
  }
  const prefix = `tutti-${await installationOf(database.query)}`
  const engine = alone
    ? createEmbeddedEngine({ log, timers })
    : // What a dead server has taken from the queues goes to another one as soon as what it had begun.
      createBullmqEngine({ url: redisUrl, prefix, lockMs: config.leaseMs, log, timers })
  const coordinator = createCoordinator({
    store: createStore({ database, bus, log, newId }),
    engine,
    runtimes,
    artifacts,
    workspaces: createGitWorkspaces(),
    worktrees: createWorktrees({ home: copiesIn(dataDir), ...config.worktrees }),
    timers,
    log,
    owner,
    crewed,
    membership: membershipOf(config, servers, alone, () => {
      log.fatal('this server was silent for longer than its lease, and others have taken over what it had: it stops')
      void end('BURIED')
    }),
    now: Date.now,
    newId,
    chance: Math.random,
  })
  opened(() => coordinator.stop())
  const recovered = await coordinator.recover()
  if (crewed) opened(beginCleaning(config, { database, servers, owner, log }))
  const houseKey = newHouseKey()
  // Loaded only where signed tokens are taken.
  const verify = config.jwt && (await (await import('./graphql/jwt.ts')).openVerifier(config.jwt))
  const counter = alone ? undefined : connectCounter(redisUrl)
  opened(() => counter?.disconnect())
  let here = ''
  // Loaded only where others may give it tasks.
  const a2a =
    config.a2aServer &&
    (await import('./a2a/serve.ts')).createA2aDoor({
      definition: config.a2aServer,
      query: database.query,
      bus,
      coordinator,
      log,
      artifacts,
      newId,
      version: VERSION,
      where: () => here,
    })
  const mcp = config.mcpServer ? (await import('./mcpServer/door.ts')).createMcpDoor({ version: VERSION }) : undefined
  const server = createServer({
    houseKey,
    doors: [a2a, mcp].filter((door) => door !== undefined),
    verify,
    database,
    bus,
    coordinator,
    runtimes,
    artifacts,
    log,
    allowWorkspace: (path) => refuseWorkspace(config, path),
    origins: config.origins,
    version: VERSION,
    condition: {
      role,
      engine: engine.status,
      servers: servers.living,
      ...(unprotected !== undefined && { unprotected }),
    },
    limits: config.limits,
    graphiql: config.graphiql,
    trusted: config.trustedDocuments && trustedDocuments(config.trustedDocuments, await ownDocuments()),
    redis: counter,
  })
  opened(() => server.close())
  const { url } = await server.listen(config.port, config.host)
  here = url
  // Others find it where they find the address.
  if (lock) opened(layHouseKey(dataDir, houseKey))
  lock?.update({ url })
  return {
    url,
    houseKey,
    recovered,
    async drain() {
      await Promise.all([server.drain(), coordinator.drain()])
    },
  }
}

function membershipOf(
  { role, dataDir, leaseMs }: Config,
  servers: Servers,
  alone: boolean,
  onBuried: () => void,
): Membership {
  return {
    servers,
    identity: { name: `${hostname()}:${process.pid}`, role, version: VERSION },
    alone,
    leaseMs,
    lookMs: LOOK_MS,
    visitRemains: (visit) =>
      visitAbandoned(dataDir, ({ server, work }) => visit({ server, artifacts: createArtifactStore(dataDir, work) })),
    onBuried,
  }
}

async function register(database: Database, registrations: readonly Registration[]): Promise<void> {
  await database.transaction(async (query) => {
    for (const registration of registrations) await registerAgent(query, registration, newId(), Date.now())
    const names = registrations.map(({ name }) => name)
    await archiveUnconfigured(query, names, Date.now())
  })
}

/** Why programs of agents are not kept apart though they should be; told once, in the log. */
async function lackOfSandbox({ sandbox: own }: Config, sandbox: Sandbox, log: Logger): Promise<string | undefined> {
  const { mode } = settingsOf(own)
  if (mode === 'off') {
    log.warn('programs of agents are not kept apart: sandbox.mode is off')
    return undefined
  }
  const reason = await sandbox.trouble()
  if (reason === undefined) return undefined
  const words =
    mode === 'required'
      ? `Agents that are programs do not run, for there is no sandbox: ${reason}`
      : `Agents that are programs run without a sandbox, with all that the server's user may do: ${reason}`
  log.warn(words)
  return words
}

/** What the programs that come with Tutti ask for. */
async function ownDocuments(): Promise<string[]> {
  const generated = await import('./generated/gql/graphql.ts')
  return Object.entries(generated).flatMap(([name, document]) =>
    /^(Cli|Mcp).*Document$/.test(name) ? String(document) : [],
  )
}

/** A server whose files cannot be swept is no worse a server. */
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

const DAY_MS = 86_400_000

/** Where workspaces are copied that are under no version control. */
const copiesIn = (dataDir: string): string => join(dataDir, 'copies')

/** @returns ends it */
function beginCleaning(
  { dataDir, keepEventsDays, keepSessionsDays, keepAuditDays }: Config,
  { database, servers, owner, log }: { database: Database; servers: Servers; owner: string; log: Logger },
): () => void {
  const inMs = (days: number | undefined): number | undefined => (days === undefined ? undefined : days * DAY_MS)
  const cleaner = createCleaner(
    {
      retention: createRetention(database),
      removeAudit: (before, goOn) => removeAudit(database.query, before, goOn),
      servers,
      sweep: () => sweep(database, dataDir, log),
      async forget(id, sessionId) {
        const project = await database.prisma.project.findUnique({ where: { id } })
        if (project) await forgetSnapshots(project.workspace, sessionId, copiesIn(dataDir))
      },
      timers,
      log,
      owner,
      now: Date.now,
    },
    { eventsMs: inMs(keepEventsDays), sessionsMs: inMs(keepSessionsDays), auditMs: inMs(keepAuditDays) },
  )
  cleaner.begin()
  return cleaner.end
}

/** Why agents may not work in this folder; undefined if they may. */
function refuseWorkspace({ workspaces, dataDir }: Config, path: string): string | undefined {
  const within = (folder: string): boolean => path === folder || resolve(path).startsWith(folder + sep)
  if (within(dataDir)) return `${path} is inside of the server's own data directory`
  if (workspaces === undefined || workspaces.some(within)) return undefined
  return `${path} is outside of the folders that the operator allows (TUTTI_WORKSPACES): ${workspaces.join(', ')}`
}
