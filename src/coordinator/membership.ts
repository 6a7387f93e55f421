import type { ArtifactStore } from '../store/artifacts.ts'
import type { ServerIdentity, Servers } from '../store/servers.ts'

/** What attempts of a server that is dead for certain have left where this one can reach it. */
export interface Remains {
  /** Id of the server. */
  server: string
  artifacts: Pick<ArtifactStore, 'leftovers' | 'folder' | 'closeFolder'>
}

/** The place of a server among those that share its database. */
export interface Membership {
  servers: Servers
  /** Beside its id, which is the `owner` of what it does. */
  identity: Omit<ServerIdentity, 'id'>
  /** Nobody else can work on the database while this server does. */
  alone: boolean
  /** Whoever has been silent for so long is dead to the others, in milliseconds. */
  leaseMs: number
  /** How often it is looked for what nobody has in hand, in milliseconds. */
  lookMs: number
  /**
   * Visits what servers have left that are dead for certain, as far as this one can reach it.
   *
   * @param visit tells whether nothing is left of it
   */
  visitRemains(visit: (remains: Remains) => Promise<boolean>): Promise<void>
  /** The others have taken this server for dead, and have what it had: its process has to end. */
  onBuried(): void
}
