import { accept } from './accept.ts'
import { changeExecution, type Draft, moveSession } from './draft.ts'
import { type ExecutionState, pendingExecution } from './execution.ts'
import { idFrom } from './hash.ts'
import type { Plan } from './plan.ts'

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
  for (const [key, earlier] of takenOver(plan, carried)) carry(d, key, earlier)
}

/**
 * What a plan takes over of an earlier session, by key in the plan's order. Only what was accepted, and only if all that
 * it was made from is taken over too: a report on failed branches must be written anew once they are tried again.
 */
export function takenOver<E extends Pick<ExecutionState, 'status'>>(
  { nodes }: Plan,
  carried: Readonly<Record<string, E>>,
): Map<string, E> {
  const taken = new Map<string, E>()
  for (const { key, after } of nodes) {
    const earlier = Object.hasOwn(carried, key) ? carried[key] : undefined
    if (earlier?.status !== 'ACCEPTED' || after.some((before) => !taken.has(before))) continue
    taken.set(key, earlier)
  }
  return taken
}

function carry(d: Draft, key: string, earlier: ExecutionState): void {
  const { id, carriedId, output, summary, evidence, agentId, undo } = earlier
  changeExecution(d, key, {
    carriedId: carriedId ?? id,
    ...(agentId !== undefined && { agentId }),
    // Done by the time that it is accepted here.
    ...(undo && { undo: undo.map((done) => ({ ...done, seq: d.state.seq + 1 })) }),
  })
  accept(d, key, {
    ...(output !== undefined && { output }),
    ...(summary !== undefined && { summary }),
    ...(evidence !== undefined && { evidence }),
  })
}
