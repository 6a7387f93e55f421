import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import { WebSocketServer } from 'ws'
import type { Limits } from './limits.ts'
import { RESUME, STOPPING } from './stopping.ts'
import { Connection, type Enveloped, PROTOCOL, type Switchboard } from './transport/connection.ts'
import type { Subscription } from './transport/message.ts'
import { Pacer } from './transport/pacer.ts'

/** How often each socket is looked after, in milliseconds. */
const LOOK_MS = 1_000
/** So many times in that, each time some of them. */
const LOOKS = 20

interface Options {
  limits: Limits
  log: Logger
  /** Why this request may not become a socket, as status and message. */
  refuse(request: IncomingMessage): { status: number; message: string } | undefined
  /**
   * False: whoever says this in connection_init may not come in.
   *
   * @param close closes the socket with a code and a reason, also later
   */
  admit(
    request: IncomingMessage,
    payload: Readonly<Record<string, unknown>> | undefined,
    close: (code: number, reason: string) => void,
  ): Promise<boolean>
  envelop(request: IncomingMessage, params: Subscription): Enveloped
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

/** GraphQL over WebSocket (graphql-transport-ws) on an HTTP server, see docs/decisions/0009. */
export function serveSockets(server: Server, { limits, log, refuse, admit, envelop, mask }: Options): Sockets {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.bodyBytes,
    perMessageDeflate: false,
    // Without one in common the socket opens, to be closed with the reason.
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  })
  let draining = false
  const board: Switchboard = {
    limits,
    log,
    pacer: new Pacer(),
    isDraining: () => draining,
    asked: new Set(),
    mask,
  }
  const connections = new Set<Connection>()
  const perAddress = new Map<string, number>()
  const count = (address: string, more: 1 | -1): void => {
    const number = (perAddress.get(address) ?? 0) + more
    if (number > 0) perAddress.set(address, number)
    else perAddress.delete(address)
  }

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.on('error', () => stream.destroy())
    const address = request.socket.remoteAddress ?? ''
    const refusal =
      refuse(request) ??
      (draining ? { status: 503, message: STOPPING } : undefined) ??
      (connections.size >= limits.sockets ? { status: 503, message: 'too many sockets' } : undefined) ??
      ((perAddress.get(address) ?? 0) >= limits.socketsPerAddress
        ? { status: 429, message: 'too many sockets from your address' }
        : undefined)
    if (refusal) {
      const { status, message } = refusal
      const head = `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: text/plain\r\n`
      return void stream.end(`${head}content-length: ${Buffer.byteLength(message)}\r\n\r\n${message}`)
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const connection = new Connection(board, socket, stream, {
        admit: (payload) => admit(request, payload, (code, reason) => connection.close(code, reason)),
        envelop: (params) => envelop(request, params),
      })
      connections.add(connection)
      count(address, 1)
      socket.on('close', () => {
        connections.delete(connection)
        count(address, -1)
      })
    })
  }

  // A few at a time: nobody's message waits for the pings of ten thousand others.
  let turn: Iterator<Connection> = connections.values()
  const looking = setInterval(() => {
    for (let left = Math.ceil(connections.size / LOOKS); left > 0; left--) {
      const { done, value } = turn.next()
      if (!done) value.look()
      else turn = connections.values()
    }
  }, LOOK_MS / LOOKS)
  looking.unref()

  server.on('upgrade', upgrade)
  const close = (): void => {
    draining = true
    clearInterval(looking)
    for (const connection of connections) connection.close(1001, RESUME)
  }
  return {
    async drain() {
      draining = true
      while (board.asked.size > 0) await Promise.allSettled(board.asked)
      close()
    },
    close,
  }
}
