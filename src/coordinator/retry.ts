import { checkpointAt } from '../core/checkpoint.ts'
import { executionsOf } from '../core/draft.ts'
import { editPlan, type PlanEdit } from '../core/edit.ts'
import type { ExecutionState } from '../core/execution.ts'
import type { Plan } from '../core/plan.ts'
import { isIsolated } from '../core/merge.ts'
import { planToResume } from '../core/resume.ts'
import { budgetOf, type Unit, UNITS, type UnitLimits } from '../core/budget.ts'
import { isEnded } from '../core/session.ts'
import type { SessionState } from '../core/state.ts'
import { answeredBefore, begin } from './begin.ts'
import type { Fork, Idempotency, Refusal, StartResult } from './coordinator.ts'
import { checkPlan, checkRollback } from './enforce.ts'
import { stands } from './takeOver.ts'
import type { Tools } from './tools.ts'

/** Makes a new session from an ended one: see `Coordinator.retry`. */
export async function retry(
  parts: Tools,
  sessionId: string,
  idempotencyKey?: string,
  seq?: number,
): Promise<StartResult> {
  const input = { sessionId, ...(seq !== undefined && { seq }) }
  const idempotency = idempotencyKey && { operation: 'retrySession', key: idempotencyKey, input }
  const answered = idempotency ? await answeredBefore(parts, idempotency) : undefined
  if (answered) return answered
  const state = await parts.sessions.read(sessionId)
  if (!state) return { kind: 'NOT_FOUND', what: 'session', id: sessionId }
  if (!isEnded(state.status)) {
    return { kind: 'CONFLICT', message: `the session is still ${state.status}: cancel it first, or wait for its end` }
  }
  if (state.parentSessionId !== undefined) {
    return { kind: 'CONFLICT', message: `it is a part of the session ${state.parentSessionId}: try that one again` }
  }
  if (state.status === 'SUCCEEDED' && seq === undefined) {
    return { kind: 'CONFLICT', message: 'every execution of the session was accepted: there is nothing to try again' }
  }
  return goOnFrom(parts, state, { link: { retryOfId: sessionId }, seq, idempotency: idempotency || undefined })
}

/** Makes a new session from a checkpoint of any session: see `Coordinator.fork`. */
export async function fork(parts: Tools, { sessionId, seq, edits, idempotencyKey }: Fork): Promise<StartResult> {
  const input = { sessionId, ...(seq !== undefined && { seq }), ...(edits && { edits }) }
  const idempotency = idempotencyKey && { operation: 'forkSession', key: idempotencyKey, input }
  const answered = idempotency ? await answeredBefore(parts, idempotency) : undefined
  if (answered) return answered
  // Not what this server remembers: others may have come further with it.
  const state = await parts.store.session(sessionId)
  if (!state) return { kind: 'NOT_FOUND', what: 'session', id: sessionId }
  const link = { forkOfId: sessionId }
  return goOnFrom(parts, state, { link, seq, ...(edits && { edits }), idempotency: idempotency || undefined })
}

interface GoingOn {
  edits?: Fork['edits']
  link: { retryOfId: string } | { forkOfId: string }
  seq: number | undefined
  idempotency: Idempotency | undefined
}

async function goOnFrom(
  parts: Tools,
  state: SessionState,
  { link, seq, edits = [], idempotency }: GoingOn,
): Promise<StartResult> {
  const { projectId, taskId, pattern, priority, limits, policy } = state
  const found = seq === undefined ? undefined : checkpointAt(state, seq)
  if (seq !== undefined && !found) return { kind: 'NOT_FOUND', what: 'checkpoint', id: `${seq}` }
  const changed = changedBy(edits, state.plan)
  const carried = Object.fromEntries(
    executionsOf(state)
      .filter((one) => stands(state, one) && !changed.has(one.key) && (found?.accepted.includes(one.id) ?? true))
      .map((execution): [string, ExecutionState] => [execution.key, execution]),
  )
  const { plan, ledger } = planToResume(state, (key) => Object.hasOwn(carried, key))
  const edited = edits.length === 0 ? { plan } : editPlan(plan, edits, new Set(), state.depth)
  if ('problems' in edited) return { kind: 'INVALID', problems: edited.problems }
  const nodes = edited.plan.nodes.filter(({ key }) => !Object.hasOwn(carried, key))
  const problems = [
    ...(await checkPlan(parts, projectId, { ...edited.plan, nodes }, { origin: 'CALLER', policy })),
    ...(await checkRollback(parts, projectId, edited.plan, policy)),
  ]
  if (problems.length > 0) return { kind: 'INVALID', problems } satisfies Refusal
  const analysis = await parts.store.analysis(state.id)
  const newId = parts.newId()
  const { rootSessionId = state.id } = state
  const { review } = ((await parts.sessions.read(rootSessionId)) ?? state).policy
  const base = isIsolated(state) ? await baseWith(parts, state, Object.values(carried), newId) : undefined
  if (base && 'kind' in base) return base
  return begin(parts, {
    ...base,
    opening: {
      id: newId,
      projectId,
      taskId,
      pattern,
      priority,
      plan: edited.plan,
      limits,
      // The plan of a child session was reviewed with that of its root.
      policy: { ...policy, review },
      budget: budgetOf(limitsOf(state)),
      ...(ledger && { ledger }),
      // What people said of the task holds for whatever of it is done anew.
      inputs: state.inputs,
      ...link,
    },
    ...(analysis && { analysis }),
    // The machine takes over what was accepted, as long as all that it was made from is taken over too.
    carried,
    // A plan that has begun was approved then; what it was changed to since was shown to nobody.
    approved: state.startedAt !== undefined && edits.length === 0,
    ...(idempotency && { idempotency }),
  })
}

/** What was accepted and is taken over, as what the new session begins with. */
async function baseWith(
  { store, worktrees }: Tools,
  { projectId, baseCommit }: SessionState,
  carried: readonly ExecutionState[],
  newId: string,
): Promise<{ commit: string } | Refusal> {
  const workspace = await store.workspace(projectId)
  if (workspace === undefined) return { kind: 'CONFLICT', message: 'its project has gone' }
  const commits = carried.toSorted((a, b) => a.position - b.position).flatMap(({ commit }) => commit ?? [])
  const merged = await worktrees.merge(workspace, newId, [baseCommit as string, ...commits])
  if (merged.kind === 'MERGED') return { commit: merged.commit }
  const message = `what was accepted does not go together without what is done anew: ${merged.paths.join(', ')}`
  return { kind: 'CONFLICT', message }
}

/**
 * What is done anew because of edits. The machine sees to what was made from that, but not from what is no longer there.
 */
function changedBy(edits: readonly PlanEdit[], { nodes }: Plan): Set<string> {
  const keys = new Set(edits.map((edit) => (edit.kind === 'ADD' ? edit.subTask.key : edit.key)))
  const removed = new Set(edits.flatMap((edit) => (edit.kind === 'REMOVE' ? [edit.key] : [])))
  const made = nodes.filter(({ after, needs }) => [...after, ...needs].some((key) => removed.has(key)))
  return keys.union(new Set(made.map(({ key }) => key)))
}

/** A new session may use as much as the first one. */
function limitsOf({ budget }: SessionState): Partial<Record<Unit, UnitLimits>> {
  return Object.fromEntries(
    UNITS.map((unit) => {
      const { soft, hard } = budget[unit]
      return [unit, { ...(soft !== undefined && { soft }), ...(hard !== undefined && { hard }) }]
    }),
  )
}
