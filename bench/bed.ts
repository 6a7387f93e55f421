import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { findPostgres, startPostgres } from '../test/servers/postgres.ts'
import { createRunFolder } from '../test/servers/process.ts'
import { findRedis, startRedis } from '../test/servers/redis.ts'
import { cpuOf } from './cpu.ts'

/** The servers that something is measured on: their own, on spare ports, gone once it is over. */
export interface Bed {
  /** Makes an empty database on a PostgreSQL that keeps what it has committed, and tells its address. */
  database(): Promise<string>
  /** Has PostgreSQL write now what it would write some time, so that the next one does not pay for it. */
  settle(): Promise<void>
  /** Address of a Redis that keeps nothing on disk. */
  redis(): Promise<string>
  /** CPU time of this process and of all servers so far, in seconds. */
  cpu(): number
  stop(): Promise<void>
}

/** @throws with what to install */
export async function makeBed(): Promise<Bed> {
  const bin = findPostgres()
  if (bin === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql')
  const removeFolder = createRunFolder()
  const postgres = await startPostgres(bin, true)
  const maintenance = new pg.Client(postgres.url)
  await maintenance.connect()
  // It goes when the server does.
  maintenance.on('error', () => {})
  let redis: ReturnType<typeof startRedis> | undefined
  const pids = [postgres.pid]
  return {
    async database() {
      const name = `bench_${randomUUID().replaceAll('-', '')}`
      await maintenance.query(`CREATE DATABASE ${name}`)
      const url = new URL(postgres.url)
      url.pathname = name
      return url.href
    },
    async settle() {
      await maintenance.query('CHECKPOINT')
    },
    async redis() {
      const program = findRedis()
      if (program === undefined) throw new Error('Redis is not installed: apt-get install redis-server')
      redis ??= startRedis(program)
      const { url, pid } = await redis
      if (!pids.includes(pid)) pids.push(pid)
      return url
    },
    cpu() {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6 + pids.reduce((sum, pid) => sum + (cpuOf(pid) ?? 0), 0)
    },
    async stop() {
      await maintenance.end()
      await Promise.all([postgres.stop(), redis?.then((server) => server.stop())])
      removeFolder()
    },
  }
}
