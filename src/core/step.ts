import { answer, type Answering } from './answer.ts'
import { type Claim, claim, report, type Reporting } from './attempt.ts'
import { budgetOf } from './budget.ts'
import { type ChildEnd, endChild } from './child.ts'
import { type Draft, draft, emit, finish, moveSession } from './draft.ts'
import type { ExecutionState } from './execution.ts'
import type { Verdict } from './gate.ts'
import type { Json } from './json.ts'
import { lay } from './lay.ts'
import { askForPlan, cancel, editPlan, pause, takeInput } from './people.ts'
import type { Plan } from './plan.ts'
import { beginRollback, restored } from './rollback.ts'
import { isEnded, isUnderWay } from './session.ts'
import { goOn, settle } from './settle.ts'
import { DEFAULT_POLICY, type SessionState, type Step } from './state.ts'
import { tick } from './tick.ts'
import { type Asked, giveVerdict, judgeLost } from './verdict.ts'

/** What can happen to a session. Ids and chance come with it: the machine has none of its own. */
export type Happening =
  | {
      type: 'PLAN'
      executionIds: Readonly<Record<string, string>>
      carried?: Readonly<Record<string, ExecutionState>>
      /** It needs no review: a person has approved just this plan before. */
      approved?: boolean
      /** Commit of the workspace before anything begins. */
      commit?: string
    }
  | ({ type: 'CLAIM' } & Claim)
  | ({ type: 'REPORT' } & Reporting)
  | ({ type: 'VERDICT'; verdict: Verdict; evidence: Json } & Asked)
  /** The server that had asked a judge is gone; with `usage` it has stopped in order. */
  | ({ type: 'JUDGE_LOST' } & Asked)
  | ({ type: 'CHILD_ENDED' } & ChildEnd)
  | ({ type: 'ANSWER' } & Answering)
  | { type: 'TICK' }
  | { type: 'CANCEL'; reason: string }
  | { type: 'PAUSE'; reason: string }
  | { type: 'RESUME' }
  | { type: 'INPUT'; text: string; by: string }
  /** `version`: of the plan that was edited. */
  | { type: 'EDIT'; plan: Plan; version: number; by: string }
  | { type: 'ROLL_BACK'; reason: string; toSeq: number; keep: readonly string[]; commit?: string }
  | { type: 'RESTORED'; error?: string }

/** What `open` needs to know of a session. */
export type Opening = Pick<
  SessionState,
  | 'id'
  | 'projectId'
  | 'taskId'
  | 'pattern'
  | 'priority'
  | 'plan'
  | 'limits'
  | 'rootSessionId'
  | 'parentSessionId'
  | 'retryOfId'
> &
  Partial<Pick<SessionState, 'driver' | 'policy' | 'budget' | 'depth' | 'ledger' | 'forkOfId' | 'inputs'>>

/** A new session, QUEUED. */
export function open(opening: Opening, now: number): Step {
  const state: SessionState = {
    policy: DEFAULT_POLICY,
    budget: budgetOf({}),
    depth: 1,
    inputs: [],
    ...opening,
    interrupts: [],
    waitedMs: 0,
    status: 'QUEUED',
    version: 0,
    seq: 0,
    planVersion: 1,
    executions: {},
    createdAt: now,
  }
  const d = draft(state, now)
  emit(d, 'SESSION_QUEUED', { pattern: opening.pattern, taskId: opening.taskId })
  return finish(d)
}

/**
 * The heart: what a happening makes of a session. Pure; the state handed in is left as it was. A happening that comes
 * late, twice or out of turn says why in `refused` and changes nothing; a late report leaves an event as long as the
 * session runs.
 */
export function step(state: SessionState, happening: Happening, now: number): Step {
  const d = draft(state, now)
  const refused = isEnded(state.status) ? `the session has ended: ${state.status}` : happen(d, happening)
  if (refused === undefined) settle(d)
  const result = finish(d)
  return refused === undefined ? result : { ...result, refused }
}

function happen(d: Draft, happening: Happening): string | undefined {
  switch (happening.type) {
    case 'PLAN':
      return plan(d, happening)
    case 'CLAIM':
      return claim(d, happening)
    case 'REPORT':
      return report(d, happening)
    case 'VERDICT':
      return giveVerdict(d, happening)
    case 'JUDGE_LOST':
      return judgeLost(d, happening)
    case 'CHILD_ENDED':
      return endChild(d, happening)
    case 'ANSWER':
      return answer(d, happening)
    case 'TICK':
      tick(d)
      return undefined
    case 'CANCEL':
      return cancel(d, happening.reason)
    case 'PAUSE':
      return pause(d, happening.reason)
    case 'RESUME':
      return resume(d)
    case 'INPUT':
      return takeInput(d, happening)
    case 'EDIT':
      return editPlan(d, happening)
    case 'ROLL_BACK':
      return rollBack(d, happening)
    case 'RESTORED':
      return restored(d, happening.error)
  }
}

type Of<T extends Happening['type']> = Extract<Happening, { type: T }>

function plan(d: Draft, { executionIds, carried, approved = false, commit }: Of<'PLAN'>): string | undefined {
  if (d.state.status !== 'QUEUED') return `the session has its plan: ${d.state.status}`
  const { plan, policy } = d.state
  moveSession(d, 'ANALYZE', commit === undefined ? {} : { baseCommit: commit })
  emit(d, 'PLAN_MADE', { version: d.state.planVersion, pattern: plan.pattern, nodes: plan.nodes.map((n) => n.key) })
  if (policy.review && !approved) {
    moveSession(d, 'AWAIT')
    askForPlan(d, carried)
  } else {
    lay(d, executionIds, carried)
  }
  return undefined
}

function resume(d: Draft): string | undefined {
  if (d.state.status !== 'PAUSED') return `the session is not PAUSED: ${d.state.status}`
  goOn(d)
  return undefined
}

function rollBack(d: Draft, { reason, toSeq, keep, commit }: Of<'ROLL_BACK'>): string | undefined {
  const { status, baseCommit } = d.state
  if (!isUnderWay(status)) {
    return `a session that is ${status} cannot be rolled back`
  }
  beginRollback(d, { reason, toSeq, keep, commit: toSeq === 0 ? baseCommit : (commit ?? baseCommit) })
  return undefined
}
