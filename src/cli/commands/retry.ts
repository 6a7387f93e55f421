import { randomUUID } from 'node:crypto'
import { conclude, type ShowOptions, speaker } from '../conclude.ts'
import type { ServerOptions } from '../home.ts'
import { listenForInterruption } from '../interrupt.ts'
import { succeeded } from '../mutation.ts'
import { ForkMutation, RetryMutation } from '../operations.ts'
import { openServer, type Server } from '../server.ts'
import { readEdits } from '../task-file.ts'
import { cancelSession } from './cancel.ts'

interface AgainOptions extends ServerOptions, ShowOptions {
  /** seq of a checkpoint: only what was accepted by then stands. */
  fromCheckpoint?: number
}

/** `tutti retry`: tries a session again and follows the new one. Returns the exit code. */
export const retry = (id: string, options: AgainOptions): Promise<number> =>
  goOn(options, async ({ client }) => {
    const { fromCheckpoint: checkpoint } = options
    const from = checkpoint === undefined ? {} : { from: 'CHECKPOINT' as const, checkpoint }
    const { retrySession } = await client.ask(RetryMutation, { input: { id, ...from, idempotencyKey: randomUUID() } })
    return succeeded(retrySession).session.id
  })

/** `tutti fork`: goes on from any session, its plan changed or not, and follows the new one. Returns the exit code. */
export async function fork(id: string, options: AgainOptions & { edits?: string }): Promise<number> {
  const { fromCheckpoint: checkpoint, edits } = options
  const input = {
    id,
    idempotencyKey: randomUUID(),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(edits !== undefined && { edits: await readEdits(edits) }),
  }
  return goOn(options, async ({ client }) => {
    return succeeded((await client.ask(ForkMutation, { input: input as never })).forkSession).session.id
  })
}

async function goOn(options: AgainOptions, begin: (server: Server) => Promise<string>): Promise<number> {
  const interruption = listenForInterruption(() => process.stderr.write('left at once\n'))
  const server = await openServer(options, { embed: true, say: speaker(options) })
  try {
    const id = await begin(server)
    const cancel = (): Promise<void> => cancelSession(server.client, id, 'canceled with Ctrl-C')
    return await conclude(server, id, options, interruption, { cancel })
  } finally {
    await server.close()
    interruption.stopListening()
  }
}
