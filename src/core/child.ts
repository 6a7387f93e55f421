import { type Amounts, sliceFor } from './budget.ts'
import {
  changeExecution,
  type Draft,
  emit,
  executionById,
  executionOf,
  executionsOf,
  moveExecution,
  nodeOf,
} from './draft.ts'
import { reserve } from './budget.ts'
import { endStopped } from './attempt.ts'
import { giveUp } from './giveUp.ts'
import { idFrom } from './hash.ts'
import type { Json } from './json.ts'
import type { PlanNode } from './plan.ts'
import { noRoom } from './room.ts'
import { settleSpent } from './spend.ts'
import type { SessionStatus } from './session.ts'
import { keepUndo } from './undo.ts'
import type { Undoable } from './undoable.ts'
import { begin } from './validate.ts'

/**
 * Begins the child session of a node, with a slice of the budget. Waits while nothing is left to be sliced, or as many
 * run as may at once.
 */
export function spawn(d: Draft, node: PlanNode): void {
  if (noRoom(d.state, node.group) !== undefined) return
  const { id: executionId, fence } = executionOf(d.state, node.key)
  const waiting = executionsOf(d.state).filter(({ status }) => status === 'READY').length
  const slice = sliceFor(d.state.budget, node, waiting)
  if (!slice) return
  const childId = idFrom(d.state.id, 'child', node.key, fence + 1)
  d.state.budget = reserve(d.state.budget, slice)
  moveExecution(d, node.key, 'ASSIGN', { childId, slice, fence: fence + 1 }, { childId })
  moveExecution(d, node.key, 'START', { startedAt: d.now })
  d.effects.push({ type: 'SPAWN', executionId, childId })
}

/** How a child session has ended. */
export interface ChildEnd {
  executionId: string
  childId: string
  status: SessionStatus
  output: Json
  reason?: string
  used: Amounts
  /** What it leaves to be undone. */
  undo: readonly Undoable[]
  /** Commit of the workspace as it left it, where that is kept. */
  commit?: string
}

/** A child session has ended: its output is the result of its node. Returns why that changes nothing. */
export function endChild(
  d: Draft,
  { executionId, childId, status, output, reason = '', used, undo, commit }: ChildEnd,
): string | undefined {
  const execution = executionById(d.state, executionId)
  if (execution?.childId !== childId) return 'no such child in this session'
  if (execution.status !== 'RUNNING') return `the execution does not wait for a child: ${execution.status}`
  const { key, aborting, slice } = execution
  settleSpent(d, slice, used)
  // By their keys alone: what they put out stands in the child's own rows.
  const undoes = undo.length === 0 ? {} : { undo: undo.map((undoable) => undoable.key) }
  emit(d, 'CHILD_ENDED', { key, childId, status, reason, ...undoes }, { executionId })
  if (undo.length > 0) changeExecution(d, key, { undo: keepUndo(execution.undo ?? [], undo, d.state.seq) })
  if (aborting !== undefined) {
    endStopped(d, key, aborting)
  } else if (status === 'SUCCEEDED' || status === 'PARTIAL') {
    const summary =
      status === 'PARTIAL' ? `partly done: ${reason}` : `done by a session of ${nodeOf(d.state, key).session?.pattern}`
    begin(d, key, {
      output,
      summary,
      evidence: [{ name: 'child session', kind: 'SESSION', passed: true, detail: { childId, status } }],
      artifacts: 0,
      ...(commit !== undefined && { commit }),
    })
  } else {
    changeExecution(d, key, {
      evidence: [{ name: 'child session', kind: 'SESSION', passed: false, detail: { childId, status } }],
    })
    giveUp(d, key, { class: 'CHILD', message: `the child session ended ${status}: ${reason}` })
  }
  return undefined
}
