/** GraphQL Yoga with its own publish and subscribe, and graphql-ws, as both come. It listens at TUTTI_PORT. */
import { createServer } from 'node:http'
import type { ServerOptions } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { WebSocketServer } from 'ws'
import { hearEvents, SDL, type Shown } from './source.ts'

const events = createPubSub<{ event: [Shown] }>()
const schema = createSchema({
  typeDefs: SDL,
  resolvers: {
    Subscription: {
      sessionEvents: { subscribe: () => events.subscribe('event'), resolve: (shown: Shown) => shown },
    },
  },
})
const yoga = createYoga({ schema, logging: false })
const server = createServer((request, response) => {
  if (request.url === '/') response.end('ready')
  else void yoga(request, response)
})
/** Everything of an operation is as over HTTP, as the documentation of Yoga has it. */
const options: ServerOptions = {
  // On a busy machine a thousand of them take their time to say hello.
  connectionInitWaitTimeout: 60_000,
  execute: (args) => (args.rootValue as ReturnType<typeof yoga.getEnveloped>).execute(args),
  subscribe: (args) => (args.rootValue as ReturnType<typeof yoga.getEnveloped>).subscribe(args),
  async onSubscribe(context, _id, params) {
    const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
      ...context,
      params,
    } as never)
    const args = {
      schema,
      operationName: params.operationName,
      document: parse(params.query),
      variableValues: params.variables,
      contextValue: await contextFactory(),
      rootValue: { execute, subscribe },
    }
    const errors = validate(args.schema, args.document)
    return errors.length > 0 ? errors : (args as never)
  },
}
// Otherwise it takes its own slowness for their death.
const KEEP_ALIVE_MS = 120_000
useServer(options, new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false }), KEEP_ALIVE_MS)
hearEvents((shown) => events.publish('event', shown))
server.listen({ port: Number(process.env['TUTTI_PORT']), host: '127.0.0.1', backlog: 4_096 }, () =>
  process.stdout.write('listening\n'),
)
