import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Path of a program, looked for in `folders` and then in PATH. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  return [...folders, ...(process.env['PATH'] ?? '').split(delimiter)]
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Where a run of the tests puts all its scratch folders; known to its workers too. */
const RUN_FOLDER = 'TUTTI_TEST_RUN_FOLDER'

/** A new temporary folder. */
export const scratch = (name: string): string => mkdtempSync(join(process.env[RUN_FOLDER] ?? tmpdir(), `${name}-`))

/** Gives this run a folder that goes when the run ends, and removes those of runs that were killed. */
export function createRunFolder(): () => void {
  const prefix = 'tutti-test-'
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix)))
    if (!isAlive(Number(name.slice(prefix.length).split('-')[0])))
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  // Servers run as another user must get through to their own folders.
  chmodSync(folder, 0o755)
  process.env[RUN_FOLDER] = folder
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.once('exit', remove)
  return remove
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A TCP port that was free a moment ago. */
export async function sparePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The user that a server runs as, which must not be root for PostgreSQL. */
export function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      continue
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as')
}

export interface Server {
  child: ChildProcess
  /** Ends it and waits until it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Starts a server and waits until it says that it is ready. It ends with this process, however this process ends. */
export async function startServer(
  argv: readonly [string, ...string[]],
  ready: RegExp,
  options: { user?: { uid: number; gid: number } | undefined; cwd: string },
): Promise<Server> {
  // A test run that is killed takes its servers along.
  const setpriv = findProgram('setpriv')
  const { user } = options
  const wrapped =
    setpriv === undefined
      ? argv
      : ([
          setpriv,
          '--pdeathsig=KILL',
          ...(user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : []),
          ...argv,
        ] as const)
  const [file, ...args] = wrapped
  const child = spawn(file as string, args, {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(setpriv === undefined && user ? user : {}),
  })
  const killAtExit = () => child.kill('SIGKILL')
  process.prependOnceListener('exit', killAtExit)
  const ended = once(child, 'exit').finally(() => process.off('exit', killAtExit))

  let output = ''
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      output += chunk.toString()
      if (ready.test(output)) resolve()
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.on('error', reject)
    void ended.then(() => reject(new Error(`${argv.join(' ')} ended at once:\n${output}`)), reject)
  })
  child.stdout?.removeAllListeners('data').resume()
  child.stderr?.removeAllListeners('data').resume()
  return {
    child,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await ended
    },
  }
}
