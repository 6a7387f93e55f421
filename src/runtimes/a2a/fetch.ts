import { type IncomingMessage, request as requestHttp, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { ReadableStream } from 'node:stream/web'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Address,
  type AllowPrivate,
  checkAddress,
  ForbiddenAddress,
  isAllowed,
  type Resolve,
} from './addresses.ts'
import { RemoteFailure } from './failure.ts'

export interface FetchOptions {
  allowPrivate: AllowPrivate
  resolve: Resolve
  /** Headers that are secret, and the origins that they are sent to. */
  secrets: { headers: Readonly<Record<string, string>>; origins: readonly string[] }
  /** How long a name may take to be found and a connection to be made, in milliseconds. */
  connectMs: number
  /** Bytes of an answer that is not a stream of events. */
  answerBytes: number
}

/** As much of fetch as the protocol needs. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** Errors of sockets and resolvers before a connection stands. */
const NOT_THERE = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|ETIMEDOUT)$/
/** Answers without a body. */
const BODILESS = new Set([101, 204, 205, 304])

/**
 * A fetch that goes where it may and nowhere else: every address is checked, the connection is made to the very address
 * that was checked, redirects are not followed, and answers are bounded. Secrets go to their own origins alone, and never
 * in clear over the internet.
 *
 * @returns a function that throws RemoteFailure
 */
export function createFetch(options: FetchOptions): Fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const addresses = await addressesOf(url, options)
    const headers = { ...Object.fromEntries(new Headers(init.headers)), ...secretsFor(url, options) }
    const body = typeof init.body === 'string' ? init.body : undefined
    const response = await send(url, addresses, { method: init.method ?? 'GET', headers, body }, init.signal, options)
    return answerOf(url, response, options.answerBytes)
  }
}

async function addressesOf(url: URL, { allowPrivate, resolve, connectMs }: FetchOptions): Promise<readonly Address[]> {
  const patience = new AbortController()
  const late = pause(connectMs, undefined, { signal: patience.signal, ref: false }).then(() => {
    throw new RemoteFailure('UNAVAILABLE', `The name ${url.hostname} was not found within ${connectMs} ms`, {
      unsent: true,
    })
  })
  late.catch(() => {})
  try {
    return await Promise.race([checkAddress(url, allowPrivate, resolve), late])
  } catch (error) {
    if (error instanceof RemoteFailure) throw error
    if (error instanceof ForbiddenAddress) throw new RemoteFailure('VALIDATION', error.message, { unsent: true })
    const message = `${url.hostname} cannot be found: ${(error as Error).message}. Check the address and the network.`
    throw new RemoteFailure('UNAVAILABLE', message, { unsent: true, cause: error })
  } finally {
    patience.abort()
  }
}

function secretsFor(url: URL, { secrets, allowPrivate }: FetchOptions): Readonly<Record<string, string>> {
  if (Object.keys(secrets.headers).length === 0 || !secrets.origins.includes(url.origin)) return {}
  if (url.protocol === 'https:' || isAllowed(allowPrivate, url)) return secrets.headers
  const message = `The secrets of this agent would go to ${url.origin} in clear: use https, or allow its host in allowPrivate.`
  throw new RemoteFailure('VALIDATION', message, { unsent: true })
}

function send(
  url: URL,
  addresses: readonly Address[],
  { body, ...asked }: { method: string; headers: Record<string, string>; body: string | undefined },
  signal: AbortSignal | null | undefined,
  { connectMs }: FetchOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      ...asked,
      lookup: lookupOf(addresses),
      agent: false,
      ...(signal && { signal }),
    }
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options)
    let connected = false
    const impatience = setTimeout(() => {
      const message = `${url.origin} did not take a connection within ${connectMs} ms`
      request.destroy(new RemoteFailure('UNAVAILABLE', message, { unsent: true }))
    }, connectMs).unref()
    request.once('socket', (socket) =>
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        connected = true
        clearTimeout(impatience)
      }),
    )
    request.once('response', resolve)
    request.once('close', () => clearTimeout(impatience))
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error instanceof RemoteFailure || error.name === 'AbortError') return reject(error)
      const unsent = !connected || NOT_THERE.test(error.code ?? '')
      const message = `${url.origin} cannot be reached: ${error.message || error.code}. Check that the agent runs.`
      reject(new RemoteFailure('UNAVAILABLE', message, { unsent, cause: error }))
    })
    request.end(body)
  })
}

/** Whoever asks for the name is given what was checked. */
function lookupOf(addresses: readonly Address[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses as [Address]
    if (all) callback(null, [...addresses])
    else callback(null, first.address, first.family)
  }
}

/** @throws RemoteFailure for answers that are none of the protocol's */
function answerOf(url: URL, response: IncomingMessage, maxBytes: number): Response {
  const { statusCode: status = 0, headers } = response
  const refuse = (...[errorClass, message, more]: ConstructorParameters<typeof RemoteFailure>): never => {
    response.destroy()
    throw new RemoteFailure(errorClass, message, more)
  }
  if (status >= 300 && status < 400) {
    refuse('VALIDATION', `${url.origin} redirects (${status}), which is not followed: configure the address itself.`)
  }
  if (status === 401 || status === 403) {
    refuse('AUTH', `${url.origin} does not let this server in (${status}): check tokenEnv or headersEnv of the agent.`)
  }
  if (status === 429) {
    const retryAfterMs = secondsIn(headers['retry-after'])
    refuse('RATE_LIMIT', `${url.origin} wants to be asked less often (429).`, { unsent: true, retryAfterMs })
  }
  if (status >= 502 && status <= 504) {
    const retryAfterMs = secondsIn(headers['retry-after'])
    refuse('UNAVAILABLE', `${url.origin} is not available (${status}).`, { unsent: status === 503, retryAfterMs })
  }
  const isStream = headers['content-type']?.startsWith('text/event-stream') === true
  if (!isStream && Number(headers['content-length'] ?? 0) > maxBytes) {
    refuse('TOO_LARGE', tooLarge(url, maxBytes))
  }
  const given = new Headers()
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) given.set(name, String(value))
  const body = BODILESS.has(status) ? null : ReadableStream.from(bounded(url, response, isStream ? Infinity : maxBytes))
  if (body === null) response.resume()
  return new Response(body as never, { status, headers: given })
}

async function* bounded(url: URL, response: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new RemoteFailure('TOO_LARGE', tooLarge(url, maxBytes))
      yield chunk
    }
  } catch (error) {
    if (error instanceof RemoteFailure || (error as Error).name === 'AbortError') throw error
    throw new RemoteFailure('UNAVAILABLE', `${url.origin} broke off its answer: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

const tooLarge = (url: URL, maxBytes: number): string => `${url.href} answers with more than ${maxBytes} bytes.`

/** What Retry-After says, in milliseconds; undefined: nothing that is a number of seconds. */
function secondsIn(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : undefined
}
