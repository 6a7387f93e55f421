import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ExecutionArgs, GraphQLError } from 'graphql'
import { CloseCode, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Limits } from './limits.ts'
import { RESUME, STOPPING } from './stopping.ts'

/** How often a socket is asked whether it still lives, in milliseconds; one that has not answered by then is ended. */
const PING_MS = 12_000

/** What an operation over a socket needs: everything of it is as over HTTP. */
export interface Enveloped {
  parse(query: string): unknown
  validate(schema: unknown, document: unknown): readonly GraphQLError[]
  execute(args: ExecutionArgs): unknown
  subscribe(args: ExecutionArgs): unknown
  contextFactory(): unknown
  schema: unknown
}

interface Options {
  limits: Limits
  log: Logger
  /** Why this request may not become a socket, as status and message. */
  refuse(request: IncomingMessage): { status: number; message: string } | undefined
  envelop(request: IncomingMessage, params: SubscribePayload): Enveloped
  /** Makes an error fit to be seen. */
  mask(error: unknown): GraphQLError
}

/** The sockets that are open. */
export interface Sockets {
  /** Takes nothing new, and ends every socket as soon as what was asked before is answered; says how to go on. */
  drain(): Promise<void>
  /** Ends every socket now. */
  close(): void
}

type Extra = { request: IncomingMessage }
type RootValue = Pick<Enveloped, 'execute' | 'subscribe'>

/**
 * GraphQL over WebSocket (graphql-transport-ws) on an HTTP server. What is wrong with an operation is answered to that
 * operation; the socket and the others on it go on. A message is sent once the one before has left this process, so a
 * slow reader slows its own operations and nothing piles up.
 */
export function serveSockets(server: Server, { limits, log, refuse, envelop, mask }: Options): Sockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.bodyBytes,
    perMessageDeflate: false,
    handleProtocols,
  })
  /** Queries and mutations that are not answered yet. */
  const asked = new Set<Promise<unknown>>()
  let draining = false
  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: limits.connectionInitMs,
    execute: (args) => answered(() => (args.rootValue as RootValue).execute(args)) as never,
    subscribe: (args) => guarded(() => (args.rootValue as RootValue).subscribe(args)) as never,
    async onSubscribe({ subscriptions, extra: { request } }, _id, params) {
      if (draining) return [new GraphQLError(STOPPING, { extensions: { code: 'GOING_AWAY' } })]
      const count = Object.keys(subscriptions).length
      if (count > limits.operationsPerSocket) {
        const message = `More than ${limits.operationsPerSocket} operations at once on one socket: end one of them, or open another socket`
        return [new GraphQLError(message, { extensions: { code: 'LIMIT' } })]
      }
      try {
        const { parse, validate, execute, subscribe, contextFactory, schema } = envelop(request, params)
        const document = parse(params.query)
        const problems = validate(schema, document)
        if (problems.length > 0) return problems.map(withoutHttp)
        return {
          schema,
          document,
          operationName: params.operationName,
          variableValues: params.variables,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe } satisfies RootValue,
        } as never
      } catch (error) {
        return [withoutHttp(mask(error))]
      }
    },
  })

  async function answered(run: () => unknown): Promise<unknown> {
    const answer = guarded(run)
    asked.add(answer)
    return answer.finally(() => asked.delete(answer))
  }

  /** Otherwise an error here would end the socket with everything on it. */
  async function guarded(run: () => unknown): Promise<unknown> {
    try {
      return await run()
    } catch (error) {
      return { errors: [mask(error)].map(withoutHttp) }
    }
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const refusal =
      refuse(request) ??
      (draining ? { status: 503, message: STOPPING } : undefined) ??
      (sockets.clients.size >= limits.sockets ? { status: 503, message: 'too many sockets' } : undefined)
    if (refusal) {
      const { status, message } = refusal
      const head = `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: text/plain\r\n`
      return void socket.end(`${head}content-length: ${Buffer.byteLength(message)}\r\n\r\n${message}`)
    }
    sockets.handleUpgrade(request, socket, head, (opened) => serve(opened, request))
  }

  function serve(socket: WebSocket, request: IncomingMessage): void {
    let alive = true
    const ping = setInterval(() => {
      if (!alive) return socket.terminate()
      alive = false
      socket.ping()
    }, PING_MS)
    ping.unref()
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) =>
          new Promise((resolve) => {
            if (socket.readyState !== socket.OPEN) return resolve()
            // An error here means that the socket is about to close, which ends its operations.
            socket.send(data, () => resolve())
          }),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (receive) => {
          socket.on('message', (data) => {
            alive = true
            receive(String(data)).catch((error: unknown) => {
              log.error({ err: error }, 'a message on a socket could not be handled')
              socket.close(CloseCode.InternalServerError, 'Internal server error')
            })
          })
        },
      },
      { request },
    )
    socket.on('pong', () => {
      alive = true
    })
    socket.on('error', (error) => log.debug({ err: error }, 'a socket failed'))
    socket.on('close', (code, reason) => {
      clearInterval(ping)
      closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'a socket could not be left'))
    })
  }

  server.on('upgrade', upgrade)
  const close = (): void => {
    draining = true
    for (const socket of sockets.clients) socket.close(1001, RESUME)
  }
  return {
    async drain() {
      draining = true
      while (asked.size > 0) await Promise.all(asked)
      close()
    },
    close,
  }
}

/** The status that an error means over HTTP is of no account here. */
function withoutHttp(error: GraphQLError): GraphQLError {
  const { http: _, ...extensions } = error.extensions
  return new GraphQLError(error.message, {
    ...(error.nodes && { nodes: error.nodes }),
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions,
  })
}
