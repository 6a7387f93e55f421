import type { Logger } from 'pino'
import type { Guest } from './access.ts'
import type { Auditor } from './auditor.ts'
import type { Bus } from '../bus.ts'
import type { Coordinator } from '../coordinator/coordinator.ts'
import type { Runtime } from '../runtime.ts'
import type { Claims } from '../store/claim.ts'
import type { Database } from '../store/db.ts'
import type { LivingServer, ServerRole } from '../store/servers.ts'
import type { Follower } from './follow.ts'
import type { Limits } from './limits.ts'
import type { Loaders } from './loaders.ts'
import type { Rates } from './rate.ts'
import type { Viewer } from './rights.ts'

/** What the doors need of the house; made by hand in app.ts. */
export interface Parts {
  database: Database
  bus: Bus
  coordinator: Coordinator
  /** By name. */
  runtimes: Readonly<Record<string, Runtime>>
  artifacts: { path(sha256: string): string }
  log: Logger
  /** Why agents may not work in a folder, or undefined if they may. */
  allowWorkspace(path: string): string | undefined
  version: string
  condition: Condition
}

/** How the server process is, beside its database and its bus. */
export interface Condition {
  role: ServerRole
  engine(): 'up' | 'down'
  /** All that live, the oldest first. */
  servers(): Promise<LivingServer[]>
  /** Why programs of agents are not kept apart, in words; left out if they are, or need not be. */
  unprotected?: string
}

/** What every resolver gets. */
export interface Context extends Parts {
  /** Through Prisma it has only the rows that exist for the viewer; SQL sees all of them, see `projectsMeant`. */
  database: Database
  /** All rows, for limits of the server as a whole. */
  wholeDatabase: Database
  limits: Limits
  loaders: Loaders
  follower: Follower
  claims: Claims
  /** Over HTTP: fires once whoever asked has hung up. */
  request?: { signal: AbortSignal }
  viewer: Viewer
  /** The same, with what lets them stay. */
  guest: Guest
  /** Address that this came from. */
  peer: string
  /** Whether the row with this UUID is there, but not for the viewer. */
  isForeign(id: string): Promise<boolean>
  /** UUID of the project that the row with this UUID belongs to; undefined: none. */
  projectOf(id: string): Promise<string | undefined>
  auditor: Auditor
  rates: Rates
  /** What is to be told to whoever lets people in: a token was made or revoked. */
  tokensChanged(): void
  /** Fires once the server stops: it takes nothing more. */
  stopping: AbortSignal
  /** Whether this came over a WebSocket. */
  overSocket: boolean
  /** Over HTTP: watches whoever reads the answer, see reader.ts. */
  reader?: () => AbortSignal
  /** Names this request in the log and in masked errors. */
  requestId: string
  /** When the server began, in milliseconds since the epoch. */
  startedAt: number
}
