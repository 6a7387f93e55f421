import type { Membership } from './membership.ts'
import type { Parts } from './parts.ts'

/** Keeps the lease of this server. */
export interface Heartbeat {
  /** From here on this server lives. */
  begin(): Promise<void>
  /** Whether the last beat came while the lease held, so that the others have had time for theirs too. */
  inTime(): boolean
  /** From here on it is dead. Never throws. */
  end(): Promise<void>
}

/** How soon a beat is tried again that did not reach the database, in milliseconds. */
const AGAIN_MS = 1_000

/**
 * Beats three times per lease. A database that is away silences all servers alike, so none of them is buried for it:
 * whoever is back first waits until its second beat before it looks who is dead.
 *
 * @param onBuried the others have taken this server for dead
 */
export function createHeartbeat(
  { timers, log, owner }: Pick<Parts, 'timers' | 'log' | 'owner'>,
  { servers, identity, leaseMs }: Pick<Membership, 'servers' | 'identity' | 'leaseMs'>,
  onBuried: () => void,
): Heartbeat {
  let inTime = false
  let over = false
  let callOff = (): void => {}

  function beatIn(ms: number): void {
    if (!over) callOff = timers.after(ms, () => void beat())
  }

  async function beat(): Promise<void> {
    try {
      const beaten = await servers.beat(owner, leaseMs)
      if (over) return
      inTime = beaten === 'IN_TIME'
      if (beaten === 'DEAD') {
        over = true
        onBuried()
        return
      }
      beatIn(leaseMs / 3)
    } catch (error) {
      inTime = false
      if (over) return
      log.warn({ err: error }, 'the lease of this server could not be prolonged; it is tried again')
      beatIn(Math.min(AGAIN_MS, leaseMs / 3))
    }
  }

  return {
    async begin() {
      await servers.register({ id: owner, ...identity }, leaseMs)
      beatIn(leaseMs / 3)
    },
    inTime: () => inTime,
    async end() {
      over = true
      callOff()
      try {
        await servers.retire(owner)
      } catch (error) {
        log.warn({ err: error }, 'this server could not sign off; its lease runs out')
      }
    },
  }
}
