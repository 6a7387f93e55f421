import type { Report } from '../../src/core/attempt.ts'
import { type Amounts, budgetOf, NOTHING, type Unit, type UnitLimits } from '../../src/core/budget.ts'
import type { ChildEnd } from '../../src/core/child.ts'
import type { Verdict } from '../../src/core/gate.ts'
import type { Answer, InterruptState } from '../../src/core/interrupt.ts'
import type { Plan, SubTask } from '../../src/core/plan.ts'
import type { SessionStatus } from '../../src/core/session.ts'
import { DEFAULT_POLICY, type SessionLimits, type SessionPolicy, type Step } from '../../src/core/state.ts'
import type { Opening } from '../../src/core/step.ts'
import { type Driven, MINUTE, OK, part, queued } from './sessions.ts'

/** What a session is given beside its plan. */
export interface Given {
  limits?: Partial<SessionLimits>
  policy?: Partial<SessionPolicy>
  budget?: Partial<Record<Unit, UnitLimits>>
  opening?: Partial<Opening>
}

/** A session that has been given all this: QUEUED. */
export function opened(plan: Plan, { limits = {}, policy = {}, budget = {}, opening = {} }: Given = {}): Driven {
  const change = { policy: { ...DEFAULT_POLICY, ...policy }, budget: budgetOf(budget), ...opening }
  return queued(plan, limits, change)
}

/** The same, whose plan is made. */
export function begun(plan: Plan, given: Given = {}, commit?: string): Driven {
  const session = opened(plan, given)
  session.happen({ type: 'PLAN', executionIds: {}, ...(commit !== undefined && { commit }) })
  return session
}

/** An agent takes an execution, one that came with a plan that grew too. */
export function claims(session: Driven, key: string, leaseMs = 10 * MINUTE): Step {
  const attempt = { id: `attempt ${session.state.seq} of ${key}`, agentId: 'agent', agentVersion: 1, owner: 'server' }
  return session.happen({
    type: 'CLAIM',
    executionId: session.execution(key).id,
    attempt: { ...attempt, leaseUntil: session.now + leaseMs },
    selection: { score: 1 },
  })
}

/** The attempt that has it in hand ends. */
export function reports(session: Driven, key: string, report: Report): Step {
  const { id: attemptId, fence } = session.attempt(key)
  const executionId = session.execution(key).id
  return session.happen({ type: 'REPORT', executionId, attemptId, fence, report, jitter: 0.5 })
}

/** Both at once. */
export function does(session: Driven, key: string, report: Report = OK): Step {
  claims(session, key)
  return reports(session, key, report)
}

/** A result that has used something. */
export function using(tokens: number, cost = 0): Report {
  return { ...OK, usage: { inputTokens: tokens, outputTokens: 0, cost } } as Report
}

/** The gate that is awaited gives its verdict. */
export function judges(session: Driven, key: string, verdict: Verdict): Step {
  const { id: executionId, current, gate = 0, gateErrors: errors = 0 } = session.execution(key)
  const attemptId = current?.id ?? executionId
  return session.happen({ type: 'VERDICT', executionId, attemptId, gate, errors, verdict, evidence: null })
}

/** The last interrupt that was raised. */
export function lastAsked(session: Driven): InterruptState {
  return session.state.interrupts.at(-1) as InterruptState
}

/** Somebody answers it who may. */
export function answers(session: Driven, choice: Answer['choice'], more: Omit<Answer, 'choice'> = {}): Step {
  const { id: interruptId, role } = lastAsked(session)
  return session.happen({ type: 'ANSWER', interruptId, answer: { choice, ...more }, by: 'ada', roles: [role] })
}

/** A part that a session of its own does. */
export function child(key: string, change: Partial<SubTask> = {}): SubTask {
  return part(key, { session: { pattern: 'SEQUENTIAL', parts: [part(`${key}-part`)] }, ...change })
}

/** The child session of a node ends. */
export function childEnds(
  session: Driven,
  key: string,
  status: SessionStatus = 'SUCCEEDED',
  used: Partial<Amounts> = {},
  childId: string = session.execution(key).childId ?? '',
  left: Pick<ChildEnd, 'commit'> & { undo?: ChildEnd['undo'] } = {},
): Step {
  const executionId = session.execution(key).id
  const end = {
    executionId,
    childId,
    status,
    output: { by: childId },
    used: { ...NOTHING, ...used },
    undo: [],
    ...left,
  }
  return session.happen({ type: 'CHILD_ENDED', ...end, ...(status !== 'SUCCEEDED' && { reason: 'so it is' }) })
}
