import type { Client } from '../client.ts'
import type { ServerOptions } from '../home.ts'
import { succeeded } from '../mutation.ts'
import { CancelMutation } from '../operations.ts'
import { openServer } from '../server.ts'
import { inWords } from '../words.ts'

/** `tutti cancel`: stops a session. Returns the exit code. */
export async function cancel(sessionId: string, options: ServerOptions & { reason: string }): Promise<number> {
  const server = await openServer(options, { embed: false, say: () => {} })
  try {
    const input = { id: sessionId, reason: options.reason }
    const { cancelSession: result } = await server.client.ask(CancelMutation, { input })
    process.stdout.write(`The session is ${inWords(succeeded(result).session.status)}.\n`)
    return 0
  } finally {
    await server.close()
  }
}

/**
 * Cancels a session that somebody follows. One that has ended by itself meanwhile is as good.
 *
 * @throws Unreachable; Failure if the server refuses it
 */
export async function cancelSession(client: Client, id: string, reason: string): Promise<void> {
  const { cancelSession: result } = await client.ask(CancelMutation, { input: { id, reason } })
  if (result.__typename !== 'ConflictError') succeeded(result)
}
