/** The least that can be done: the same text to every WebSocket, written once. It listens at TUTTI_PORT. */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { hearEvents } from './source.ts'

const server = createServer((_, response) => response.end('ready'))
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
hearEvents((sessionEvents) => {
  const text = JSON.stringify({ id: '1', type: 'next', payload: { data: { sessionEvents } } })
  for (const socket of sockets.clients) socket.send(text)
})
server.listen({ port: Number(process.env['TUTTI_PORT']), host: '127.0.0.1', backlog: 4_096 }, () =>
  process.stdout.write('listening\n'),
)
