import { type Amounts, NOTHING, reserve } from './budget.ts'
import { changeExecution, type Draft, emit, executionOf, nodeOf } from './draft.ts'
import { type Examined, isJudged } from './execution.ts'
import type { Json } from './json.ts'
import { amountsOf, reservationFor, settleSpent } from './spend.ts'

/**
 * Has the gate looked at that is next for a result. A judge puts aside what it may use before it is asked, as an attempt
 * does; while nothing is left of that, the result waits for it.
 */
export function look(d: Draft, key: string): void {
  const execution = executionOf(d.state, key)
  if (isJudged(execution, nodeOf(d.state, key).gates)) {
    const judge = reservationFor(d, execution, false)
    if (!judge) return
    d.state.budget = reserve(d.state.budget, judge)
    changeExecution(d, key, { candidate: { ...(execution.candidate as Examined), judge } })
  }
  d.effects.push({ type: 'VALIDATE', executionId: execution.id })
}

/** A judge has ended: it gives back what it had put aside, and is charged what it has used. */
export function settleJudge(d: Draft, key: string, used?: Amounts): void {
  const { judge, handedBack: _, ...candidate } = executionOf(d.state, key).candidate as Examined
  settleSpent(d, judge, used)
  changeExecution(d, key, { candidate })
}

/**
 * A judge is gone with the server that had asked it, without a verdict: another one is asked.
 *
 * @param usage what it has used so far, if its server stops in order: another server asks the next one
 */
export function loseJudge(d: Draft, key: string, usage: Json | undefined): void {
  const { id: executionId, gate = 0, candidate } = executionOf(d.state, key)
  const meant = usage !== undefined
  const { judge, handedBack } = candidate as Examined
  // Nobody knows what a judge has used that vanished: as much as it was allowed to.
  const vanished = handedBack ? NOTHING : judge
  settleJudge(d, key, meant ? amountsOf(usage) : vanished)
  emit(d, 'JUDGE_LOST', { key, gate, meant }, { executionId })
  look(d, key)
  const next = executionOf(d.state, key).candidate as Examined
  if (meant && next.judge) changeExecution(d, key, { candidate: { ...next, handedBack: true } })
}
