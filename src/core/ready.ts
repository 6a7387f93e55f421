import { accept } from './accept.ts'
import { aggregate, type Branch, branches } from './aggregate.ts'
import { type Draft, executionById, executionOf, moveExecution, nodeOf } from './draft.ts'
import type { ExecutionState, FrozenInput } from './execution.ts'
import { fail } from './giveUp.ts'
import { hash } from './hash.ts'
import type { PlanNode } from './plan.ts'
import type { SessionState } from './state.ts'

/** Freezes the input and hands the node on: to the engine, or, where the coordinator does it itself, to its result. */
export function ready(d: Draft, node: PlanNode): void {
  const { kind, key, votes } = node
  const { id: executionId } = executionOf(d.state, key)
  const upstream = branchesOf(d.state, node)
  moveExecution(d, key, 'READY', { ...freeze(d, node, upstream), readyAt: d.now })
  if (kind === 'TASK' || kind === 'MANAGE' || kind === 'UNDO') {
    d.effects.push({ type: 'ENQUEUE', executionId })
  } else if (kind !== 'SESSION') {
    const result = aggregate(kind, upstream, votes)
    if ('error' in result) fail(d, key, { class: 'VALIDATION', message: result.error })
    else accept(d, key, result)
  }
}

/** What an aggregator is handed of what comes before it, in declared order. */
export function branchesOf(state: SessionState, node: PlanNode): Branch[] {
  return node.needs.map((key) => {
    const execution = executionOf(state, key)
    const culprit = execution.causeId === undefined ? undefined : executionById(state, execution.causeId)
    const { item } = nodeOf(state, key)
    return {
      ...execution,
      ...(item !== undefined && { item }),
      ...(culprit && { culprit: { key: culprit.key, ...(culprit.error && { error: culprit.error }) } }),
    }
  })
}

/** E15: what a node is handed is frozen and hashed, so that it can be replayed. */
function freeze(d: Draft, node: PlanNode, upstream: readonly Branch[]): Pick<ExecutionState, 'input' | 'inputHash'> {
  const inputs = d.state.inputs.length
  const input: FrozenInput = {
    data: node.input ?? null,
    upstream: upstream.map(({ key, id, status }) => ({ key, executionId: id, status })),
    ...(inputs > 0 && { inputs }),
  }
  const told = d.state.inputs.map(({ text }) => text)
  return { input, inputHash: hash({ data: input.data, upstream: branches(upstream), ...(inputs > 0 && { told }) }) }
}

/** The same for an execution that is handed new input. */
export function refreeze(d: Draft, key: string): Pick<ExecutionState, 'input' | 'inputHash'> {
  const node = nodeOf(d.state, key)
  return freeze(d, node, branchesOf(d.state, node))
}
