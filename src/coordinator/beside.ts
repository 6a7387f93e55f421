import { executionsOf, nodeOf } from '../core/draft.ts'
import { heldAttempt, takesRoom } from '../core/execution.ts'
import type { HeldItem } from '../core/schedule.ts'
import type { SessionState } from '../core/state.ts'

/** What child sessions do, and what gates look at, takes up the room of its session, and nobody else's. */
export function heldBeside(state: SessionState): HeldItem[] {
  const running = executionsOf(state).filter((e) => takesRoom(e.status) && !heldAttempt(e))
  return running.map(({ id: executionId, key }) => {
    const { group } = nodeOf(state, key)
    return { executionId, sessionId: state.id, projectId: '', group, agentId: '' }
  })
}
