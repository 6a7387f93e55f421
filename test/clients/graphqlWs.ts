import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type ApiClient, keepingNothing } from './client.ts'

/** graphql-ws, with everything over one WebSocket. */
export function open(url: string): ApiClient {
  const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 })
  return keepingNothing((request) => client.iterate(request), client.dispose)
}
