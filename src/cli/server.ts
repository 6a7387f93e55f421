import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { App } from '../app.ts'
import type { Config } from '../config.ts'
import { findHouseKey } from '../store/houseKey.ts'
import { DataDirectoryInUse, readLock } from '../store/lock.ts'
import { type Client, createClient } from './client.ts'
import { Failure } from './failure.ts'
import { environmentOf, type ServerOptions } from './home.ts'
import { UnfinishedQuery } from './operations.ts'
import { uuidOf } from './result.ts'
import { count, oneLine, sessionInWords } from './words.ts'

/** The server that a command uses. */
export interface Server {
  /** How to talk to it; another one after `reopen`. */
  readonly client: Client
  /** Absolute path of a folder of this machine in which reports are kept. */
  readonly dataDir: string
  /** The server may be gone for good: looks for the one that is in its place, or becomes it. */
  reopen(): Promise<void>
  /** Stops the server if it is part of this process. */
  close(): Promise<void>
}

/** How long a server may take to say where it listens, in milliseconds: it may have to migrate a database first. */
const STARTING_MS = 60_000

/**
 * Finds the server to use: the one that is named; else the one that has the data directory; else, if `embed`, one that
 * lives in this process until `close`.
 *
 * @param say tells a person which server it is, unless it was named
 * @throws Failure, ConfigError, and what `createApp` throws
 */
export async function openServer(
  options: ServerOptions,
  { embed, say }: { embed: boolean; say: (text: string) => void },
): Promise<Server> {
  if (options.server !== undefined) return named(options.server, await reportsIn(options))
  const token = ownToken()
  const { readConfig } = await import('../config.ts')
  const config = await readConfig(environmentOf(options), process.cwd())
  const { dataDir } = config
  let app: App | undefined
  let client: Client
  const open = async (): Promise<Client> => {
    for (;;) {
      const url = await whereItListens(dataDir)
      if (url !== undefined) {
        say(`using the server at ${url}, which has the data directory ${dataDir}`)
        return createClient(url, token ?? (await findHouseKey(dataDir)))
      }
      if (!embed) {
        throw new Failure(
          `No server has the data directory ${dataDir}. Start one with \`tutti serve\`, or name one with --server.`,
        )
      }
      app = await become(config, say)
      if (app) return createClient(app.url, app.houseKey)
    }
  }
  client = await open()
  return {
    get client() {
      return client
    },
    dataDir,
    async reopen() {
      if (app) return
      client.close()
      client = await open()
    },
    async close() {
      client.close()
      await app?.close()
    },
  }
}

/** What whoever calls this has been given to be let in. */
const ownToken = (): string | undefined => process.env['TUTTI_TOKEN'] || undefined

async function named(url: string, dataDir: string): Promise<Server> {
  // It may be the one that has the data directory, by another way.
  const isHere = async (): Promise<boolean> => (await readLock(dataDir).catch(() => undefined))?.url === url
  const client = createClient(url, ownToken() ?? ((await isHere()) ? await findHouseKey(dataDir) : undefined))
  return {
    client,
    dataDir,
    reopen: async () => {},
    close: async () => client.close(),
  }
}

/** Where reports are kept of what a server somewhere else does. */
async function reportsIn({ dataDir }: ServerOptions): Promise<string> {
  if (dataDir === undefined) return resolve('.tutti')
  const { dataDirAt } = await import('../config.ts')
  return dataDirAt(resolve(dataDir))
}

/** The address of the server that has the data directory; undefined: none has it. */
async function whereItListens(dataDir: string): Promise<string | undefined> {
  for (const patience = Date.now() + STARTING_MS; Date.now() < patience; await setTimeout(50)) {
    const holder = await readLock(dataDir)
    if (!holder) return undefined
    if (holder.url !== undefined) return holder.url
  }
  throw new Failure(`The server that has the data directory ${dataDir} does not get ready. Look at its log.`)
}

/** Starts a server in this process; undefined: another one was quicker. */
async function become(config: Config, say: (text: string) => void): Promise<App | undefined> {
  say(`starting a server with the data directory ${config.dataDir}`)
  const [{ createApp }, { embeddedLog }] = await Promise.all([import('../app.ts'), import('./logging.ts')])
  keepOutOfGit(config.dataDir)
  const { log } = embeddedLog(config.logLevel, config.dataDir)
  try {
    const app = await createApp({ ...config, role: 'all', host: '127.0.0.1', port: 0 }, log)
    if (app.recovered.sessions > 0) say(await goingOn(app))
    return app
  } catch (error) {
    if (error instanceof DataDirectoryInUse) return undefined
    throw error
  }
}

/** How many sessions are told one by one. */
const TOLD = 3

/** Which sessions an earlier server has left unfinished, as a person wants to know it before another one begins. */
async function goingOn({ url, houseKey, recovered: { sessions } }: App): Promise<string> {
  const { nodes } = (await createClient(url, houseKey).ask(UnfinishedQuery, { first: TOLD })).sessions
  const told = nodes.map(({ id, status, task }) => {
    const ways =
      status === 'INTERRUPTED' || status === 'AWAITING_APPROVAL' ? '`tutti approve`' : `\`tutti watch ${uuidOf(id)}\``
    return `  ${uuidOf(id)} ${sessionInWords(status)}: ${oneLine(task.title)} (${ways})`
  })
  const more = sessions > TOLD ? ['  `tutti sessions` lists all of them'] : []
  return [
    `going on with ${count(sessions, 'unfinished session')} too, as long as this server runs`,
    ...told,
    ...more,
  ].join('\n')
}

/** Data directories often lie in the repository that is worked on; nobody wants to commit them. */
export function keepOutOfGit(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true })
  try {
    writeFileSync(join(dataDir, '.gitignore'), '*\n', { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
