import { rmSync } from 'node:fs'
import { findProgram, scratch, sparePort, startServer } from './process.ts'

export const findRedis = (): string | undefined => findProgram('redis-server')

export interface RedisServer {
  url: string
  port: number
  pid: number
  /** SIGKILL for a death without a farewell. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** A Redis of its own that keeps nothing on disk. */
export async function startRedis(program: string, wantedPort?: number): Promise<RedisServer> {
  const folder = scratch('redis')
  const port = wantedPort ?? (await sparePort())
  const server = await startServer(
    [program, '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
    /Ready to accept connections/,
    { cwd: folder },
  )
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: server.child.pid as number,
    async stop(signal) {
      await server.stop(signal)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
