import { spawn } from './child.ts'
import {
  changeExecution,
  changePlan,
  type Draft,
  executionById,
  executionOf,
  executionsOf,
  moveExecution,
  moveSession,
  nodeOf,
} from './draft.ts'
import { type ExecutionState, isSettled, takesRoom, waitsForJudge } from './execution.ts'
import { gather } from './gather.ts'
import type { Json } from './json.ts'
import { look } from './judge.ts'
import { close } from './ledger.ts'
import type { PlanNode } from './plan.ts'
import { comesBefore, outcome, stopCauses } from './policy.ts'
import { openInterrupts, voidInterrupts } from './raise.ts'
import { ready } from './ready.ts'
import { beginRollback, goOnRollingBack } from './rollback.ts'
import type { SessionState } from './state.ts'
import { isEnded } from './session.ts'
import { watchBudget } from './spend.ts'
import { stopFor } from './stop.ts'

/**
 * Follows what a change leads to, until nothing more follows: failure policies stop their groups, dependents become
 * READY or SKIPPED, the coordinator does what is its own, limits of the budget are reached, the session waits for people
 * or goes on, and one of which every execution has settled ends.
 */
export function settle(d: Draft): void {
  let before: number
  do {
    before = d.events.length
    // Before the plan is approved there is nothing of it to be settled.
    if (Object.keys(d.state.executions).length > 0) {
      const stopCause = stopCauses(d.state)
      for (const node of d.state.plan.nodes) settleNode(d, node, stopCause)
    }
    watchBudget(d)
    waitOrGoOn(d)
    if (d.events.length === before) endIfSettled(d)
  } while (d.events.length > before && !isEnded(d.state.status))
}

function settleNode(d: Draft, node: PlanNode, stopCause: ReturnType<typeof stopCauses>): void {
  const execution = executionOf(d.state, node.key)
  if (isSettled(execution.status)) return
  const stop = node.kind === 'UNDO' ? undefined : stopCause(node)
  if (stop) {
    stopFor(d, execution, stop.causeId, stop.reason)
  } else if (execution.status === 'PENDING' || execution.status === 'BLOCKED') {
    const before = comesBefore(d.state, node)
    if (before.kind === 'READY') {
      ready(d, node)
    } else if (before.kind === 'NEVER') {
      const causeId = before.culprit.causeId ?? before.culprit.id
      moveExecution(d, node.key, 'SKIP', { causeId, endedAt: d.now }, { causeId })
    } else if (execution.status === 'PENDING') {
      moveExecution(d, node.key, 'BLOCK')
    }
  } else if (node.kind === 'SESSION' && execution.status === 'READY' && d.state.status === 'RUNNING') {
    spawn(d, node)
  } else if (waitsForJudge(execution, node.gates)) {
    look(d, node.key)
  }
}

/** A session waits for a person once nothing else is left to do, or at once where the person is asked about all of it. */
function waitOrGoOn(d: Draft): void {
  const { status } = d.state
  if (status !== 'RUNNING' && status !== 'INTERRUPTED') return
  const asked = openInterrupts(d)
  const waits = asked.length > 0 && (asked.some(({ kind }) => kind === 'BUDGET') || !isActive(d.state))
  if (waits && status === 'RUNNING') moveSession(d, 'INTERRUPT', {}, { interrupts: asked.map(({ id }) => id) })
  if (!waits && status === 'INTERRUPTED') goOn(d)
}

function isActive(state: SessionState): boolean {
  return executionsOf(state).some(
    ({ status, interruptId }) =>
      takesRoom(status) || status === 'READY' || (status === 'WAITING' && interruptId === undefined),
  )
}

