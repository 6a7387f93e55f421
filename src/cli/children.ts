import { setTimeout } from 'node:timers/promises'
import { endsSession, factOf } from './events.ts'
import { EventsSubscription } from './operations.ts'
import type { Server } from './server.ts'
import { type EventFact, textOf } from './view.ts'

/** The pause between two tries to hear of a child session, in milliseconds: it is made after its parent tells of it. */
const PAUSE_MS = 500

/**
 * Hears what the sessions below one ask of people, at whatever depth.
 *
 * @param take is given their events about interrupts, as if they were about the execution that the child session does
 */
export function followChildren(
  server: Server,
  signal: AbortSignal,
  take: (event: EventFact) => void,
): { meet: (event: EventFact) => void; over: () => Promise<void> } {
  const following = new Map<string, Promise<void>>()

  /** @param owner execution of the session on top that this is done for */
  const meet = (event: EventFact, owner: string | null): void => {
    const childId = event.type === 'EXECUTION_ASSIGNED' ? textOf(event, 'childId') : undefined
    if (childId === undefined || following.has(childId)) return
    following.set(childId, follow(childId, owner ?? event.executionId))
  }

  /** Never throws: the session on top is told by its own events alone. */
  async function follow(id: string, owner: string | null): Promise<void> {
    let after = 0
    while (!signal.aborted) {
      try {
        for await (const { sessionEvents: item } of server.client.follow(EventsSubscription, { id, after }, signal)) {
          if (item.__typename !== 'SessionEvent') continue
          const event = factOf(item.event)
          after = event.seq
          meet(event, owner)
          if (event.type.startsWith('INTERRUPT_')) take({ ...event, executionId: owner })
          if (endsSession(event)) return
        }
      } catch {
        // It is not there yet, or the connection is lost.
      }
      await setTimeout(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }

  return {
    meet: (event) => meet(event, null),
    async over() {
      await Promise.all(following.values())
    },
  }
}
