import { executionsOf, nodeOf } from './draft.ts'
import { type ExecutionState, heldAttempt, waitsForJudge } from './execution.ts'
import { openInterrupts } from './raise.ts'
import { isEnded } from './session.ts'
import type { Effect, SessionState } from './state.ts'

/**
 * Everything that should be under way for a session, told by its rows alone. Whoever has forgotten what has begun begins
 * all of it again: twice is once.
 */
export function pendingEffects(state: SessionState): Effect[] {
  if (isEnded(state.status)) return []
  const effects = executionsOf(state).flatMap((execution) => effectsOf(state, execution))
  const restoring = state.rollback?.phase === 'RESTORING' && openInterrupts({ state }).length === 0
  return restoring ? [...effects, { type: 'RESTORE' }] : effects
}

function effectsOf(state: SessionState, execution: ExecutionState): Effect[] {
  const { id: executionId, key, status, aborting, childId } = execution
  const { kind, gates } = nodeOf(state, key)
  if (status === 'READY' && kind !== 'SESSION') return [{ type: 'ENQUEUE', executionId }]
  if (status === 'VALIDATING') return waitsForJudge(execution, gates) ? [] : [{ type: 'VALIDATE', executionId }]
  const held = heldAttempt(execution)
  if (held) return aborting === undefined ? [] : [{ type: 'ABORT', executionId, attemptId: held.id, reason: aborting }]
  if (status !== 'RUNNING' || childId === undefined) return []
  const closes = aborting !== undefined && state.policy.close === 'CANCEL_CHILDREN'
  return [
    { type: 'SPAWN', executionId, childId },
    ...(closes ? [{ type: 'CLOSE_CHILD' as const, childId, reason: aborting }] : []),
  ]
}
