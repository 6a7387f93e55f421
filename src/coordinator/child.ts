import { childBudget, type Amounts, NOTHING, usedOf } from '../core/budget.ts'
import { elapsed, executionById, executionsOf } from '../core/draft.ts'
import type { ChildSession } from '../core/plan.ts'
import { isEnded } from '../core/session.ts'
import type { SessionState } from '../core/state.ts'
import { begin } from './begin.ts'
import type { Tools } from './tools.ts'
import { planOf } from './childPlan.ts'

/** Begins the child session of an execution, unless an earlier server has; one that has ended is told to its parent. */
export async function beginChild(parts: Tools, parentId: string, executionId: string, childId: string): Promise<void> {
  const parent = await parts.sessions.read(parentId)
  const execution = parent && executionById(parent, executionId)
  if (!parent || execution?.childId !== childId || execution.status !== 'RUNNING') return
  const child = await parts.store.session(childId)
  if (child) {
    if (isEnded(child.status)) await tellParent(parts, child)
    return
  }
  // It was to stop before it had begun.
  if (execution.aborting !== undefined) {
    const end = { executionId, childId, status: 'CANCELED', output: null, used: NOTHING } as const
    await parts.sessions.advance(parentId, { type: 'CHILD_ENDED', ...end })
    return
  }
  const session = parent.plan.nodes[execution.position]?.session as ChildSession
  const { pattern } = session
  const { projectId, taskId, priority, limits, policy, budget, depth } = parent
  const begun = await begin(parts, {
    opening: {
      id: childId,
      projectId,
      taskId,
      pattern,
      priority,
      plan: planOf(session, limits),
      limits,
      // The parent's plan, with this in it, is what was approved.
      policy: { ...policy, review: false },
      budget: childBudget(budget, execution.slice as Amounts, elapsed(parent, parts.now())),
      depth: depth + 1,
      rootSessionId: parent.rootSessionId ?? parentId,
      parentSessionId: parentId,
    },
  })
  if (begun.kind === 'CONFLICT') {
    const { message: reason } = begun
    const end = { executionId, childId, status: 'FAILED', output: null, reason, used: NOTHING } as const
    await parts.sessions.advance(parentId, { type: 'CHILD_ENDED', ...end })
    return
  }
  await stopWithParent(parts, parentId, executionId, childId)
}

/** Whoever was to stop the child while it was being begun found none. */
async function stopWithParent(
  { sessions }: Tools,
  parentId: string,
  executionId: string,
  childId: string,
): Promise<void> {
  const parent = await sessions.read(parentId)
  const reason = parent && executionById(parent, executionId)?.aborting
  if (reason === undefined || parent?.policy.close !== 'CANCEL_CHILDREN') return
  await sessions.advance(childId, { type: 'CANCEL', reason })
}

/** Tells a parent how its child has ended. */
export async function tellParent({ sessions }: Tools, child: SessionState): Promise<void> {
  const parent = await sessions.read(child.parentSessionId as string)
  const execution = parent && executionsOf(parent).find(({ childId }) => childId === child.id)
  if (!parent || !execution) return
  const { id: childId, status, output = null, reason, budget } = child
  const end = { executionId: execution.id, childId, status, output, used: usedOf(budget) }
  await sessions.advance(parent.id, { type: 'CHILD_ENDED', ...end, ...(reason !== undefined && { reason }) })
}
