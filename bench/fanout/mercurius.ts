/** mercurius on fastify with its own publish and subscribe, as it comes. It listens at TUTTI_PORT. */
import { loadPeer } from '../peer.ts'
import { hearEvents, SDL, type Shown } from './source.ts'

interface PubSub {
  publish(message: { topic: string; payload: unknown }): void
  subscribe(topic: string): Promise<AsyncIterable<unknown>>
}

/** As much of fastify as is needed here. */
interface Fastify {
  register(plugin: unknown, options: object): unknown
  get(path: string, handler: () => unknown): unknown
  ready(): Promise<unknown>
  listen(options: { port: number; host: string }): Promise<unknown>
  graphql: { pubsub: PubSub }
}

const { default: createFastify } = (await loadPeer('fastify')) as { default: () => Fastify }
const { default: mercurius } = (await loadPeer('mercurius')) as { default: unknown }

const app = createFastify()
app.register(mercurius, {
  schema: SDL,
  subscription: { fullWsTransport: false },
  jit: 1,
  resolvers: {
    SessionEventItem: { resolveType: ({ __typename }: Shown) => __typename },
    Subscription: {
      sessionEvents: {
        subscribe: (_root: unknown, _args: unknown, { pubsub }: { pubsub: PubSub }) => pubsub.subscribe('event'),
      },
    },
  },
})
app.get('/', () => 'ready')
await app.ready()
hearEvents((sessionEvents) => app.graphql.pubsub.publish({ topic: 'event', payload: { sessionEvents } }))
await app.listen({ port: Number(process.env['TUTTI_PORT']), host: '127.0.0.1' })
process.stdout.write('listening\n')
