/** A WebSocket server that says what it is told, and nothing else; `latency` compares with it. */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const server = createServer((_, response) => response.end('ready'))
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(message, { binary: false })))
server.listen(Number(process.env['TUTTI_PORT']), '127.0.0.1', () => process.stdout.write('listening\n'))
