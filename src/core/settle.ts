import {
  changeExecution,
  type Draft,
  emit,
  executionById,
  executionOf,
  executionsOf,
  moveExecution,
  moveSession,
  nodeOf,
} from './draft.ts'
import { type AttemptState, type ExecutionState, type FrozenInput, heldAttempt, isSettled } from './execution.ts'
import { gather } from './gather.ts'
import { hash } from './hash.ts'
import type { Json } from './json.ts'
import type { PlanNode } from './plan.ts'

/**
 * Follows what a change leads to, until nothing more follows: failure policies stop their groups, dependents become
 * READY or SKIPPED, COLLECT nodes are done, and a session of which every execution has settled ends.
 */
export function settle(d: Draft): void {
  let before: number
  do {
    before = d.events.length
    for (const node of d.state.plan.nodes) settleNode(d, node)
  } while (d.events.length > before)
  endIfSettled(d)
}

function settleNode(d: Draft, node: PlanNode): void {
  const execution = executionOf(d.state, node.key)
  if (isSettled(execution.status)) return
  const failed = failedSibling(d, node)
  if (failed) {
    stop(d, execution, failed.id, `${failed.key} failed and its group fails fast`)
    return
  }
  if (execution.status !== 'PENDING' && execution.status !== 'BLOCKED') return
  const dependencies = node.after.map((key) => executionOf(d.state, key))
  const culprit =
    node.join === 'ACCEPTED' ? dependencies.find((e) => isSettled(e.status) && e.status !== 'ACCEPTED') : undefined
  if (culprit) {
    const causeId = culprit.causeId ?? culprit.id
    moveExecution(d, node.key, 'SKIP', { causeId, endedAt: d.now }, { causeId })
  } else if (dependencies.every((e) => isSettled(e.status))) {
    ready(d, node)
  } else if (execution.status === 'PENDING') {
    moveExecution(d, node.key, 'BLOCK')
  }
}

/** Freezes the input and hands the node on: to the engine, or, for COLLECT, straight to its result. */
function ready(d: Draft, node: PlanNode): void {
  const upstream = node.needs.map((key) => executionOf(d.state, key))
  const input: FrozenInput = {
    data: node.input ?? null,
    upstream: upstream.map(({ key, id, status }) => ({ key, executionId: id, status })),
  }
  const outputs = node.kind === 'COLLECT' ? gather(upstream) : upstream.map(({ output = null }) => output)
  const branches = upstream.map((execution, index) => branch(execution, outputs[index] as Json))
  const inputHash = hash({ data: input.data, upstream: branches })
  moveExecution(d, node.key, 'READY', { input, inputHash, readyAt: d.now })
  if (node.kind === 'TASK') {
    d.effects.push({ type: 'ENQUEUE', executionId: executionOf(d.state, node.key).id })
    return
  }
  const accepted = upstream.filter((e) => e.status === 'ACCEPTED').length
  accept(d, node.key, {
    output: branches,
    summary: `${accepted} of ${upstream.length} branches accepted`,
  })
}

/** What a branch hands to its aggregator, failures included. */
function branch({ key, status, summary, error }: ExecutionState, output: Json): Json {
  return {
    branch: key,
    status,
    summary: summary ?? null,
    output,
    error: error ? { class: error.class, message: error.message } : null,
  }
}

/** Accepts a result and sets the checkpoint after it. */
export function accept(d: Draft, key: string, result: Pick<ExecutionState, 'output' | 'summary' | 'evidence'>): void {
  const summary = result.summary ?? ''
  moveExecution(d, key, 'ACCEPT', { ...result, endedAt: d.now }, { summary })
  const { id } = executionOf(d.state, key)
  const accepted = executionsOf(d.state)
    .filter((e) => e.status === 'ACCEPTED')
    .map((e) => e.id)
  emit(d, 'CHECKPOINT_MADE', { accepted: accepted.length }, { executionId: id })
  d.checkpoints.push({ seq: d.state.seq, executionId: id, accepted })
}

function failedSibling(d: Draft, node: PlanNode): ExecutionState | undefined {
  const { groups, nodes } = d.state.plan
  if (!groups.some(({ key, onFailure }) => key === node.group && onFailure === 'FAIL_FAST')) return undefined
  return nodes
    .filter((sibling) => sibling.group === node.group && !sibling.optional)
    .map((sibling) => executionOf(d.state, sibling.key))
    .find((sibling) => sibling.status === 'FAILED')
}

/** Stops one execution for the sake of another: what runs is told to stop, what does not run is SKIPPED. */
function stop(d: Draft, execution: ExecutionState, causeId: string, reason: string): void {
  const held = heldAttempt(execution)
  if (held) abort(d, execution, held, reason, causeId)
  else moveExecution(d, execution.key, 'SKIP', { causeId, endedAt: d.now }, { causeId })
}

/** Tells a running attempt to stop, once. Its lease ends with the grace (rule 8), whoever it is stopped for. */
export function abort(d: Draft, execution: ExecutionState, held: AttemptState, reason: string, causeId?: string): void {
  if (execution.aborting !== undefined) return
  const leaseUntil = Math.min(held.leaseUntil, d.now + d.state.limits.cancelGraceMs)
  const current = { ...held, leaseUntil }
  changeExecution(d, execution.key, { aborting: reason, current, ...(causeId !== undefined && { causeId }) })
  d.effects.push({ type: 'ABORT', executionId: execution.id, attemptId: held.id, reason })
}

/** Rule 6: SUCCEEDED = all accepted; PARTIAL = every required one accepted, some other not; else FAILED. */
function endIfSettled(d: Draft): void {
  const executions = executionsOf(d.state)
  if (!executions.every((e) => isSettled(e.status))) return
  const { ending } = d.state
  const missing = executions.filter((e) => e.status !== 'ACCEPTED')
  const output = outputOf(d)
  const end = { endedAt: d.now, ...(output !== null && { output }) }
  if (ending && ending.move !== 'LIMIT') {
    moveSession(d, ending.move, { ...end, reason: ending.reason }, { reason: ending.reason })
  } else if (missing.length === 0) {
    moveSession(d, 'SUCCEED', end)
  } else {
    const reason = missing.map((e) => reasonOf(e, d)).join('; ')
    const partly = missing.every((e) => nodeOf(d.state, e.key).optional)
    moveSession(d, partly ? 'SUCCEED_PARTLY' : 'FAIL', { ...end, reason }, { reason })
  }
}

/** Why an execution is missing: it failed itself, or it was given up because of another one. */
function reasonOf({ key, status, error, causeId }: ExecutionState, d: Draft): string {
  const what = `${key} ${status.toLowerCase()}`
  if (error) return `${what}: ${error.message}`
  return `${what} because of ${(executionById(d.state, causeId as string) as ExecutionState).key}`
}

function outputOf(d: Draft): Json {
  const last = d.state.plan.outputs.map((key) => executionOf(d.state, key))
  return last.length === 1 ? (last[0]?.output ?? null) : gather(last)
}
