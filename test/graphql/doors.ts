import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Door } from './door.ts'

/** What somebody heard who asked once, whatever door they came to. */
export interface Heard {
  /** Of HTTP; of a WebSocket the code that closed it, or 200 if nothing did. */
  status: number
  /** All that was said, as it came. */
  text: string
  /** Results, or one with the errors that an operation was refused with. */
  results: { data?: Record<string, unknown> | null; errors?: { message: string; extensions?: { code?: string } }[] }[]
}

export interface Asked {
  query: string
  variables?: Record<string, unknown>
  /** Secret of a token. */
  secret?: string | undefined
  origin?: string
}

type Ask = (door: Pick<Door, 'url'>, asked: Asked) => Promise<Heard>

const headersOf = ({ secret, origin }: Asked, accept: string): Record<string, string> => ({
  'content-type': 'application/json',
  accept,
  ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
  ...(origin !== undefined && { origin }),
})

async function post({ url }: Pick<Door, 'url'>, asked: Asked, accept: string): Promise<Response> {
  const { query, variables } = asked
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: headersOf(asked, accept),
    body: JSON.stringify({ query, variables }),
  })
}

const overHttp: Ask = async (door, asked) => {
  const response = await post(door, asked, 'application/graphql-response+json')
  const text = await response.text()
  return { status: response.status, text, results: [JSON.parse(text) as never] }
}

const overSse: Ask = async (door, asked) => {
  const response = await post(door, asked, 'text/event-stream')
  const text = await response.text()
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  const results = isStream ? [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json = '']) => json) : [text]
  // Pings come when they like.
  return {
    status: response.status,
    text: text.replaceAll(/^:\n\n/gm, ''),
    results: results.map((json) => JSON.parse(json) as never),
  }
}

const overWs: Ask = async ({ url }, { query, variables, secret, origin }) => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    ...(origin !== undefined && { origin }),
  })
  const said: string[] = []
  const results: Heard['results'] = []
  const refused = new Promise<number>((resolve) => {
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
  })
  const closed = once(socket, 'close').then(([code, reason]) => {
    said.push(String(reason))
    return Number(code)
  })
  const over = new Promise<number>((resolve) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { type: string; payload: never }
      said.push(String(data))
      if (message.type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }))
      }
      if (message.type === 'next') results.push(message.payload)
      if (message.type === 'error') results.push({ errors: message.payload })
      if (message.type === 'complete' || message.type === 'error') resolve(200)
    })
  })
  socket.on('error', () => {})
  socket.once('open', () => {
    const payload = secret === undefined ? {} : { authorization: `Bearer ${secret}` }
    socket.send(JSON.stringify({ type: 'connection_init', payload }))
  })
  const status = await Promise.race([over, closed, refused])
  socket.terminate()
  return { status, text: said.join('\n'), results }
}

/** Every door that GraphQL comes through. */
export const DOORS = { HTTP: overHttp, 'a WebSocket': overWs, 'server-sent events': overSse } as const
