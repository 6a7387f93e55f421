import { Redis } from 'ioredis'

/** What one event shows to a subscriber of `sessionEvents`. */
export interface Shown {
  __typename: 'SessionEvent'
  cursor: number
  event: { seq: number; type: string; at: string; data: unknown }
}

export const SDL = `
  scalar DateTime
  scalar JSON
  type Query { ready: Boolean }
  type Subscription { sessionEvents(sessionId: ID!, after: Int): SessionEventItem! }
  union SessionEventItem = SessionSnapshot | SessionEvent
  type SessionSnapshot { seq: Int! }
  type SessionEvent { event: Event! cursor: Int! }
  type Event { seq: Int! type: String! at: DateTime! data: JSON }
`

/** The same of every contestant. */
export const QUERY = `subscription ($id: ID!) {
  sessionEvents(sessionId: $id) { __typename ... on SessionEvent { cursor event { seq type at data } } }
}`

export const CHANNEL = 'fanout'

/** Hears every event that is published, as a peer of ours does who has no rows to read. */
export function hearEvents(tell: (event: Shown) => void): void {
  const redis = new Redis(process.env['REDIS_URL'] as string)
  redis.on('message', (_channel: string, text: string) => tell(JSON.parse(text) as Shown))
  void redis.subscribe(CHANNEL)
}
