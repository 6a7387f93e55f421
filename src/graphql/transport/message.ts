/** What a client of graphql-transport-ws may say. */
export type Message =
  | { type: 'connection_init' | 'ping' | 'pong'; payload?: Record<string, unknown> }
  | { type: 'subscribe'; id: string; payload: Subscription }
  | { type: 'complete'; id: string }

export interface Subscription {
  query: string
  operationName?: string | null
  variables?: Record<string, unknown> | null
  extensions?: Record<string, unknown> | null
}

/** An id stands in every message of its operation. */
const ID_LENGTH = 128

/** Reads a message; what is wrong with it comes back as text, short enough for a close frame. */
export function readMessage(text: string): Message | string {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return 'A message must be JSON'
  }
  if (!isObject(message)) return 'A message must be an object'
  const { type, id, payload } = message
  switch (type) {
    case 'connection_init':
    case 'ping':
    case 'pong':
      return payload == null || isObject(payload) ? (message as Message) : `The payload of ${type} must be an object`
    case 'complete':
      return isId(id) ? { type, id } : WRONG_ID
    case 'subscribe': {
      if (!isId(id)) return WRONG_ID
      if (!isObject(payload) || typeof payload['query'] !== 'string') return 'subscribe needs payload.query, a text'
      const { operationName, variables, extensions } = payload
      if (operationName != null && typeof operationName !== 'string') return 'operationName must be a text'
      if (variables != null && !isObject(variables)) return 'variables must be an object'
      if (extensions != null && !isObject(extensions)) return 'extensions must be an object'
      return message as Message
    }
    default:
      return 'Unknown type of message: a client sends connection_init, ping, pong, subscribe and complete'
  }
}

const WRONG_ID = `id must be a text of 1 to ${ID_LENGTH} characters`
const isId = (id: unknown): id is string => typeof id === 'string' && id.length > 0 && id.length <= ID_LENGTH
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
