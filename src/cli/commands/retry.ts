import { randomUUID } from 'node:crypto'
import { conclude, type ShowOptions, speaker } from '../conclude.ts'
import type { ServerOptions } from '../home.ts'
import { listenForInterruption } from '../interrupt.ts'
import { succeeded } from '../mutation.ts'
import { RetryMutation } from '../operations.ts'
import { openServer } from '../server.ts'
import { cancelSession } from './cancel.ts'

/** `tutti retry`: tries a session again and follows the new one. Returns the exit code. */
export async function retry(sessionId: string, options: ServerOptions & ShowOptions): Promise<number> {
  const interruption = listenForInterruption(() => process.stderr.write('left at once\n'))
  const server = await openServer(options, { embed: true, say: speaker(options) })
  try {
    const { retrySession } = await server.client.ask(RetryMutation, {
      input: { id: sessionId, idempotencyKey: randomUUID() },
    })
    const { id } = succeeded(retrySession).session
    const cancel = (): Promise<void> => cancelSession(server.client, id, 'canceled with Ctrl-C')
    return await conclude(server, id, options, interruption, { cancel })
  } finally {
    await server.close()
    interruption.stopListening()
  }
}
