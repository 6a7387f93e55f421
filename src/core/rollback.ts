import { changePlan, type Draft, emit, moveSession } from './draft.ts'
import { freeKey } from './freeKey.ts'
import type { Choice } from './interrupt.ts'
import { isIsolated } from './merge.ts'
import type { Plan, PlanNode } from './plan.ts'
import { openInterrupts, raise } from './raise.ts'
import type { Rollback } from './state.ts'
import { stopWorkOfAll } from './stop.ts'
import { undoablesOf } from './undo.ts'
import type { Undoable } from './undoable.ts'

/** What a rollback goes back to. */
export interface RollbackTo {
  reason: string
  /** Number of the event of the checkpoint; 0: the beginning. */
  toSeq: number
  /** Ids of the executions that had been accepted by then. */
  keep: readonly string[]
  /** Commit of the workspace at that checkpoint. */
  commit: string | undefined
}

/**
 * E93, E106: everything stops, what was done since is undone in the reverse order of its completion. A child session leaves
 * the workspace as it is: others work in it too, whose work would go with its own. Only the root knows all of them.
 */
export function beginRollback(d: Draft, { commit, ...to }: RollbackTo): void {
  const restores = commit !== undefined && d.state.parentSessionId === undefined
  const rollback: Rollback = { ...to, phase: 'STOPPING', ...(restores && { commit }) }
  moveSession(d, 'ROLL_BACK', { rollback }, { reason: to.reason, toSeq: to.toSeq })
  stopWorkOfAll(d, to.reason)
}

/** Everything has settled: the next phase of the rollback begins, or it has come to its end. */
export function goOnRollingBack(d: Draft): void {
  const rollback = d.state.rollback as Rollback
  if (openInterrupts(d).length > 0) return
  if (rollback.phase === 'STOPPING') {
    d.state.rollback = { ...rollback, phase: 'COMPENSATING' }
    const done = undoablesOf(d.state, ({ id }) => !rollback.keep.includes(id))
    if (done.length > 0) {
      changePlan(d, withCompensations(d.state.plan, done.toReversed()), 'rollback')
      return
    }
  }
  if (rollback.phase !== 'RESTORING' && rollback.commit !== undefined) {
    d.state.rollback = { ...rollback, phase: 'RESTORING' }
    d.effects.push({ type: 'RESTORE' })
  } else if (rollback.phase !== 'RESTORING') {
    endRollback(d)
  }
}

function endRollback(d: Draft): void {
  const { reason } = d.state.rollback as Rollback
  moveSession(d, 'END_ROLLBACK', { reason, endedAt: d.now }, { reason })
}

/** The compensations one after the other, whatever becomes of one of them. */
function withCompensations(plan: Plan, undone: readonly Undoable[]): Plan {
  const nodes: PlanNode[] = []
  for (const { key, compensation, input: given, output, timeouts, retry } of undone) {
    const { title, description = '', capabilities = [], agent, input } = compensation
    nodes.push({
      key: freeKey(`undo-${key}`, [...plan.nodes, ...nodes]),
      kind: 'UNDO',
      title,
      description,
      capabilities,
      ...(agent !== undefined && { agent }),
      input: { input: input ?? null, of: { key, input: given, output } },
      optional: true,
      after: nodes.slice(-1).map((previous) => previous.key),
      needs: [],
      join: 'SETTLED',
      group: 'rollback',
      timeouts,
      retry,
      undoes: key,
    })
  }
  const group = { key: 'rollback', pattern: 'SEQUENTIAL', onFailure: 'CONTINUE', concurrency: 1 } as const
  return { ...plan, nodes: [...plan.nodes, ...nodes], groups: [...plan.groups, group] }
}

/** The workspace has been brought back, or could not be. Returns why that changes nothing. */
export function restored(d: Draft, error: string | undefined): string | undefined {
  const { rollback } = d.state
  if (d.state.status !== 'ROLLING_BACK' || rollback?.phase !== 'RESTORING') return 'no workspace is being restored'
  if (openInterrupts(d).length > 0) return 'a person has been asked already'
  if (error === undefined) {
    // With worktrees nothing else holds what was accepted.
    if (isIsolated(d.state)) d.state.headCommit = rollback.commit as string
    emit(d, 'WORKSPACE_RESTORED', { commit: rollback.commit as string })
    endRollback(d)
    return undefined
  }
  emit(d, 'COMPENSATION_FAILED', { key: 'workspace', error: { class: 'AGENT', message: error } })
  raise(d, {
    kind: 'QUESTION',
    question: `The workspace could not be brought back: ${error}. Shall it be tried again?`,
    shown: { commit: rollback.commit as string, error },
    choices: ['RETRY', 'SKIP', 'STOP'],
    onExpiry: { choice: 'SKIP', text: 'nobody answered in time' },
    about: { undo: 'workspace' },
  })
  return undefined
}

/** What a person says of a workspace that could not be brought back. */
export function decideRestore(d: Draft, choice: Choice): void {
  if (choice === 'RETRY') d.effects.push({ type: 'RESTORE' })
  else if (choice === 'SKIP') endRollback(d)
  else failRollback(d)
}

/** A person has given the rollback up. */
export function failRollback(d: Draft): void {
  const { reason } = d.state.rollback as Rollback
  const told = `the rollback was given up: ${reason}`
  stopWorkOfAll(d, told)
  moveSession(d, 'FAIL', { reason: told, endedAt: d.now }, { reason: told })
}
