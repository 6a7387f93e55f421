import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { isEnded, type SessionStatus } from '../../src/core/session.ts'
import type { Random } from '../sim/random.ts'
import { pickMember } from './ask.ts'
import type { Members } from './members.ts'

/** A connection whose server is silent for this long after a ping is given up, in milliseconds. */
const SILENCE_MS = 1_500
const PAUSE_MS = 100

const QUERY = `subscription ($id: ID!, $after: Int!) { sessionEvents(sessionId: $id, after: $after) {
  ... on SessionEvent { event { seq type } } } }`

/** What a subscriber has seen of a session, over all its connections. */
export interface Seen {
  seqs: number[]
  /** The status that the session ended with, by its last event. */
  ending?: SessionStatus
  /** Connections that it took. */
  connections: number
}

/** The status that an event says the session has ended with; undefined: it says nothing of the kind. */
export function endingOf(type: string): SessionStatus | undefined {
  const status = type.slice('SESSION_'.length) as SessionStatus
  return type.startsWith('SESSION_') && isEnded(status) ? status : undefined
}

/** Follows a session to its end; whenever a connection is lost it goes on behind the last event, on any server. */
export async function follow(members: Members, random: Random, id: string, signal: AbortSignal): Promise<Seen> {
  const seen: Seen = { seqs: [], connections: 0 }
  while (seen.ending === undefined && !signal.aborted) {
    const { url } = await pickMember(members, random)
    seen.connections++
    await read(url, id, seen, signal).catch(() => pause(PAUSE_MS))
  }
  return seen
}

class Impatient extends WebSocket {
  constructor(url: string, protocols: string) {
    super(url, protocols, { handshakeTimeout: SILENCE_MS })
  }
}

async function read(url: string, id: string, seen: Seen, signal: AbortSignal): Promise<void> {
  let socket: WebSocket | undefined
  let silence: NodeJS.Timeout | undefined
  const giveUp = (): void => socket?.terminate()
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: Impatient,
    retryAttempts: 0,
    connectionAckWaitTimeout: SILENCE_MS,
    keepAlive: SILENCE_MS,
    on: {
      opened: (opened) => (socket = opened as WebSocket),
      ping: (received) => {
        if (!received) silence = setTimeout(giveUp, SILENCE_MS)
      },
      pong: (received) => {
        if (received) clearTimeout(silence)
      },
    },
  })
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    const variables = { id, after: seen.seqs.at(-1) ?? 0 }
    for await (const { data } of client.iterate<{ sessionEvents: { event?: { seq: number; type: string } } }>({
      query: QUERY,
      variables,
    })) {
      const event = data?.sessionEvents.event
      if (!event) continue
      seen.seqs.push(event.seq)
      const ending = endingOf(event.type)
      if (ending !== undefined) seen.ending = ending
    }
  } finally {
    clearTimeout(silence)
    signal.removeEventListener('abort', giveUp)
    giveUp()
    await client.dispose()
  }
}
