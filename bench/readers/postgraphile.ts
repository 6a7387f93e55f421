/**
 * What `reads` asks, answered by PostGraphile from the tables as they are. It listens at TUTTI_PORT, and reads from
 * DATABASE_URL.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { loadPeer } from '../peer.ts'

interface Grafserv {
  /** Whoever asks for something else is left to `next`. */
  createHandler(): (request: IncomingMessage, response: ServerResponse, next: () => void) => void
}
interface Instance {
  createServ(grafserv: unknown): Grafserv
}

const { postgraphile } = (await loadPeer('postgraphile')) as { postgraphile: (preset: object) => Instance }
const { PostGraphileAmberPreset: amber } = (await loadPeer('postgraphile/presets/amber')) as Record<string, object>
const { makePgService } = (await loadPeer('postgraphile/adaptors/pg')) as {
  makePgService: (options: object) => unknown
}
const { grafserv } = (await loadPeer('postgraphile/grafserv/node')) as { grafserv: unknown }

const instance = postgraphile({
  extends: [amber],
  pgServices: [makePgService({ connectionString: process.env['DATABASE_URL'], schemas: ['public'] })],
  grafserv: { graphiql: false, watch: false },
})

const handle = instance.createServ(grafserv).createHandler()
const server = createServer((request, response) => handle(request, response, () => response.end('ready')))
server.listen(Number(process.env['TUTTI_PORT']), '127.0.0.1', () => process.stdout.write('listening\n'))
