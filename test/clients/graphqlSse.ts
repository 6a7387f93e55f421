import { createClient } from 'graphql-sse'
import { type ApiClient, keepingNothing } from './client.ts'

/** graphql-sse, with everything as server-sent events. */
export function open(url: string): ApiClient {
  const client = createClient({ url, retryAttempts: 0 })
  return keepingNothing((request) => client.iterate(request), client.dispose)
}
