import { randomUUID } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { GraphQLSchema } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Redis } from 'ioredis'
import { isTooLarge, readBody } from '../body.ts'
import type { ApiAnswer, Door } from '../door.ts'
import { createClaims } from '../store/claim.ts'
import { createAccess, type Guest, isLoopback } from './access.ts'
import { createAuditor } from './auditor.ts'
import type { Context, Parts } from './context.ts'
import { useCost } from './cost.ts'
import { parseWithin } from './document.ts'
import { createDoorkeeper, isDenial } from './doorkeeper.ts'
import { sendArtifact } from './download.ts'
import { useExecutor } from './executor/execute.ts'
import { createFollower } from './follow.ts'
import { sendGraphiql } from './graphiql.ts'
import { useIntrospectionByRight } from './introspection.ts'
import type { Signed } from './jwt.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { createLoaders } from './loaders.ts'
import { mask, useMasking } from './masking.ts'
import { refuseOrigin } from './origin.ts'
import { sendProblem, withCode } from './problem.ts'
import { createRates, useRates } from './rate.ts'
import { useSlowReaders, watchReader } from './reader.ts'
import { sendLive, sendReady } from './ready.ts'
import { viewerOf } from './rights.ts'
import { schema } from './schema.ts'
import { STOPPING, useFarewell } from './stopping.ts'
import { createSubscribe } from './streams/streams.ts'
import { useTimeLimit } from './time.ts'
import { DOCUMENT_ID, type TrustedDocuments, useTrustedDocuments } from './trusted.ts'
import { createVisibility } from './visible.ts'
import { visitorOf } from './visitor.ts'
import { serveSockets } from './ws.ts'

/** The doors of the house. */
export interface Server {
  /**
   * Opens them.
   *
   * @param port 0 for any that is free
   * @returns where: the address that a client on this machine reaches it at
   */
  listen(port: number, host: string): Promise<{ url: string }>
  /**
   * Takes nothing new and says so, answers what was asked before, and ends all streams with how to go on. Watchdogs are
   * answered until the doors close.
   */
  drain(): Promise<void>
  /** Closes them: nobody new comes in, requests under way get a second, streams are ended. */
  close(): Promise<void>
  readonly schema: GraphQLSchema
}

export interface ServerOptions extends Parts {
  /** Origins of pages that may talk to this server from a browser, beside its own. */
  origins?: readonly string[]
  limits?: Partial<Limits>
  /** Whether browsers are sent GraphiQL; they are unless told. */
  graphiql?: boolean
  /** The only documents that are taken; any unless told. */
  trusted?: TrustedDocuments | undefined
  /** Where several servers count operations together; each counts alone unless told. */
  redis?: Redis | undefined
  /** The secret of those who can read the data directory; nobody has it unless told. */
  houseKey?: string | undefined
  /** Ways in beside the ones for GraphQL. */
  doors?: readonly Door[]
  /** Checks signed tokens; none are taken unless told. */
  verify?: ((token: string) => Promise<Signed>) | undefined
}

/** How long requests under way have when the doors close, in milliseconds. */
const CLOSE_MS = 1_000

const WORKS_ONLY = 'This server only works (TUTTI_ROLE=worker): ask one with another role.'

