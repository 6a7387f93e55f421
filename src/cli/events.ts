import { setTimeout } from 'node:timers/promises'
import { isEnded } from '../core/session.ts'
import type { CliEventsSubscription } from '../generated/gql/graphql.ts'
import { Unreachable } from './client.ts'
import { Failure } from './failure.ts'
import { EventsSubscription } from './operations.ts'
import type { Server } from './server.ts'
import type { EventFact } from './view.ts'

/** A server that cannot be reached for this long is given up, in milliseconds. */
const GIVE_UP_MS = 60_000
/** The longest pause between two tries to reach it, in milliseconds. */
const LONGEST_PAUSE_MS = 2_000

type Sent = Extract<CliEventsSubscription['sessionEvents'], { __typename: 'SessionEvent' }>['event']

/** An event, as it comes from the server. */
export function factOf({ seq, type, executionId, execution, data, at }: Sent): EventFact {
  const agent = execution?.agent?.name ?? null
  return { seq, type, executionId: executionId ?? null, agent, data, at: Date.parse(at) }
}

/** Whether it is the last event of its session. */
export const endsSession = ({ type }: EventFact): boolean =>
  type.startsWith('SESSION_') && isEnded(type.slice('SESSION_'.length) as never)

/** All events of a session, each once and in order, over as many connections as it takes. */
export async function* events(
  server: Server,
  id: string,
  notice: (text: string) => void,
  signal: AbortSignal,
): AsyncGenerator<EventFact, void> {
  let after = 0
  let lostAt: number | undefined
  for (let tries = 0; ; tries++) {
    try {
      for await (const { sessionEvents: item } of server.client.follow(EventsSubscription, { id, after }, signal)) {
        if (lostAt !== undefined) notice('the connection is back')
        lostAt = undefined
        tries = 0
        if (item.__typename !== 'SessionEvent') continue
        const event = factOf(item.event)
        yield event
        after = event.seq
        if (endsSession(event)) return
      }
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
    }
    if (signal.aborted) return
    if (lostAt === undefined) notice('the connection is lost; it is taken up again')
    lostAt ??= Date.now()
    if (Date.now() - lostAt > GIVE_UP_MS) {
      throw new Failure(`${server.client.url} cannot be reached any more. The session goes on when its server does.`)
    }
    await setTimeout(Math.min(50 * 2 ** tries, LONGEST_PAUSE_MS), undefined, { signal }).catch(() => {})
    await server.reopen()
  }
}
