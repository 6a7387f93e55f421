import { cutEach } from './cut.ts'
import { changePlan, type Draft, emit, executionOf, executionsOf, forget, moveExecution, nodeOf } from './draft.ts'
import type { ExecutionState } from './execution.ts'
import { close, grow, judgeRound } from './ledger.ts'
import type { LedgerEntry } from './ledger/entry.ts'
import type { Manager } from './plan.ts'
import { NO_ROUNDS } from './state.ts'

/** Reasons that a manager gives for a round, and the characters of each: more are left out, and said to be (E87). */
const MAX_REASONS = 20
const MAX_REASON = 1_000

/** Accepts a result, sets the checkpoint after it, and does what follows from it alone. */
export function accept(
  d: Draft,
  key: string,
  result: Pick<ExecutionState, 'output' | 'summary' | 'evidence' | 'artifactCount' | 'commit' | 'head'>,
): void {
  const summary = result.summary ?? ''
  forget(d, key, 'candidate', 'gate', 'gateErrors', 'interruptId')
  moveExecution(d, key, 'ACCEPT', { ...result, acceptedSeq: d.state.seq + 1, endedAt: d.now }, { summary })
  const { id, carriedId, head: commit } = executionOf(d.state, key)
  const accepted = executionsOf(d.state).filter(({ status }) => status === 'ACCEPTED').length
  emit(d, 'CHECKPOINT_MADE', { accepted, ...(commit !== undefined && { commit }) }, { executionId: id })
  const { kind, undoes } = nodeOf(d.state, key)
  // A round that is taken over from an earlier session has made the plan grow there.
  if (kind === 'MANAGE' && carriedId === undefined) endRound(d, key)
  // What a child session did stays as it is there: its end is for good.
  if (undoes !== undefined && Object.hasOwn(d.state.executions, undoes)) {
    moveExecution(d, undoes, 'COMPENSATE', {}, { by: id })
  }
}

/** A round of a managed session is over: the plan grows by what the manager delegates next, or closes. */
function endRound(d: Draft, key: string): void {
  const { plan, ledger: before = NO_ROUNDS } = d.state
  // It was read before it was let through its gates.
  const entry = executionOf(d.state, key).output as unknown as LedgerEntry
  const { ledger, course } = judgeRound(before, entry, plan.manager as Manager)
  d.state.ledger = ledger
  const reasons = cutEach(entry.reasons, MAX_REASONS, MAX_REASON)
  emit(
    d,
    'ROUND_JUDGED',
    { round: ledger.round, course, stalls: ledger.stalls, replans: ledger.replans, reasons },
    { executionId: executionOf(d.state, key).id },
  )
  if (course === 'GO_ON' || course === 'REPLAN') {
    changePlan(d, grow(plan, ledger.round, entry, course === 'REPLAN'), `round ${ledger.round}`)
  } else if (plan.nodes.some(({ kind }) => kind !== 'MANAGE')) {
    changePlan(d, close(plan), ledger.limit ?? 'the manager is satisfied')
  }
}
