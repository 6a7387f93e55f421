import type { IncomingMessage, ServerResponse } from 'node:http'
import { AgentCard, formatSSEEvent, SSE_HEADERS } from '@a2a-js/sdk'
import { JsonRpcTransportHandler, ServerCallContext } from '@a2a-js/sdk/server'
import { readBody } from '../body.ts'
import type { Role } from '../core/gate.ts'
import type { Call, Door, Visitor } from '../door.ts'
import { CARD_PATH, cardOf, RPC_PATH } from './card.ts'
import { type Asking, ASKING, createHandler, type HandlerParts } from './handler.ts'
import { projectNamed } from './read.ts'

/** How long the project counts as found, in milliseconds. */
const FRESH_MS = 5_000
/** A stream that is silent for so long says that it still lives, in milliseconds. */
const ALIVE_MS = 15_000
/** A reader that takes nothing for so long is let go of, in milliseconds. */
const SLOW_MS = 30_000
/** Codes of JSON-RPC. */
const INVALID_REQUEST = -32_600
const INTERNAL_ERROR = -32_603

/** What a method takes; whatever is not here takes a role of any kind. */
const NEEDS: Readonly<Record<string, Role>> = {
  SendMessage: 'OPERATOR',
  SendStreamingMessage: 'OPERATOR',
  CancelTask: 'OPERATOR',
}

/** @param where tells the address of this server, once it listens */
export interface A2aDoorParts extends HandlerParts {
  version: string
  where(): string
}

/** Tutti as an agent: its card for everybody, and the protocol over JSON-RPC for those who have come in. */
export function createA2aDoor(parts: A2aDoorParts): Door {
  const { definition, query } = parts
  const handler = new JsonRpcTransportHandler(createHandler(parts))
  let project: { at: number; id: Promise<string | undefined> } | undefined
  let open = 0

  const urlOf = (): string => definition.url ?? parts.where()
  function projectId(): Promise<string | undefined> {
    if (!project || performance.now() - project.at > FRESH_MS) {
      const id = projectNamed(query, definition.project)
      project = { at: performance.now(), id }
      id.catch(() => {
        project = undefined
      })
    }
    return project.id
  }

  async function serve(
    visitor: Visitor,
    request: IncomingMessage,
    response: ServerResponse,
    call: Call,
  ): Promise<void> {
    const body = await readBody(request, call.bodyBytes)
    if (body === undefined) return refuse(response, 413, `The body is larger than ${call.bodyBytes} bytes.`)
    const wait = await visitor.take()
    if (wait !== undefined) {
      return refuse(response, 429, `Too many operations: come back in ${wait} s.`, { 'retry-after': `${wait}` })
    }
    const id = await projectId()
    if (id === undefined) {
      return refuse(
        response,
        503,
        `There is no project "${definition.project}": make it, or name another one in a2aServer.`,
      )
    }
    const { act, needed } = neededFor(body)
    const isForeign = visitor.projects !== undefined && !visitor.projects.includes(id)
    if (isForeign || !visitor.holds(needed)) {
      const message = isForeign ? 'Your token is for other projects.' : `That takes ${needed} or ADMIN.`
      const code = isForeign ? 'FOREIGN_PROJECT' : 'FORBIDDEN'
      visitor.refused({ act: `A2A ${act}`, code, detail: message, projectId: isForeign ? null : id })
      return refuse(response, 403, message)
    }
    if (open >= definition.open) {
      return refuse(response, 503, `${open} requests are open, which is the limit: come back later.`, {
        'retry-after': '5',
      })
    }
    open += 1
    const left = new AbortController()
    const leave = (): void => left.abort()
    response.once('close', leave)
    const stopWatching = visitor.watch(leave)
    try {
      const signal = AbortSignal.any([left.signal, call.stopping])
      const url = urlOf()
      const card = cardOf(definition, url, parts.version)
      const asking: Asking = { visitor, call, projectId: id, card, url, signal }
      const context = new ServerCallContext({ requestedVersion: '1.0', state: new Map([[ASKING, asking]]) })
      const answer = await handler.handle(body, context)
      if (Symbol.asyncIterator in answer) await sendStream(response, answer, signal, idIn(body))
      else sendJson(response, 200, JSON.stringify(answer))
    } finally {
      open -= 1
      stopWatching()
    }
  }

  return {
    paths: { [CARD_PATH]: 'ANYBODY', [RPC_PATH]: 'VISITORS' },
    show(_path, request, response) {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return refuse(response, 405, 'Only GET is understood here.', { allow: 'GET, HEAD' })
      }
      const card = JSON.stringify(AgentCard.toJSON(cardOf(definition, urlOf(), parts.version)))
      sendJson(response, 200, request.method === 'HEAD' ? '' : card, { 'cache-control': 'public, max-age=60' })
    },
    async serve(visitor, request, response, call) {
      const { method, headers } = request
      if (method !== 'POST') return refuse(response, 405, 'Only POST is understood here.', { allow: 'POST' })
      // What a form on any page can send is never a request of ours.
      if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
        return refuse(response, 415, 'The body must be application/json.')
      }
      const version = headers['a2a-version']
      if (typeof version === 'string' && !/^1(\.|$)/.test(version)) {
        return refuse(response, 400, `Version ${version.slice(0, 20)} of A2A is not spoken here: use 1.0.`)
      }
      return serve(visitor, request, response, call)
    },
  }
}

