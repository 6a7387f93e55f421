import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, type OperationVariables } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { relayStylePagination } from '@apollo/client/utilities'
import { createClient } from 'graphql-ws'
import { filter, firstValueFrom } from 'rxjs'
import { WebSocket } from 'ws'
import { type ApiClient, type Events, type SessionsPage, streamOf } from './client.ts'
import { DOCUMENTS } from './documents.ts'

/** Apollo Client with its normalised cache; subscriptions over WebSocket. */
export async function open(url: string): Promise<ApiClient> {
  const sockets = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 })
  const cache = new InMemoryCache({
    possibleTypes: await possibleTypes(url),
    typePolicies: {
      Project: { fields: { sessions: relayStylePagination() } },
      // Each item of a stream stands for itself.
      Subscription: { fields: { sessionEvents: { merge: false } } },
    },
  })
  const client = new ApolloClient({
    cache,
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      new GraphQLWsLink(sockets),
      new HttpLink({ uri: url }),
    ),
  })
  const ask = async <Data>(document: string, variables: object): Promise<Data> => {
    const given = { variables: variables as OperationVariables }
    const { data, error } = document.startsWith('mutation')
      ? await client.mutate({ mutation: gql(document), ...given })
      : await client.query({ query: gql(document), ...given })
    if (error || !data) throw error ?? new Error('nothing was answered')
    return data as Data
  }
  const idsOf = ({ node }: SessionsPage) => node.sessions.edges.map((edge) => edge.node.id)
  return {
    ask: (name, variables) => ask(DOCUMENTS[name], variables),
    async pages(id, first) {
      const query = client.watchQuery<SessionsPage>({ query: gql(DOCUMENTS.Sessions), variables: { id, first } })
      const page = (await firstValueFrom(query.pipe(filter(({ dataState }) => dataState === 'complete'))))
        .data as SessionsPage
      const { totalCount, pageInfo } = page.node.sessions
      await query.fetchMore({ variables: { after: pageInfo.endCursor } })
      return { totalCount, first: idsOf(page), both: idsOf(query.getCurrentResult().data as SessionsPage) }
    },
    follow: (id, after) =>
      streamOf((sink) => {
        const events = client.subscribe<Events>({ query: gql(DOCUMENTS.Events), variables: { id, after } })
        const subscription = events.subscribe({
          next({ data, error }) {
            if (error) sink.error(error)
            else sink.next((data as Events).sessionEvents)
          },
          complete: sink.complete,
        })
        return () => subscription.unsubscribe()
      }),
    held: (id) => cache.extract()[`Project:${id}`] as { id: string; name: string } | undefined,
    async close() {
      client.stop()
      await sockets.dispose()
    },
  }
}

/** Which types an interface or a union stands for: the cache has to know for fragments on them. */
async function possibleTypes(url: string): Promise<Record<string, string[]>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ __schema { types { name possibleTypes { name } } } }' }),
  })
  const { data } = (await response.json()) as {
    data: { __schema: { types: { name: string; possibleTypes: { name: string }[] | null }[] } }
  }
  return Object.fromEntries(
    data.__schema.types.flatMap(({ name, possibleTypes }) =>
      possibleTypes ? [[name, possibleTypes.map((type) => type.name)]] : [],
    ),
  )
}
