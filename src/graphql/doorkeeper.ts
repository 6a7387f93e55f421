import type { IncomingMessage } from 'node:http'
import type { Plugin } from 'graphql-yoga'
import { GraphQLError } from 'graphql'
import type { Access, Denial, Guest } from './access.ts'
import type { Auditor } from './auditor.ts'
import type { Context } from './context.ts'
import { until } from './stopping.ts'

/** Stands at the doors: lets in, sends away, and shows out whoever may not stay any longer. */
export interface Doorkeeper {
  /** @param authorization what came with the request, or over its socket */
  enter(request: IncomingMessage, requestId: string, authorization?: string): Promise<Guest | Denial>
  /** Whether somebody would be let in; nothing is written down of it. */
  knows(request: IncomingMessage): Promise<boolean>
  /** Somebody was sent away before it was asked who it is. */
  sentAway(request: IncomingMessage, requestId: string, reason: { status: number; message: string }): void
  /**
   * Lets a WebSocket in, or closes it, now or once its guest may not stay any longer.
   *
   * @param payload what came with connection_init
   */
  enterSocket(
    request: IncomingMessage,
    requestId: string,
    payload: Readonly<Record<string, unknown>> | undefined,
    close: (code: number, reason: string) => void,
  ): Promise<Guest | undefined>
  /** Ends streams over HTTP with what to do, once whoever reads them may not stay any longer. */
  useLeave(): Plugin<Context>
}

/** Codes that close a WebSocket: graphql-transport-ws, and RFC 6455. */
const FORBIDDEN = 4403
const TRY_AGAIN = 1013
/** Bytes of the reason in a frame that closes a WebSocket. */
const REASON_BYTES = 123

export const isDenial = (outcome: Guest | Denial): outcome is Denial => 'status' in outcome

export function createDoorkeeper(access: Access, auditor: Auditor): Doorkeeper {
  const peerOf = ({ socket }: IncomingMessage): string => socket.remoteAddress ?? 'gone'
  const whatOf = ({ method = '', url = '' }: IncomingMessage): string => `${method} ${url.replace(/\?.*/s, '')}`

  async function enter(request: IncomingMessage, requestId: string, given?: string): Promise<Guest | Denial> {
    const authorization = given ?? request.headers.authorization
    const peer = peerOf(request)
    const outcome = await access.admit(request, authorization)
    if (!('status' in outcome)) return { ...outcome, peer, requestId }
    if (outcome.status === 401) {
      const code = authorization === undefined ? 'NO_TOKEN' : 'WRONG_TOKEN'
      const asker = { viewer: undefined, peer, requestId }
      auditor.refused(asker, { act: whatOf(request), code, detail: outcome.message })
    }
    return outcome
  }

  return {
    enter,
    knows: async (request) => !('status' in (await access.admit(request, request.headers.authorization))),
    sentAway(request, requestId, { status, message }) {
      const asker = { viewer: undefined, peer: peerOf(request), requestId }
      const code = status === 421 ? 'FOREIGN_HOST' : 'FOREIGN_ORIGIN'
      auditor.refused(asker, { act: whatOf(request), code, detail: message })
    },
    async enterSocket(request, requestId, payload, close) {
      const { authorization } = payload ?? {}
      const outcome = await enter(request, requestId, typeof authorization === 'string' ? authorization : undefined)
      if (isDenial(outcome)) {
        const { status, message } = outcome
        close(status === 401 ? FORBIDDEN : TRY_AGAIN, fitting(message))
        return undefined
      }
      const leave = access.watch(outcome, (why) => close(FORBIDDEN, fitting(why)))
      if (request.socket.destroyed) leave()
      else request.socket.once('close', leave)
      return outcome
    },
    useLeave: () => ({
      onSubscribe: ({ args }) => ({
        onSubscribeResult({ result, setResult }) {
          const { overSocket, guest } = args.contextValue as Context
          if (overSocket || !(Symbol.asyncIterator in result)) return
          const over = new AbortController()
          const leave = access.watch(guest, (why) => over.abort(why))
          const farewell = () =>
            new GraphQLError(String(over.signal.reason), { extensions: { code: 'UNAUTHENTICATED' } })
          setResult(until(result, over.signal, farewell, leave) as never)
        },
      }),
    }),
  }
}

/** As much of a sentence as a close frame takes. */
function fitting(text: string): string {
  if (Buffer.byteLength(text) <= REASON_BYTES) return text
  return `${Buffer.from(text)
    .subarray(0, REASON_BYTES - 3)
    .toString()
    .replace(/\uFFFD+$/, '')}…`
}
