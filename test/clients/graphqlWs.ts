import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type ApiClient, keepingNothing } from './client.ts'

/** graphql-ws, with everything over one WebSocket. */
export function open(url: string): ApiClient {
  return connecting(url, 0)
}

/** The same, which connects again by itself as soon as the connection is lost. */
export function openAgain(url: string): ApiClient {
  return connecting(url, 5)
}

function connecting(url: string, retryAttempts: number): ApiClient {
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts,
    retryWait: async () => {},
  })
  return keepingNothing((request) => client.iterate(request), client.dispose)
}
