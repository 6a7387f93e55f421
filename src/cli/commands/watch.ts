import { conclude, type ShowOptions, speaker } from '../conclude.ts'
import type { ServerOptions } from '../home.ts'
import { listenForInterruption } from '../interrupt.ts'
import { openServer } from '../server.ts'

/** `tutti watch`: follows a session from its beginning to its end. Returns the exit code. */
export async function watch(sessionId: string, options: ServerOptions & ShowOptions): Promise<number> {
  const interruption = listenForInterruption(() => {})
  const server = await openServer(options, { embed: false, say: speaker(options) })
  try {
    return await conclude(server, sessionId, options, interruption, 'LEAVE')
  } finally {
    await server.close()
    interruption.stopListening()
  }
}
