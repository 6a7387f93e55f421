import { type Checkpoint, checkpointAt } from '../core/checkpoint.ts'
import { editPlan, type PlanEdit } from '../core/edit.ts'
import type { Answering } from '../core/answer.ts'
import type { Happening } from '../core/step.ts'
import type { Idempotency, Moved, Refusal } from './coordinator.ts'
import { checkPlan, checkRollback } from './enforce.ts'
import { claimOf } from './keys.ts'
import { approvedOf } from './takeOver.ts'
import type { Tools } from './tools.ts'

/** Moves a session by what a person wants, or says why it can't be done. */
export async function happen(
  { sessions }: Pick<Tools, 'sessions'>,
  sessionId: string,
  happening: Happening,
  once?: Idempotency,
): Promise<Moved> {
  const result = await sessions.advance(sessionId, happening, [], once && claimOf(once, sessionId))
  if (!result) return { kind: 'NOT_FOUND', what: 'session', id: sessionId }
  return result.refused === undefined ? { kind: 'MOVED', sessionId } : refusalOf(result.refused)
}

/** The machine says in its first word what kind of refusal it is, where it is not a conflict. */
function refusalOf(refused: string): Refusal {
  const [, code, message = refused] = /^([A-Z_]+): (.*)$/s.exec(refused) ?? []
  if (code === 'FORBIDDEN' || code === 'LIMIT') return { kind: code, message }
  if (code === 'INVALID') return { kind: 'INVALID', problems: [{ path: ['answer'], message }] }
  return { kind: 'CONFLICT', message: refused }
}

/** Answers an interrupt: see `Coordinator.answer`. */
export async function answer(parts: Tools, answering: Answering, once?: Idempotency): Promise<Moved> {
  const { interruptId } = answering
  const sessionId = await parts.store.sessionOfInterrupt(interruptId)
  if (sessionId === undefined) return { kind: 'NOT_FOUND', what: 'interrupt', id: interruptId }
  const state = await parts.sessions.read(sessionId)
  const carried = state ? await approvedOf(parts, state, interruptId) : {}
  return happen(parts, sessionId, { type: 'ANSWER', ...answering, carried }, once)
}

/** Edits a plan that waits for approval: see `Coordinator.edit`. */
export async function edit(
  parts: Tools,
  sessionId: string,
  { edits, by, once }: { edits: readonly PlanEdit[]; by: string; once: Idempotency | undefined },
): Promise<Moved> {
  for (;;) {
    const state = await parts.sessions.read(sessionId)
    if (!state) return { kind: 'NOT_FOUND', what: 'session', id: sessionId }
    const { planVersion: version } = state
    const edited = editPlan(state.plan, edits, new Set(), state.depth)
    if ('problems' in edited) return { kind: 'INVALID', problems: edited.problems }
    const problems = [
      ...(await checkPlan(parts, state.projectId, edited.plan, { origin: 'CALLER', policy: state.policy })),
      ...(await checkRollback(parts, state.projectId, edited.plan, state.policy)),
    ]
    if (problems.length > 0) return { kind: 'INVALID', problems }
    const moved = await happen(parts, sessionId, { type: 'EDIT', plan: edited.plan, version, by }, once)
    const now = moved.kind === 'CONFLICT' ? await parts.sessions.read(sessionId) : undefined
    // Somebody else has edited it meanwhile: theirs is not to be lost.
    if (now?.status !== 'AWAITING_APPROVAL' || now.planVersion === version) return moved
  }
}

/** Rolls a session back to a checkpoint, or to its beginning: see `Coordinator.rollBack`. */
export async function rollBack(
  parts: Tools,
  sessionId: string,
  { toSeq, reason }: { toSeq: number; reason: string },
  once?: Idempotency,
): Promise<Moved> {
  // Not what this server remembers: what was accepted elsewhere a moment ago may be what is to stay.
  const state = await parts.store.session(sessionId)
  if (!state) return { kind: 'NOT_FOUND', what: 'session', id: sessionId }
  const checkpoint: Checkpoint | undefined = toSeq === 0 ? { accepted: [] } : checkpointAt(state, toSeq)
  if (!checkpoint) return { kind: 'NOT_FOUND', what: 'checkpoint', id: `${toSeq}` }
  const { accepted: keep, commit } = checkpoint
  const back: Happening = { type: 'ROLL_BACK', reason, toSeq, keep, ...(commit !== undefined && { commit }) }
  return happen(parts, sessionId, back, once)
}
