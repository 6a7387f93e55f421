import { type Draft, executionById, nodeOf } from './draft.ts'
import { type ExecutionState, waitsForJudge } from './execution.ts'
import type { Check, Verdict } from './gate.ts'
import type { Json } from './json.ts'
import { loseJudge, settleJudge } from './judge.ts'
import { checksOf } from './merge.ts'
import { amountsOf } from './spend.ts'
import { judged } from './validate.ts'

/** A gate that somebody was asked to look at. */
export interface Asked {
  executionId: string
  attemptId: string
  /** Place of the gate, and how many errors it had when it was asked. */
  gate: number
  errors: number
  /** What a judge has used. */
  usage?: Json
}

/** The gate that is looked at for a result. */
export function askedOf({ id, current, gate = 0, gateErrors = 0 }: ExecutionState): Asked {
  return { executionId: id, attemptId: current?.id ?? id, gate, errors: gateErrors }
}

/** A gate that was looked at has given its verdict. Returns why that changes nothing. */
export function giveVerdict(d: Draft, given: Asked & { verdict: Verdict; evidence: Json }): string | undefined {
  const awaited = awaitedBy(d, given)
  if (typeof awaited === 'string') return awaited
  const { execution, gate } = awaited
  if (gate.kind === 'JUDGE') settleJudge(d, execution.key, amountsOf(given.usage ?? null))
  judged(d, execution.key, gate, given.verdict, given.evidence)
  return undefined
}

/** A judge will give no verdict any more. Returns why that changes nothing. */
export function judgeLost(d: Draft, lost: Asked): string | undefined {
  const awaited = awaitedBy(d, lost)
  if (typeof awaited === 'string') return awaited
  if (awaited.gate.kind !== 'JUDGE') return `the gate is no judge: ${awaited.gate.kind}`
  loseJudge(d, awaited.execution.key, lost.usage)
  return undefined
}

/** What it was that somebody was asked to look at; else why nobody waits for that. */
function awaitedBy(
  d: Draft,
  { executionId, attemptId, gate: index, errors }: Asked,
): { execution: ExecutionState; gate: Check } | string {
  const execution = executionById(d.state, executionId)
  if (!execution) return 'no such execution in this session'
  const { key, status, current, gate: awaited, gateErrors = 0 } = execution
  const { gates } = nodeOf(d.state, key)
  const gate = checksOf(d.state, key)[index]
  if (status !== 'VALIDATING' || !gate || awaited !== index || errors !== gateErrors) {
    return `no such verdict is awaited: the execution is ${status}`
  }
  if ((current?.id ?? executionId) !== attemptId) return 'STALE_LEASE: the attempt is no longer the current one'
  if (waitsForJudge(execution, gates)) return 'no such verdict is awaited: nothing is left of the budget to ask a judge'
  return { execution, gate }
}
