import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { scratch, sparePort, startServer } from '../test/servers/process.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** How long a server that listens may take to be ready. */
const READY_MS = 60_000

/** A server in a process of its own. */
export interface RunningServer {
  /** For instance http://127.0.0.1:4000. */
  url: string
  pid: number
  stop(): Promise<void>
}

/** Where a server keeps its things, and what it is told beside that. */
export interface Place {
  databaseUrl?: string | undefined
  redisUrl?: string | undefined
  /** A new one unless told. */
  dataDir?: string | undefined
  /** Path of its configuration file. */
  config?: string
}

/** Starts Tutti as a container does, and waits until it is ready. */
export async function startTutti({ databaseUrl, redisUrl, dataDir, config }: Place): Promise<RunningServer> {
  return startNode([MAIN], '/health/ready', {
    TUTTI_LOG_LEVEL: 'info',
    TUTTI_DATA_DIR: dataDir ?? scratch('bench-data'),
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    TUTTI_CONFIG: config,
    // Whoever stops it is not interested in what it has in hand.
    TUTTI_DRAIN_MS: '0',
  })
}

/**
 * Starts a program with Node that listens on the port of TUTTI_PORT and says "listening".
 *
 * @param ready path that it answers with 200 once it is ready
 * @param environment a variable that is undefined is not set
 */
export async function startNode(
  args: readonly string[],
  ready: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<RunningServer> {
  const port = await sparePort()
  const url = `http://127.0.0.1:${port}`
  const variables = Object.entries({ ...environment, TUTTI_PORT: String(port) }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  // What this process was given is not meant for it.
  const unset = ['DATABASE_URL', 'REDIS_URL', 'TUTTI_CONFIG', 'TUTTI_ROLE'].flatMap((name) => ['-u', name])
  const argv = ['env', ...unset, ...variables, process.execPath, ...args] as [string, ...string[]]
  const server = await startServer(argv, /listening/, { cwd: scratch('bench-cwd') })
  try {
    const late = AbortSignal.timeout(READY_MS)
    while ((await fetch(url + ready, { signal: late })).status !== 200) await pause(1)
  } catch (error) {
    await server.stop('SIGKILL')
    throw error
  }
  return { url, pid: server.child.pid as number, stop: () => server.stop() }
}