/** The session runs again after it has waited: what is READY may be taken, and its time to find an agent begins anew. */
export function goOn(d: Draft): void {
  moveSession(d, 'RUN')
  for (const execution of executionsOf(d.state)) {
    if (execution.status !== 'READY') continue
    changeExecution(d, execution.key, { readyAt: d.now })
    if (nodeOf(d.state, execution.key).kind === 'SESSION') continue
    d.effects.push({ type: 'ENQUEUE', executionId: execution.id })
  }
}

function endIfSettled(d: Draft): void {
  const { status } = d.state
  // A plan that waits for approval has no executions yet.
  if (isEnded(status) || status === 'AWAITING_APPROVAL' || status === 'QUEUED') return
  const executions = executionsOf(d.state)
  if (!executions.every((e) => isSettled(e.status))) return
  if (status === 'ROLLING_BACK') {
    goOnRollingBack(d)
    return
  }
  if (status === 'CANCELING') {
    endStopped(d)
    return
  }
  if (status !== 'RUNNING') goOn(d)
  voidInterrupts(d, 'the session has come to its end')
  if (!closeUnclosed(d, 'its manager has failed')) endByItself(d)
}

/** What was delegated is brought together though the manager did not come to close the plan: it is handed on. */
function closeUnclosed(d: Draft, why: string): boolean {
  const { plan } = d.state
  if (!plan.manager || plan.outputs.length > 0 || plan.nodes.every(({ kind }) => kind === 'MANAGE')) return false
  changePlan(d, close(plan), why)
  return true
}

function endByItself(d: Draft): void {
  const { end, missing, short } = outcome(d.state)
  const { ledger, policy } = d.state
  const told = [...(short === undefined ? [] : [short]), ...missing.map((e) => reasonOf(e, d))]
  const move = ledger?.limit === undefined ? end : endOfLimit(d)
  const reason = [...(ledger?.limit === undefined ? [] : [ledger.limit]), ...told].join('; ')
  if (move === 'FAIL' && policy.rollback) {
    beginRollback(d, { reason: `FAILED: ${reason}`, toSeq: 0, keep: [], commit: d.state.baseCommit })
    return
  }
  moveSession(d, move, { ...ended(d), ...(reason !== '' && { reason }) }, reason === '' ? {} : { reason })
}

/** A managed session that has hit a limit: what was accepted stands, if it is as much as its quorum wants. */
function endOfLimit(d: Draft): 'SUCCEED_PARTLY' | 'FAIL' {
  const { plan } = d.state
  if (outcome(d.state).short !== undefined) return 'FAIL'
  const some = plan.nodes.some(
    ({ key, kind }) => (kind === 'TASK' || kind === 'SESSION') && executionOf(d.state, key).status === 'ACCEPTED',
  )
  return some ? 'SUCCEED_PARTLY' : 'FAIL'
}

function endStopped(d: Draft): void {
  const { move, reason } = d.state.ending as NonNullable<SessionState['ending']>
  if (move !== 'LIMIT') {
    moveSession(d, move, { ...ended(d), reason }, { reason })
    return
  }
  if (closeUnclosed(d, reason)) return
  const end = d.state.plan.manager ? endOfLimit(d) : outcome(d.state).end
  moveSession(d, end === 'FAIL' ? 'FAIL' : 'SUCCEED_PARTLY', { ...ended(d), reason }, { reason })
}

function ended(d: Draft): Partial<SessionState> {
  const output = outputOf(d)
  return { endedAt: d.now, ...(output !== null && { output }) }
}

/** Why an execution is missing: it failed itself, or it was given up because of another one. */
function reasonOf({ key, status, error, causeId }: ExecutionState, d: Draft): string {
  const what = `${key} ${status.toLowerCase()}`
  if (error) return `${what}: ${error.message}`
  const { key: cause } = executionById(d.state, causeId as string) as ExecutionState
  return `${what} because of ${cause}`
}

function outputOf(d: Draft): Json {
  const last = d.state.plan.outputs.map((key) => executionOf(d.state, key))
  return last.length === 1 ? (last[0]?.output ?? null) : gather(last)
}
