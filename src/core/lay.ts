import { accept } from './accept.ts'
import { changeExecution, type Draft, executionOf, moveSession } from './draft.ts'
import { type ExecutionState, pendingExecution } from './execution.ts'
import { idFrom } from './hash.ts'
import type { PlanNode } from './plan.ts'

/** Lays out the executions of a plan and begins with them. */
export function lay(
  d: Draft,
  executionIds: Readonly<Record<string, string>>,
  carried: Readonly<Record<string, ExecutionState>> = {},
): void {
  const { plan, id, limits } = d.state
  d.state.executions = Object.fromEntries(
    plan.nodes.map(({ key }, position) => {
      const given = Object.hasOwn(executionIds, key) ? executionIds[key] : undefined
      return [key, pendingExecution(given ?? idFrom(id, 'execution', key), key, position)]
    }),
  )
  moveSession(d, 'RUN', { startedAt: d.now }, { totalMs: limits.totalMs })
  for (const node of plan.nodes) carry(d, node, Object.hasOwn(carried, node.key) ? carried[node.key] : undefined)
}

/**
 * Takes over the result of an earlier session. Only what was accepted, and only if all that it was made from is taken
 * over too: a report on failed branches must be written anew once they are tried again.
 */
function carry(d: Draft, { key, after }: PlanNode, earlier: ExecutionState | undefined): void {
  if (earlier?.status !== 'ACCEPTED' || after.some((k) => executionOf(d.state, k).status !== 'ACCEPTED')) return
  const { id, carriedId, output, summary, evidence, agentId } = earlier
  changeExecution(d, key, { carriedId: carriedId ?? id, ...(agentId !== undefined && { agentId }) })
  accept(d, key, {
    ...(output !== undefined && { output }),
    ...(summary !== undefined && { summary }),
    ...(evidence !== undefined && { evidence }),
  })
}
