import type { Client } from '../client.ts'
import { CancelMutation } from '../control-operations.ts'
import { succeeded } from '../mutation.ts'
import { type ControlOptions, move } from './control.ts'

/** `tutti cancel`: stops a session. Returns the exit code. */
export const cancel = (sessionId: string, options: ControlOptions & { reason: string }): Promise<number> =>
  move(
    options,
    (session) => `watch ${session}`,
    async ({ client }) => {
      const input = { id: sessionId, reason: options.reason }
      return succeeded((await client.ask(CancelMutation, { input })).cancelSession).session
    },
  )

/**
 * Cancels a session that somebody follows. One that has ended by itself meanwhile is as good.
 *
 * @throws Unreachable; Failure if the server refuses it
 */
export async function cancelSession(client: Client, id: string, reason: string): Promise<void> {
  const { cancelSession: result } = await client.ask(CancelMutation, { input: { id, reason } })
  if (result.__typename !== 'ConflictError') succeeded(result)
}
