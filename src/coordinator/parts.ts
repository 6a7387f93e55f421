import type { Logger } from 'pino'
import type { Engine } from '../engine.ts'
import type { Runtime } from '../runtime.ts'
import type { ArtifactStore } from '../store/artifacts.ts'
import type { Store } from '../store/store.ts'
import type { Workspaces, Worktrees } from '../workspace.ts'
import type { Membership } from './membership.ts'
import type { Timers } from './timers.ts'

/** What the coordinator works with. Time, ids and chance are parts too, so that a simulation can bring its own. */
export interface Parts {
  store: Store
  engine: Engine
  runtimes: Readonly<Record<string, Runtime>>
  artifacts: ArtifactStore
  workspaces: Workspaces
  worktrees: Worktrees
  timers: Timers
  log: Logger
  /** Names this server process in the attempts and sessions that it drives. */
  owner: string
  /** Whether this server works: drives sessions and runs agents. Otherwise it only takes requests. */
  crewed: boolean
  /** Undefined: servers of this database come one after the other, and none is known to the next. */
  membership?: Membership
  /** Milliseconds since the epoch. */
  now(): number
  /** A UUID, version 7: ids sort by the time they were made. */
  newId(): string
  /** In [0, 1). */
  chance(): number
}
