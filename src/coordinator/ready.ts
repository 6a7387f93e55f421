import { executionById } from '../core/draft.ts'
import { remainingPath } from '../core/graph.ts'
import type { PlanNode } from '../core/plan.ts'
import type { ReadyItem } from '../core/schedule.ts'
import type { SessionState } from '../core/state.ts'
import { doerOf } from '../core/undo.ts'

const paths = new WeakMap<SessionState['plan'], Map<string, number>>()

/** What the engine needs to know of an execution that is READY. */
export function readyItem(state: SessionState, executionId: string): ReadyItem {
  const execution = executionById(state, executionId) as SessionState['executions'][string]
  const node = state.plan.nodes[execution.position] as SessionState['plan']['nodes'][number]
  let path = paths.get(state.plan)
  if (!path) {
    path = remainingPath(state.plan.nodes, () => 1)
    paths.set(state.plan, path)
  }
  const group = state.plan.groups.find(({ key }) => key === node.group)
  return {
    executionId,
    sessionId: state.id,
    projectId: state.projectId,
    group: node.group,
    priority: state.priority,
    remainingPath: path.get(node.key) as number,
    readyAt: execution.readyAt as number,
    wanted: wantedBy(state, node),
    limits: { session: state.limits.concurrency, group: group?.concurrency ?? 1, project: Number.POSITIVE_INFINITY },
  }
}

/** What an execution asks of its agent now: once its agents have failed, the fallback whose turn it is. */
function wantedBy(state: SessionState, node: PlanNode): ReadyItem['wanted'] {
  const { fallbacks = 0 } = state.executions[node.key] as SessionState['executions'][string]
  const fallback = node.fallback?.[fallbacks - 1]
  if (fallback !== undefined) return { ...wantedOf(node), capabilities: [], agent: fallback }
  const undone = node.undoes === undefined ? undefined : doerOf(state, node.undoes)
  // Who has done something knows best how to undo it.
  const same = node.agent === undefined && node.capabilities.length === 0 ? undone : undefined
  return { ...wantedOf(node), ...(same !== undefined && { agent: same }) }
}

/** What a node asks of its agent. */
export function wantedOf(node: PlanNode): ReadyItem['wanted'] {
  const { type, capabilities, agent, title, description } = node
  return { capabilities, text: `${title}. ${description}`, ...(type && { type }), ...(agent && { agent }) }
}
