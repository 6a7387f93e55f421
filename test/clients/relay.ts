import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import relay from 'relay-runtime'
import type { ConcreteRequest, GraphQLResponse, ReaderFragment } from 'relay-runtime'
import { WebSocket } from 'ws'
import { type ApiClient, type Answered, type Events, streamOf } from './client.ts'

interface Sessions {
  id: string
  sessions: { totalCount: number; edges: { node: { id: string } }[]; pageInfo: { endCursor: string | null } }
}

/** Relay with its normalised store: what its compiler made of relay/tutti.js. Subscriptions over WebSocket. */
export function open(url: string): ApiClient {
  const { folder, artifact } = compiled()
  const sockets = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 })
  const environment = new relay.Environment({
    store: new relay.Store(new relay.RecordSource()),
    network: relay.Network.create(
      async ({ text }, variables) => {
        const body = JSON.stringify({ query: text, variables })
        const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
        return (await response.json()) as GraphQLResponse
      },
      ({ text }, variables) =>
        relay.Observable.create<GraphQLResponse>((sink) =>
          sockets.subscribe<Record<string, unknown>>({ query: text ?? '', variables }, sink as never),
        ),
    ),
  })
  const request = (name: string) => artifact(name) as ConcreteRequest
  const query = async <Data>(asked: ConcreteRequest, variables: object): Promise<Data> => {
    const given = { ...variables }
    return (await relay.fetchQuery(environment, asked, given).toPromise()) as Data
  }
  const mutate = (mutation: ConcreteRequest, variables: object): Promise<Answered> =>
    new Promise((resolve, reject) => {
      relay.commitMutation(environment, {
        mutation,
        variables: { ...variables },
        onCompleted: (answered) => resolve(answered as Answered),
        onError: reject,
      })
    })

  return {
    ask: (name, variables) =>
      name === 'Project'
        ? query(request('tuttiProjectQuery'), variables)
        : mutate(request(`tutti${name}Mutation`), variables),
    async pages(id, first) {
      const { project } = await query<{ project: object }>(request('tuttiSessionsQuery'), { id, first })
      const fragment = artifact('tutti_sessions') as ReaderFragment
      // As usePaginationFragment does it: what is shown grows by the page that the fragment's own query fetches.
      const selector = relay.getSingularSelector(fragment, project)
      if (!selector) throw new Error('the project is not there')
      const shown = () => environment.lookup(selector).data as unknown as Sessions
      const idsOf = ({ sessions }: Sessions) => sessions.edges.map((edge) => edge.node.id)
      const page = shown()
      const { paginationRequest, paginationMetadata } = relay.getPaginationMetadata(fragment, 'pages')
      const cursor = page.sessions.pageInfo.endCursor
      const more = relay.getPaginationVariables('forward', first, cursor, { first }, {}, paginationMetadata)
      await query(paginationRequest as ConcreteRequest, { ...more, id })
      return { totalCount: page.sessions.totalCount, first: idsOf(page), both: idsOf(shown()) }
    },
    follow: (id, after) =>
      streamOf((sink) => {
        const { dispose } = relay.requestSubscription(environment, {
          subscription: request('tuttiEventsSubscription'),
          variables: { id, after },
          onNext: (data) => sink.next((data as Events).sessionEvents),
          onError: sink.error,
          onCompleted: sink.complete,
        })
        return dispose
      }),
    held: (id) => environment.getStore().getSource().get(id) as { id: string; name: string } | undefined,
    async close() {
      await sockets.dispose()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Its program for this machine; the package has no types. */
const relayCompiler = createRequire(import.meta.url)('relay-compiler') as string

/** Runs Relay's compiler on a project of its own in a temporary folder. */
function compiled(): { folder: string; artifact(name: string): unknown } {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-relay-'))
  for (const name of ['source', 'artifacts']) mkdirSync(join(folder, name))
  copyFileSync(new URL('relay/tutti.js', import.meta.url), join(folder, 'source/tutti.js'))
  copyFileSync(new URL('../../schema.graphql', import.meta.url), join(folder, 'schema.graphql'))
  const config = {
    src: './source',
    schema: './schema.graphql',
    artifactDirectory: './artifacts',
    language: 'javascript',
    eagerEsModules: false,
  }
  writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(config))
  const require = createRequire(join(folder, 'artifacts/'))
  execFileSync(relayCompiler, ['--noWatchman', '--output', 'quiet-with-errors'], { cwd: folder, stdio: 'inherit' })
  return { folder, artifact: (name) => require(`./${name}.graphql.js`) as unknown }
}
