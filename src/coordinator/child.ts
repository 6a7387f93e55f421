import { childBudget, type Amounts, NOTHING, usedOf } from '../core/budget.ts'
import type { ChildEnd } from '../core/child.ts'
import { elapsed, executionById, executionsOf } from '../core/draft.ts'
import type { ChildSession } from '../core/plan.ts'
import { isEnded } from '../core/session.ts'
import type { SessionState } from '../core/state.ts'
import { leftToUndo } from '../core/undo.ts'
import { isIsolated } from '../core/merge.ts'
import { begin } from './begin.ts'
import { baseOf, Conflict } from './place.ts'
import type { Tools } from './tools.ts'
import { planOf } from './childPlan.ts'

/** How often the workspace is tried to be kept, and the pause in between, in milliseconds. */
const SNAPSHOT_TRIES = 3
const SNAPSHOT_PAUSE_MS = 1_000

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
    const end = { executionId, childId, status: 'CANCELED', output: null, used: NOTHING, undo: [] } as const
    await parts.sessions.advance(parentId, { type: 'CHILD_ENDED', ...end })
    return
  }
  const fail = async (reason: string): Promise<void> => {
    const end = { executionId, childId, status: 'FAILED', output: null, reason, used: NOTHING, undo: [] } as const
    await parts.sessions.advance(parentId, { type: 'CHILD_ENDED', ...end })
  }
  const base = isIsolated(parent)
    ? await baseOf(parts, parent, execution.key, childId).catch((error: Error) => {
        if (error instanceof Conflict) return error
        throw error
      })
    : undefined
  if (base instanceof Conflict) return fail(base.message)
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
    ...(base !== undefined && { commit: base }),
  })
  if (begun.kind === 'CONFLICT') return fail(begun.message)
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

/** Tells a parent how its child has ended, and what of it can be undone. */
export async function tellParent(parts: Tools, child: SessionState): Promise<void> {
  const parent = await parts.sessions.read(child.parentSessionId as string)
  const execution = parent && executionsOf(parent).find(({ childId }) => childId === child.id)
  if (!parent || !execution) return
  const { id: childId, status, output = null, reason, budget } = child
  const result = { status, output, ...(reason !== undefined && { reason }) }
  const stands = (status === 'SUCCEEDED' || status === 'PARTIAL') && execution.aborting === undefined
  const { headCommit: commit } = child
  const told = isIsolated(parent)
    ? { ...result, ...(stands && commit !== undefined && { commit }) }
    : stands && parent.policy.snapshots
      ? { ...result, ...(await keepWorkspace(parts, parent, childId)) }
      : result
  const end = { executionId: execution.id, childId, used: usedOf(budget), undo: leftToUndo(child), ...told }
  await parts.sessions.advance(parent.id, { type: 'CHILD_ENDED', ...end })
}

/** Keeps what the workspace holds after a child, for the checkpoint that follows; like an agent's work, it fails without. */
async function keepWorkspace(
  { store, workspaces, timers }: Tools,
  { id, projectId }: SessionState,
  childId: string,
): Promise<{ commit?: string } | Pick<ChildEnd, 'status' | 'output' | 'reason'>> {
  const workspace = await store.workspace(projectId)
  if (workspace === undefined) return {}
  for (let tries = 1; ; tries++) {
    try {
      const commit = await workspaces.snapshot(workspace, `${id}/${childId}-after`)
      return commit === undefined ? {} : { commit }
    } catch (error) {
      if (tries === SNAPSHOT_TRIES) {
        const reason = `what the workspace holds after it cannot be kept: ${(error as Error).message}`
        return { status: 'FAILED', output: null, reason }
      }
      await timers.pause(SNAPSHOT_PAUSE_MS)
    }
  }
}
