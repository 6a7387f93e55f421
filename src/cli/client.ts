import type { Client as Socket } from 'graphql-ws'
import type { TypedDocumentString } from '../generated/gql/graphql.ts'
import { Failure } from './failure.ts'

/** The server cannot be reached at the moment. */
export class Unreachable extends Error {
  override name = 'Unreachable'
}

/** A server, as the command line talks to it. */
export interface Client {
  /** Its address without a path. */
  readonly url: string
  /** What is sent to be let in; nothing where nothing is needed. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Asks one question.
   *
   * @throws Unreachable; Failure if the server refuses it
   */
  ask<Result, Variables>(document: TypedDocumentString<Result, Variables>, variables: Variables): Promise<Result>
  /**
   * Follows a subscription. It ends when the server has nothing more to say, or when `signal` fires.
   *
   * @throws Unreachable when the connection is lost; Failure if the server refuses it
   */
  follow<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    variables: Variables,
    signal: AbortSignal,
  ): AsyncIterableIterator<Result>
  /** Ends all subscriptions. */
  close(): void
}

/** A question that gets no answer within this time, in milliseconds, gets none. */
const PATIENCE_MS = 60_000
/** How often the server is asked whether it still lives, and how long it may take to say so, in milliseconds. */
const PING_MS = 10_000
const PONG_MS = 5_000

/** @param secret of a token; undefined: none is needed */
export function createClient(url: string, secret?: string): Client {
  const headers: Record<string, string> = secret === undefined ? {} : { authorization: `Bearer ${secret}` }
  let socket: Promise<Socket> | undefined
  const endpoint = new URL('/graphql', url)
  return {
    url,
    headers,
    ask: (document, variables) => ask(endpoint, headers, String(document), variables),
    async *follow(document, variables, signal) {
      socket ??= openSocket(endpoint, headers)
      const query = String(document)
      const answers = (await socket).iterate({ query, variables: variables as never })
      const leave = (): void => void answers.return?.()
      signal.addEventListener('abort', leave)
      try {
        if (signal.aborted) return
        for await (const { data, errors } of answers) {
          if (errors !== undefined) throw errors
          yield data as never
        }
      } catch (error) {
        throw asFailure(error, url)
      } finally {
        signal.removeEventListener('abort', leave)
        leave()
      }
    },
    close: () => void socket?.then((open) => open.dispose()),
  }
}

async function ask<Result>(
  endpoint: URL,
  headers: Readonly<Record<string, string>>,
  query: string,
  variables: unknown,
): Promise<Result> {
  let response: Response
  let text: string
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
      },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    text = await response.text()
  } catch (error) {
    const { cause, message } = error as Error
    const why = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : message
    throw new Unreachable(`No server answers at ${endpoint.origin} (${why}). Start one with \`tutti serve\`.`)
  }
  const answer = parse(text)
  // It is stopping: another one may be in its place by the next try.
  if (response.status === 503) throw new Unreachable(answer?.errors?.[0]?.message ?? `${endpoint.origin} is not ready.`)
  if (response.status === 401) throw new Failure(notLetIn(answer?.errors?.[0]?.message, headers))
  if (answer?.errors) throw refusal(answer.errors)
  if (!answer?.data) {
    throw new Failure(`What answers at ${endpoint} is no server of tutti (status ${response.status}). Check --server.`)
  }
  return answer.data as Result
}

/** What to do about it, on the command line. */
function notLetIn(message: string | undefined, { authorization }: Readonly<Record<string, string>>): string {
  const next = authorization === undefined ? 'Set TUTTI_TOKEN to one.' : 'Check TUTTI_TOKEN.'
  return `${message ?? 'The server lets nobody in without a token.'} ${next}`
}

interface Answer {
  data?: unknown
  errors?: readonly { message: string }[]
}

function parse(text: string): Answer | undefined {
  try {
    const answer: unknown = JSON.parse(text)
    return answer !== null && typeof answer === 'object' ? answer : undefined
  } catch {
    return undefined
  }
}

const refusal = (errors: readonly { message: string }[]): Failure =>
  new Failure(errors.map(({ message }) => message).join('\n'))

/** One WebSocket for all subscriptions. It is not opened again when it closes: whoever follows knows where to go on. */
async function openSocket(endpoint: URL, headers: Readonly<Record<string, string>>): Promise<Socket> {
  const { createClient: createSocket } = await import('graphql-ws')
  const url = new URL(endpoint)
  url.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:'
  let silence: NodeJS.Timeout | undefined
  const socket = createSocket({
    url: url.href,
    connectionParams: headers,
    retryAttempts: 0,
    keepAlive: PING_MS,
    connectionAckWaitTimeout: PING_MS,
    on: {
      ping: (received) => {
        if (!received) silence = setTimeout(() => socket.terminate(), PONG_MS)
      },
      pong: (received) => {
        if (received) clearTimeout(silence)
      },
      closed: () => clearTimeout(silence),
    },
  })
  return socket
}

/** Close codes with which a server says that it will not have it, whatever the number of attempts. */
const isRefusal = (code: number): boolean => code >= 4400 && code < 4500 && code !== 4408 && code !== 4418

/** Codes with which a server ends a stream that goes on over another connection. */
const GOES_ON = new Set(['TOO_SLOW', 'RENEW', 'GOING_AWAY'])

function asFailure(error: unknown, url: string): Error {
  if (Array.isArray(error)) {
    const errors = error as { message: string; extensions?: { code?: string } }[]
    const isOver = errors.every(({ extensions }) => !GOES_ON.has(extensions?.code ?? ''))
    return isOver ? refusal(errors) : new Unreachable(errors.map(({ message }) => message).join('\n'))
  }
  const { code, reason } = error as { code?: unknown; reason?: unknown }
  if (typeof code === 'number' && isRefusal(code)) return new Failure(`${url} refuses: ${String(reason)} (${code})`)
  return new Unreachable(`The connection to ${url} is lost.`)
}
