import { isEnded } from '../core/session.ts'
import { answeredBefore, begin } from './begin.ts'
import type { StartResult } from './coordinator.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import { checkAgents } from './prepare.ts'
import type { Sessions } from './sessions.ts'

/** Makes a new session from an ended one: see `Coordinator.retry`. */
export async function retry(
  parts: Parts & { sessions: Sessions; directory: Directory },
  sessionId: string,
  idempotencyKey?: string,
): Promise<StartResult> {
  const idempotency = idempotencyKey && { operation: 'retrySession', key: idempotencyKey, input: { sessionId } }
  const answered = idempotency ? await answeredBefore(parts, idempotency) : undefined
  if (answered) return answered
  const state = await parts.sessions.read(sessionId)
  if (!state) return { kind: 'NOT_FOUND', what: 'session', id: sessionId }
  if (!isEnded(state.status)) {
    return { kind: 'CONFLICT', message: `the session is still ${state.status}: cancel it first, or wait for its end` }
  }
  if (state.status === 'SUCCEEDED') {
    return { kind: 'CONFLICT', message: 'every execution of the session was accepted: there is nothing to try again' }
  }
  const { projectId, taskId, pattern, priority, plan, limits } = state
  const missing = plan.nodes.filter(({ key }) => state.executions[key]?.status !== 'ACCEPTED')
  const problems = await checkAgents(parts.directory, projectId, { ...plan, nodes: missing }, 'CALLER')
  if (problems.length > 0) return { kind: 'INVALID', problems }
  return begin(parts, {
    opening: { id: parts.newId(), projectId, taskId, pattern, priority, plan, limits, retryOfId: sessionId },
    analysis: await parts.store.analysis(sessionId, state.planVersion),
    // The machine takes over what was accepted, as long as all that it was made from is taken over too.
    carried: state.executions,
    ...(idempotency && { idempotency }),
  })
}
