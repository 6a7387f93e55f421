import { NOTHING, settleAmounts } from './budget.ts'
import { changeExecution, type Draft, executionsOf, forget, moveExecution, moveSession, nodeOf } from './draft.ts'
import { type AttemptState, type ExecutionState, heldAttempt, isSettled } from './execution.ts'
import { isDoneByCoordinator } from './patterns/closing.ts'
import type { PlanNode } from './plan.ts'
import { voidInterrupts, waitNoLonger } from './raise.ts'
import type { Ending } from './state.ts'

/** Tells a running attempt to stop, once. Its lease ends with the grace (E77), whoever it is stopped for. */
export function abort(d: Draft, execution: ExecutionState, held: AttemptState, reason: string, causeId?: string): void {
  if (execution.aborting !== undefined) {
    // It was to begin anew; now it is not.
    if (execution.again) {
      forget(d, execution.key, 'again')
      changeExecution(d, execution.key, { aborting: reason, ...(causeId !== undefined && { causeId }) })
    }
    return
  }
  const leaseUntil = Math.min(held.leaseUntil, d.now + d.state.limits.cancelGraceMs)
  const current = { ...held, leaseUntil }
  changeExecution(d, execution.key, { aborting: reason, current, ...(causeId !== undefined && { causeId }) })
  d.effects.push({ type: 'ABORT', executionId: execution.id, attemptId: held.id, reason })
}

/** Tells what does an execution to stop: its attempt, or its child session as the session's policy wants it. */
function stopWork(d: Draft, execution: ExecutionState, reason: string, causeId?: string): boolean {
  const held = heldAttempt(execution)
  if (held) {
    abort(d, execution, held, reason, causeId)
    return true
  }
  const { key, status, childId, aborting, slice = NOTHING, candidate } = execution
  if (status === 'VALIDATING' && candidate?.judge) {
    const { judge, handedBack: _, ...rest } = candidate
    // Its verdict is not awaited any more.
    d.state.budget = settleAmounts(d.state.budget, judge, judge)
    changeExecution(d, key, { candidate: rest })
  }
  if (status !== 'RUNNING' || childId === undefined) return false
  if (d.state.policy.close === 'ABANDON') {
    // Nobody will tell what it uses: as much as it was allowed to.
    d.state.budget = settleAmounts(d.state.budget, slice, slice)
    return false
  }
  if (aborting !== undefined) return true
  changeExecution(d, key, { aborting: reason, ...(causeId !== undefined && { causeId }) })
  if (d.state.policy.close === 'CANCEL_CHILDREN') d.effects.push({ type: 'CLOSE_CHILD', childId, reason })
  return true
}

/** Stops one execution for the sake of another: what runs is told to stop, what does not run is SKIPPED. */
export function stopFor(d: Draft, execution: ExecutionState, causeId: string, reason: string): void {
  if (stopWork(d, execution, reason, causeId)) return
  waitNoLonger(d, execution.key, reason)
  const running = execution.status === 'RUNNING'
  moveExecution(d, execution.key, running ? 'CANCEL' : 'SKIP', { causeId, endedAt: d.now }, { causeId })
}

/**
 * Stops everything that has not settled, whatever it is doing.
 *
 * @param spares nodes that are left alone
 */
export function stopWorkOfAll(d: Draft, reason: string, spares: (node: PlanNode) => boolean = () => false): void {
  voidInterrupts(d, reason)
  for (const execution of executionsOf(d.state)) {
    if (isSettled(execution.status) || spares(nodeOf(d.state, execution.key))) continue
    if (stopWork(d, execution, reason)) continue
    moveExecution(d, execution.key, 'CANCEL', { endedAt: d.now }, { reason })
  }
}

/** The session is to end: nothing new begins, what runs has the grace to stop. */
export function stopAll(d: Draft, move: Ending['move'], reason: string): void {
  const ending = { move, reason, graceUntil: d.now + d.state.limits.cancelGraceMs }
  moveSession(d, 'STOP', { ending }, { reason })
  // What the coordinator does itself costs nothing: it brings together what there is.
  stopWorkOfAll(d, reason, ({ kind }) => move === 'LIMIT' && isDoneByCoordinator(kind))
}
