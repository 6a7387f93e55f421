import {
  type AnyVariables,
  cacheExchange,
  Client,
  fetchExchange,
  type OperationResult,
  subscriptionExchange,
} from '@urql/core'
import { createClient } from 'graphql-ws'
import { pipe, toAsyncIterable } from 'wonka'
import { WebSocket } from 'ws'
import { type ApiClient, type Events, type SessionsPage, twoPages } from './client.ts'
import { DOCUMENTS } from './documents.ts'

/** urql with its cache of documents; subscriptions over WebSocket. */
export function open(url: string): ApiClient {
  const sockets = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 })
  return using(
    new Client({
      url,
      preferGetMethod: false,
      exchanges: [
        cacheExchange,
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: ({ query = '', variables }) => ({
            subscribe: (sink) => ({
              unsubscribe: sockets.subscribe({ query, variables: { ...variables } }, sink as never),
            }),
          }),
        }),
      ],
    }),
    sockets.dispose,
  )
}

/** The same with subscriptions as server-sent events, which urql's own fetchExchange reads. */
export function openSse(url: string): ApiClient {
  return using(
    new Client({ url, preferGetMethod: false, exchanges: [cacheExchange, fetchExchange], fetchSubscriptions: true }),
    () => {},
  )
}

function using(client: Client, close: ApiClient['close']): ApiClient {
  const dataOf = <Data>({ data, error }: OperationResult<Data, AnyVariables>): Data => {
    if (error || !data) throw error ?? new Error('nothing was answered')
    return data
  }
  return {
    ask: async (name, variables) =>
      dataOf(
        DOCUMENTS[name].startsWith('mutation')
          ? await client.mutation(DOCUMENTS[name], variables)
          : await client.query(DOCUMENTS[name], variables),
      ),
    pages: (id, first) =>
      twoPages(async (after) => dataOf(await client.query<SessionsPage>(DOCUMENTS.Sessions, { id, first, after }))),
    async *follow(id, after) {
      const results = pipe(client.subscription<Events>(DOCUMENTS.Events, { id, after }), toAsyncIterable)
      for await (const result of results) {
        // The last result once more: there is nothing behind it.
        if (!result.hasNext && !result.error) return
        yield dataOf(result).sessionEvents
      }
    },
    close,
  }
}
