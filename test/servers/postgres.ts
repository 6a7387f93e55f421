import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram, scratch, type Server, sparePort, startServer, unprivileged } from './process.ts'

/** Folder with PostgreSQL's programs; undefined when it is not installed. */
export function findPostgres(): string | undefined {
  const folders = globSync('/usr/lib/postgresql/*/bin').toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  const config = findProgram('pg_config')
  if (config !== undefined) folders.unshift(execFileSync(config, ['--bindir'], { encoding: 'utf8' }).trim())
  const initdb = findProgram('initdb', folders)
  return initdb === undefined ? undefined : dirname(initdb)
}

/** Without any promise to keep data. */
const FORGETTING = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
/** As it comes, but for room to write for minutes without a checkpoint. */
const KEEPING = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', max_wal_size: '8GB' }

export interface Postgres {
  /** Of its maintenance database. */
  url: string
  /** Of the process whose children serve the connections. */
  readonly pid: number
  /** Ends it and starts it again on the same port and data, as an operator would: connections are told. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/**
 * A PostgreSQL of its own in a temporary folder. Its clock shows India's time, half an hour off any whole one, so that
 * whoever confuses time zones is found out.
 *
 * @param durable whether it keeps what it has committed, as one in production does; otherwise it is fast
 */
export async function startPostgres(bin: string, durable = false): Promise<Postgres> {
  const folder = scratch('postgres')
  const user = unprivileged()
  const data = join(folder, 'data')
  const password = join(folder, 'password')
  writeFileSync(password, 'secret word\n')
  mkdirSync(data)
  if (user) for (const path of [folder, data, password]) chownSync(path, user.uid, user.gid)
  chmodSync(data, 0o700)
  const authentication = ['--auth-local=trust', '--auth-host=scram-sha-256', `--pwfile=${password}`]
  const locale = ['--encoding=UTF8', '--locale=C', '--no-sync']
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'tutti', ...authentication, ...locale], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
    ...user,
  })
  const port = await sparePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    ...(durable ? KEEPING : FORGETTING),
    max_connections: '200',
    timezone: 'Asia/Kolkata',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const start = (): Promise<Server> =>
    startServer(
      [join(bin, 'postgres'), '-D', data, '-p', String(port), ...flags],
      /database system is ready to accept connections/,
      { user, cwd: folder },
    )
  let server = await start()
  return {
    url: `postgresql://tutti:secret%20word@127.0.0.1:${port}/postgres`,
    get pid() {
      return server.child.pid as number
    },
    async restart() {
      await server.stop('SIGINT')
      server = await start()
    },
    async stop() {
      // Immediately: nothing here is worth a checkpoint.
      await server.stop('SIGQUIT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