/** Nothing here is to be framed, sniffed or told to others. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  // Only GraphiQL is a page; it says what it needs.
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

/** GraphQL over HTTP, server-sent events and WebSocket at /graphql, artifacts and health beside it, on one HTTP server. */
export function createServer({
  origins = [],
  limits: given,
  graphiql = true,
  trusted,
  redis,
  houseKey,
  doors = [],
  verify,
  ...parts
}: ServerOptions): Server {
  const { log, bus, database } = parts
  const limits = { ...DEFAULT_LIMITS, ...given }
  const startedAt = Date.now()
  const worksOnly = parts.condition.role === 'worker'
  const follower = createFollower({ database, bus }, limits)
  const claims = createClaims({ query: database.query, bus })
  const stopping = new AbortController()
  /** Requests for GraphQL that are not answered yet. */
  const asked = new Set<Promise<void>>()
  const auditor = createAuditor({ query: database.query, log })
  const isPrivate = (): boolean => isLoopback((http.address() as AddressInfo | null)?.address)
  const access = createAccess({ query: database.query, log, isPrivate, houseKey, verify })
  const doorkeeper = createDoorkeeper(access, auditor)
  const visibility = createVisibility(database)
  const rates = createRates({ perMinute: limits.operationsPerMinute, redis })
  /** Who has opened a WebSocket, by the request for it. */
  const guests = new WeakMap<IncomingMessage, Guest>()

  function contextOf(guest: Guest, requestId: string, overSocket: boolean): Context {
    const { viewer, peer } = guest
    const visible = visibility.databaseFor(viewer)
    return {
      ...parts,
      database: visible,
      wholeDatabase: database,
      limits,
      startedAt,
      follower,
      claims,
      viewer,
      guest,
      peer,
      isForeign: (id) => visibility.isForeign(viewer, id),
      projectOf: visibility.projectOf,
      auditor,
      rates,
      tokensChanged: access.changed,
      stopping: stopping.signal,
      overSocket,
      requestId,
      loaders: createLoaders(visible),
    }
  }

  const yoga = createYoga<Pick<Context, 'guest' | 'requestId' | 'overSocket' | 'reader'>, Context>({
    schema: schema as never,
    graphqlEndpoint: '/graphql',
    context: ({ guest, requestId, overSocket }) => contextOf(guest, requestId, overSocket),
    graphiql: false,
    landingPage: false,
    multipart: false,
    cors: origins.length > 0 ? { origin: [...origins], methods: ['GET', 'POST'], credentials: false } : false,
    // Bodies have been measured before they come here.
    maxRequestBodySize: false,
    // Our own masking knows the id of the request; this is for what happens outside of an execution.
    maskedErrors: { maskError: (error) => withCode(mask(error, { log, requestId: randomUUID() })) },
    logging: { debug() {}, info() {}, warn: (...said) => log.warn(said), error: (...said) => log.debug(said) },
    extraParamNames: [DOCUMENT_ID],
    plugins: [
      useTrustedDocuments(trusted),
      useLimitedParser(limits),
      useExecutor(schema),
      useRates(rates),
      useIntrospectionByRight(),
      useCost(),
      useTimeLimit(),
      useSharedStreams(),
      useSlowReaders(),
      useMasking(),
      useFarewell(stopping.signal),
      doorkeeper.useLeave(),
    ],
  })

  const http = createHttpServer(
    { requestTimeout: limits.requestMs, headersTimeout: limits.requestMs },
    (request, response) => {
      const requestId = randomUUID()
      for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
      response.setHeader('x-request-id', requestId)
      handle(request, response, requestId).catch((error: unknown) => {
        log.error({ err: error, requestId }, 'a request failed unexpectedly')
        sendProblem(response, 500, `Unexpected error. The log of the server has it under ${requestId}.`)
      })
    },
  )

  async function handle(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const refusal = refuseOrigin(request, origins)
    if (refusal) {
      doorkeeper.sentAway(request, requestId, refusal)
      return sendProblem(response, refusal.status, refusal.message)
    }
    const pathname = pathOf(request)
    const isHealth = pathname === '/health/live' || pathname === '/health/ready'
    if (worksOnly && !isHealth) return sendProblem(response, 404, WORKS_ONLY)
    if (pathname === '/graphql') {
      const answered = handleGraphql(request, response, requestId)
      asked.add(answered)
      return answered.finally(() => asked.delete(answered))
    }
    const door = doors.find(({ paths }) => Object.hasOwn(paths, pathname))
    if (door) {
      const answered = throughDoor(door, pathname, request, response, requestId)
      asked.add(answered)
      return answered.finally(() => asked.delete(answered))
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return sendProblem(response, 405, 'Only GET is understood here.', { allow: 'GET, HEAD' })
    }
    const [, artifact] = /^\/artifacts\/([^/]+)$/.exec(pathname) ?? []
    if (artifact !== undefined) {
      const guest = await admitted(request, response, requestId)
      return guest && sendArtifact(contextOf(guest, requestId, false), artifact, request, response)
    }
    if (pathname === '/health/live') return sendLive(response)
    if (pathname === '/health/ready') return sendReady(response, parts, stopping.signal.aborted)
    if (pathname === '/') return void response.writeHead(302, { location: '/graphql' }).end()
    sendProblem(response, 404, 'There is nothing here: GraphQL is at /graphql.')
  }

  async function throughDoor(
    door: Door,
    pathname: string,
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<void> {
    if (door.paths[pathname] === 'ANYBODY') return door.show(pathname, request, response)
    if (stopping.signal.aborted)
      return sendProblem(response, 503, STOPPING, { connection: 'close', 'retry-after': '1' })
    const guest = await admitted(request, response, requestId)
    if (!guest) return
    const { bodyBytes, unfinishedSessions } = limits
    const ask = (document: string, variables: object): Promise<ApiAnswer> =>
      askFor(guest, requestId, document, variables)
    const call = { requestId, bodyBytes, unfinishedSessions, stopping: stopping.signal, ask }
    await door.serve(visitorOf(guest, { auditor, rates, access }), request, response, call)
  }

  /** What somebody is answered who asks by way of another door, as if they had asked at /graphql. */
  async function askFor(guest: Guest, requestId: string, query: string, variables: object): Promise<ApiAnswer> {
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const request = { method: 'POST', headers, body: JSON.stringify({ query, variables }) }
    const reader = (): AbortSignal => stopping.signal
    const answer = await yoga.fetch('http://tutti/graphql', request, { guest, requestId, overSocket: false, reader })
    return (await answer.json()) as ApiAnswer
  }

  /** Who it is; undefined: it is answered already. */
  async function admitted(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<Guest | undefined> {
    const outcome = await doorkeeper.enter(request, requestId)
    if (!isDenial(outcome)) return outcome
    const { status, message } = outcome
    // A body that is not read yet would be taken for the next request.
    const headers = {
      connection: 'close',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : { 'retry-after': '5' }),
    }
    sendProblem(response, status, message, headers)
    return undefined
  }

  async function handleGraphql(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    if (stopping.signal.aborted)
      return sendProblem(response, 503, STOPPING, { connection: 'close', 'retry-after': '1' })
    const { method, headers } = request
    if (method === 'GET' && headers.accept?.includes('text/html')) {
      if (!graphiql) return sendProblem(response, 404, 'This server has no GraphiQL.')
      // The page is everybody's, who then says in it what lets them in; the examples tell of the schema.
      return sendGraphiql(request, response, await doorkeeper.knows(request))
    }
    // A browser asks by OPTIONS, without a token, whether a page of another origin may send one.
    const isPreflight = method === 'OPTIONS' && origins.length > 0
    const guest = isPreflight ? NO_GUEST : await admitted(request, response, requestId)
    if (!guest) return
    if (method === 'POST') {
      // What a form on any page can send is never a request of ours.
      if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
        return sendProblem(response, 415, 'The body must be application/json.', { accept: 'application/json' })
      }
      const { bodyBytes } = limits
      const refuse = (): void =>
        sendProblem(response, 413, `The body is larger than ${bodyBytes} bytes.`, { connection: 'close' })
      if (isTooLarge(request, bodyBytes)) return refuse()
      // Where no length is declared only reading tells.
      if (headers['content-length'] === undefined) {
        const body = await readBody(request, bodyBytes)
        if (body === undefined) return refuse()
        // Where Yoga looks for a body that somebody else has read.
        Object.assign(request, { body: Readable.from([Buffer.from(body)]) })
      }
    }
    const reader = (): AbortSignal => watchReader(response, limits.slowReaderMs)
    await yoga(request, response, { guest, requestId, overSocket: false, reader })
  }

  const sockets = serveSockets(http, {
    limits,
    log,
    refuse(request) {
      const refusal = refuseOrigin(request, origins)
      if (refusal) doorkeeper.sentAway(request, randomUUID(), refusal)
      return (
        refusal ??
        (worksOnly ? { status: 404, message: WORKS_ONLY } : undefined) ??
        (pathOf(request) === '/graphql' ? undefined : { status: 404, message: 'WebSockets are at /graphql.' })
      )
    },
    async admit(request, payload, close) {
      const guest = await doorkeeper.enterSocket(request, randomUUID(), payload, close)
      if (guest) guests.set(request, guest)
      return guest !== undefined
    },
    envelop: (request, params) => {
      const guest = guests.get(request)
      return yoga.getEnveloped({ guest, requestId: randomUUID(), overSocket: true, params } as never) as never
    },
    mask: (error) => mask(error, { log, requestId: randomUUID() }),
  })

  return {
    schema,
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        http.once('error', reject)
        http.listen(port, host, () => {
          http.off('error', reject)
          const url = urlOf(http.address() as AddressInfo)
          if (worksOnly) return resolve({ url })
          access.announce(url).then(() => resolve({ url }), reject)
        })
      }),
    async drain() {
      stopping.abort()
      await Promise.allSettled([sockets.drain(), ...asked])
    },
    async close() {
      stopping.abort()
      sockets.close()
      if (!http.listening) return
      const closed = new Promise<void>((resolve) => http.close(() => resolve()))
      const timer = setTimeout(() => http.closeAllConnections(), CLOSE_MS)
      await closed
      clearTimeout(timer)
      await auditor.close()
    },
  }
}

/** Asks for nothing that needs anybody. */
const NO_GUEST: Guest = {
  viewer: viewerOf({ name: '', roles: [], projects: [] }),
  by: { kind: 'OPEN' },
  peer: '',
  requestId: '',
}

const pathOf = ({ url = '/' }: IncomingMessage): string => url.replace(/\?.*/s, '')

function useLimitedParser(limits: Limits): Plugin {
  return { onParse: ({ setParseFn }) => setParseFn((source, options) => parseWithin(limits, source, options)) }
}

function useSharedStreams(): Plugin {
  const subscribe = createSubscribe()
  return { onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribe as never) }
}

/** An address that a client can use: a server that listens everywhere is found here too. */
function urlOf({ address, family, port }: AddressInfo): string {
  const anywhere = address === '::' || address === '0.0.0.0'
  const host = anywhere ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${host}:${port}`
}
