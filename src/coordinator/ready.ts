import { executionById } from '../core/draft.ts'
import { remainingPath } from '../core/graph.ts'
import type { ReadyItem } from '../core/schedule.ts'
import type { SessionState } from '../core/state.ts'

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
    wanted: wantedOf(node),
    limits: { session: state.limits.concurrency, group: group?.concurrency ?? 1, project: Number.POSITIVE_INFINITY },
  }
}

/** What a node asks of its agent. */
export function wantedOf(node: SessionState['plan']['nodes'][number]): ReadyItem['wanted'] {
  const { type, capabilities, agent, title, description } = node
  return { capabilities, text: `${title}. ${description}`, ...(type && { type }), ...(agent && { agent }) }
}
