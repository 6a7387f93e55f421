import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { readBody } from '../body.ts'
import type { Call, Door, Visitor } from '../door.ts'
import { type Ask, Refused } from './ask.ts'
import { createMcpServer } from './server.ts'

/** Where Tutti is spoken to. */
const PATH = '/mcp'
/** Requests at once; most of them wait for something. */
const OPEN = 500
/** Codes of JSON-RPC. */
const INVALID_REQUEST = -32_600
const INTERNAL_ERROR = -32_603

/**
 * Tutti as an MCP server over streamable HTTP, for those who have come in. It remembers nothing between two requests; what
 * somebody may do is up to the GraphQL API, which is asked in their name.
 */
export function createMcpDoor({ version }: { version: string }): Door {
  let open = 0

  async function answer(
    visitor: Visitor,
    request: IncomingMessage,
    response: ServerResponse,
    call: Call,
  ): Promise<void> {
    const body = await readBody(request, call.bodyBytes)
    if (body === undefined) return refuse(response, 413, `The body is larger than ${call.bodyBytes} bytes.`)
    const left = new AbortController()
    const leave = (): void => left.abort()
    response.once('close', leave)
    const stopWatching = visitor.watch(leave)
    const handler = createMcpHandler(() => createMcpServer({ ask: askBy(call), version }), {
      maxRequestBodySize: call.bodyBytes,
      // The tools are always the same: nobody has to be told of changes.
      maxSubscriptions: 0,
    })
    try {
      const signal = AbortSignal.any([left.signal, call.stopping])
      const headers = headersOf(request)
      const asked = new Request(new URL(PATH, 'http://tutti'), { method: 'POST', headers, body, signal })
      const { status, headers: more, body: stream } = await handler.fetch(asked)
      response.writeHead(status, Object.fromEntries(more))
      if (stream) await pipeline(Readable.fromWeb(stream as ReadableStream), response, { signal })
      else response.end()
    } catch (error) {
      // Nobody is left to be answered.
      if (!left.signal.aborted && !call.stopping.aborted) throw error
      response.destroy()
    } finally {
      stopWatching()
      await handler.close()
    }
  }

  return {
    paths: { [PATH]: 'VISITORS' },
    show(_path, _request, response) {
      refuse(response, 404, 'There is nothing here for everybody.')
    },
    async serve(visitor, request, response, call) {
      const { method, headers } = request
      // There is no session to look at or to end, and nothing is told that nobody has asked for.
      if (method !== 'POST') return refuse(response, 405, 'Only POST is understood here.', { allow: 'POST' })
      // What a form on any page can send is never a request of ours.
      if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
        return refuse(response, 415, 'The body must be application/json.')
      }
      if (open >= OPEN) {
        return refuse(response, 503, `${OPEN} requests are open, which is the limit.`, { 'retry-after': '5' })
      }
      open += 1
      try {
        await answer(visitor, request, response, call)
      } finally {
        open -= 1
      }
    },
  }
}

function askBy(call: Call): Ask {
  return async (document, variables) => {
    const { data, errors } = await call.ask(String(document), variables as object)
    if (errors || !data) throw new Refused(errors?.map(({ message }) => message).join('\n') || 'There was no answer.')
    return data as never
  }
}

/** Those that the protocol is about. What lets somebody in is known already. */
function headersOf({ headers }: IncomingMessage): Headers {
  const passed = Object.entries(headers).filter(
    ([name, value]) =>
      typeof value === 'string' && (name.startsWith('mcp-') || name === 'accept' || name === 'content-type'),
  )
  return new Headers(passed as [string, string][])
}

/** An error before the protocol has begun, in its shape. */
function refuse(response: ServerResponse, status: number, message: string, more: Record<string, string> = {}): void {
  const error = { code: status >= 500 ? INTERNAL_ERROR : INVALID_REQUEST, message }
  // A body that is not read yet would be taken for the next request.
  const headers = { ...more, 'content-type': 'application/json; charset=utf-8', connection: 'close' }
  response.writeHead(status, headers).end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
}
