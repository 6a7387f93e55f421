import { inOrder } from '../gate.ts'
import type { PlanNode, SubTask, Timeouts } from '../plan.ts'
import type { RetryPolicy } from '../retry.ts'
import type { Placed } from './compiler.ts'

/** What a node takes over where its part says nothing. */
export interface NodeDefaults {
  timeouts: Timeouts
  retry: RetryPolicy
}

/** The node of a part at its place; it has no member that the part does not speak of. */
export function makeNode(
  { part, kind, group, after, needs, behind, onceBegun, item }: Placed,
  defaults: NodeDefaults,
): PlanNode {
  const { type, agent, input, fallback, compensation, reserve, session } = part
  const gates = gatesOf(part)
  return {
    key: part.key,
    kind: kind ?? (session ? 'SESSION' : 'TASK'),
    title: part.title,
    description: part.description,
    ...(type && { type }),
    capabilities: part.capabilities,
    ...(agent !== undefined && { agent }),
    ...(input !== undefined && { input }),
    optional: part.optional ?? false,
    after,
    needs,
    join: part.evenIfSkipped ? 'ACCEPTED_OR_SKIPPED' : 'ACCEPTED',
    ...(behind && { behind }),
    ...(onceBegun && { onceBegun }),
    group,
    timeouts: { ...defaults.timeouts, ...part.timeouts },
    retry: { ...defaults.retry, ...part.retry },
    ...(gates.length > 0 && { gates }),
    ...(fallback && fallback.length > 0 && { fallback }),
    ...(compensation && { compensation }),
    ...(reserve && { reserve }),
    ...(session && { session }),
    ...(item !== undefined && { item }),
  }
}

/** The schema of what a part puts out is its first gate. */
function gatesOf({ gates = [], outputSchema }: SubTask): NonNullable<PlanNode['gates']> {
  return inOrder(outputSchema === undefined ? gates : [{ kind: 'SCHEMA', schema: outputSchema }, ...gates])
}
