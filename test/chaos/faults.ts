import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Postgres } from '../servers/postgres.ts'
import type { Proxy } from '../servers/proxy.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import type { Random } from '../sim/random.ts'
import type { Member } from './members.ts'

/**
 * KILL: kill -9 of a server, which is started again. SLEEP: a server is stopped for longer than its lease, then goes on.
 * POSTGRES: is restarted. FLUSH: Redis loses all that it has. REDIS: is killed, and started again after a while. CUT: all
 * connections of all servers to PostgreSQL or to Redis end.
 */
export const FAULTS = ['KILL', 'SLEEP', 'POSTGRES', 'FLUSH', 'REDIS', 'CUT'] as const
export type FaultKind = (typeof FAULTS)[number]

/** What faults strike. */
export interface Targets {
  postgres: Postgres
  redis: RedisServer
  redisProgram: string
  /** Between the servers and PostgreSQL, and between them and Redis. */
  proxies: readonly [Proxy, Proxy]
  leaseMs: number
}

/** The order in which faults strike: so many kills, a third as many sleeps, a tenth as many of each other kind. */
export function drawFaults(random: Random, kills: number): FaultKind[] {
  const count = { KILL: kills, SLEEP: Math.ceil(kills / 3) }
  const rest = Math.ceil(kills / 10)
  const faults = FAULTS.flatMap((kind) => Array<FaultKind>(kind in count ? count[kind as 'KILL'] : rest).fill(kind))
  for (let last = faults.length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    ;[faults[last], faults[other]] = [faults[other] as FaultKind, faults[last] as FaultKind]
  }
  return faults
}

/**
 * Does it, and undoes what does not come to its end by itself.
 *
 * @param victim the server that KILL and SLEEP strike
 * @returns from when on work could go on, in milliseconds since 1970: when others may take over, or what was away is back
 */
export async function strike(kind: FaultKind, targets: Targets, victim: Member, random: Random): Promise<number> {
  const now = Date.now()
  switch (kind) {
    case 'KILL': {
      victim.restMs = random.between(0, 2_000)
      victim.process.kill('SIGKILL')
      await victim.ended
      return now
    }
    case 'SLEEP': {
      victim.process.kill('SIGSTOP')
      await pause(targets.leaseMs + random.between(1_500, 3_000))
      victim.process.kill('SIGCONT')
      return now
    }
    case 'POSTGRES': {
      await targets.postgres.restart()
      return Date.now()
    }
    case 'FLUSH': {
      const client = new Redis(targets.redis.url)
      await client.flushall()
      client.disconnect()
      return now
    }
    case 'REDIS': {
      await targets.redis.stop('SIGKILL')
      await pause(random.between(200, 2_000))
      targets.redis = await startRedis(targets.redisProgram, targets.redis.port)
      return Date.now()
    }
    case 'CUT': {
      random.pick(targets.proxies).cut()
      return now
    }
  }
}
