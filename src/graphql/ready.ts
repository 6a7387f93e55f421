import type { ServerResponse } from 'node:http'
import type { Parts } from './context.ts'
import { databaseTrouble, troublesOf } from './health.ts'
import { sendProblem } from './problem.ts'

/** Answers a watchdog: the process lives. */
export function sendLive(response: ServerResponse): void {
  send(response, { status: 'UP' })
}

/** Answers a watchdog whether requests and work may be sent here, and how the server's parts are. */
export async function sendReady(
  response: ServerResponse,
  parts: Pick<Parts, 'database' | 'bus' | 'condition'>,
  stopping: boolean,
): Promise<void> {
  if (stopping) return sendProblem(response, 503, 'The server is stopping: it takes nothing more.')
  const trouble = await databaseTrouble(parts)
  if (trouble !== undefined) return sendProblem(response, 503, `The database is not well: ${trouble}.`)
  const { bus, condition } = parts
  // The database may have gone at this very moment.
  const servers = await condition.servers().catch(() => undefined)
  if (!servers) return sendProblem(response, 503, 'The database is not well: it cannot be reached.')
  send(response, {
    status: 'UP',
    role: condition.role,
    engine: condition.engine().toUpperCase(),
    bus: bus.status().toUpperCase(),
    servers: servers.length,
    troubles: troublesOf(parts),
  })
}

function send(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
