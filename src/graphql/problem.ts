import type { ServerResponse } from 'node:http'
import { GraphQLError } from 'graphql'

/** Answers a request that is none of GraphQL's, or not fit to be read, in the shape that GraphQL clients expect. */
export function sendProblem(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent) return void response.destroy()
  const body = JSON.stringify({ errors: [{ message, extensions: { code: CODES[status] ?? 'BAD_REQUEST' } }] })
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

/** Errors that the HTTP server underneath makes by itself, with the code that belongs to their status. */
export function withCode(error: GraphQLError): GraphQLError {
  const { code, http } = error.extensions as { code?: unknown; http?: { status?: number } }
  const own = CODES[http?.status ?? 0]
  if (code !== 'BAD_REQUEST' || own === undefined) return error
  return new GraphQLError(error.message, { extensions: { ...error.extensions, code: own } })
}

const CODES: Record<number, string> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'REQUEST_ENTITY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  421: 'MISDIRECTED',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'UNAVAILABLE',
}