interface Envelope {
  id?: unknown
  method?: unknown
  params?: { message?: { taskId?: unknown } }
}

/** What is asked for, as far as it can be read. */
function envelopeOf(body: string): Envelope {
  try {
    return (JSON.parse(body) ?? {}) as Envelope
  } catch {
    return {}
  }
}

/** Which role a request takes. Who goes on with a task answers in a role of the question, which the house knows. */
function neededFor(body: string): { act: string; needed: Role } {
  const { method, params } = envelopeOf(body)
  const act = typeof method === 'string' ? method.slice(0, 100) : 'nothing'
  const goesOn = act !== 'CancelTask' && typeof params?.message?.taskId === 'string' && params.message.taskId !== ''
  return { act, needed: goesOn ? 'VIEWER' : ((Object.hasOwn(NEEDS, act) ? NEEDS[act] : undefined) ?? 'VIEWER') }
}

function idIn(body: string): string | number | null {
  const { id } = envelopeOf(body)
  return typeof id === 'string' || typeof id === 'number' ? id : null
}

/** Sends events at the pace of their reader, and says from time to time that there is still somebody. */
async function sendStream(
  response: ServerResponse,
  events: AsyncGenerator<unknown>,
  signal: AbortSignal,
  id: string | number | null,
): Promise<void> {
  response.writeHead(200, SSE_HEADERS)
  response.flushHeaders()
  const alive = setInterval(() => response.write(': alive\n\n'), ALIVE_MS).unref()
  try {
    for await (const event of events) {
      if (signal.aborted) break
      if (!response.write(formatSSEEvent(event))) await drained(response)
    }
  } catch (error) {
    const failure = JsonRpcTransportHandler.mapToJSONRPCError(error)
    if (!response.destroyed) response.write(formatSSEEvent({ jsonrpc: '2.0', id, error: failure }))
  } finally {
    clearInterval(alive)
    response.end()
  }
}

/** Resolves once more can be written, or nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const slow = setTimeout(() => response.destroy(), SLOW_MS)
    const done = (): void => {
      clearTimeout(slow)
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.once('drain', done).once('close', done)
    if (response.destroyed) done()
  })
}

/** An error before the protocol has begun, in its shape. */
function refuse(response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}): void {
  const code = status >= 500 ? INTERNAL_ERROR : INVALID_REQUEST
  // A body that is not read yet would be taken for the next request.
  const more = { ...headers, connection: 'close' }
  sendJson(response, status, JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }), more)
}

function sendJson(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' }).end(body)
}
