import type { Coordinator } from '../../src/coordinator/coordinator.ts'
import type { Life, Loop } from './loop.ts'
import type { Random } from './random.ts'
import type { Server } from './server.ts'
import type { Break } from './store.ts'
import type { Tables } from './tables.ts'
import type { Witness } from './witness.ts'

/** What a verb of the coordinator answers. */
interface Answer {
  kind: string
  sessionId?: string
}

/** What deeds work on. */
export interface World {
  readonly random: Random
  readonly loop: Loop
  readonly tables: Tables
  readonly witness: Witness
  /** Lives as long as the world: people, and whoever starts servers. */
  readonly outside: Life
  /** Servers that live, the last one first. */
  readonly servers: Server[]
  /** The database is away until then, for everybody. */
  outage: { until: number; moment: Break }
  /** Agents cannot run until then. */
  sickUntil: number
  /** So many processes cannot be ended. */
  unendable: number
  /** Everything is well from now on, and nothing more is done to the world. */
  resting: boolean
  /** Every session has ended: nobody needs to look any more. */
  over: boolean
  /** Somebody asks until there is an answer, of whatever server there is. `expected`: the one that there has to be. */
  ask(name: string, question: (coordinator: Coordinator) => Promise<Answer>, expected?: string): void
  /** A server begins, on a host that had one before or on another. */
  boot(host: string): void
  /** A server dies, and another one begins some time later. */
  crash(server: Server, host: string, afterMs: number): void
  newHost(): string
}
