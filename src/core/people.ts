import { changeExecution, type Draft, emit, executionsOf, moveSession } from './draft.ts'
import { type ExecutionState, heldAttempt } from './execution.ts'
import { hash } from './hash.ts'
import type { InterruptState } from './interrupt.ts'
import type { Json } from './json.ts'
import { takenOver } from './lay.ts'
import type { Plan } from './plan.ts'
import { openInterrupts, raise, voidInterrupts } from './raise.ts'
import { refreeze } from './ready.ts'
import { isUnderWay } from './session.ts'
import { abort, stopAll } from './stop.ts'
import type { SessionInput } from './state.ts'

/** Inputs that one session may be given while it runs. */
export const MAX_INPUTS = 1_000

/** The session is to be stopped for good. Returns why that changes nothing. */
export function cancel(d: Draft, reason: string): string | undefined {
  const { status } = d.state
  if (status === 'CANCELING') return 'the session is being stopped already'
  if (status === 'ROLLING_BACK') return 'the session is being rolled back: that has to come to its end'
  if (status === 'QUEUED') return 'the session has no plan yet'
  if (status === 'AWAITING_APPROVAL') {
    voidInterrupts(d, reason)
    moveSession(d, 'CANCEL', { reason, endedAt: d.now }, { reason })
  } else {
    stopAll(d, 'CANCEL', reason)
  }
  return undefined
}

/** Nothing new begins until `resume`; what runs goes on. Returns why that changes nothing. */
export function pause(d: Draft, reason: string): string | undefined {
  const { status } = d.state
  if (status !== 'RUNNING' && status !== 'INTERRUPTED') return `a session that is ${status} cannot be paused`
  moveSession(d, 'PAUSE', {}, { reason })
  return undefined
}

/**
 * Input for a session that runs, by its policy: refused, for whatever no agent has begun yet, or what runs begins anew
 * with it. Returns why that changes nothing.
 */
export function takeInput(d: Draft, { text, by }: Omit<SessionInput, 'at'>): string | undefined {
  const { status, policy, inputs } = d.state
  if (policy.input === 'REJECT') return 'the session takes no input while it runs: its policy is REJECT'
  if (!isUnderWay(status)) {
    return `a session that is ${status} takes no input`
  }
  if (inputs.length >= MAX_INPUTS) return `the session has been given ${inputs.length} inputs, which is the limit`
  d.state.inputs = [...inputs, { text, by, at: d.now }]
  emit(d, 'INPUT_RECEIVED', { text, by, policy: policy.input })
  for (const execution of executionsOf(d.state)) handOn(d, execution, policy.input === 'INTERRUPT')
  return undefined
}

/** Hands new input on to an execution that has no result yet, if that is not too late. */
function handOn(d: Draft, execution: ExecutionState, interrupt: boolean): void {
  const { key, status, attempt, candidate, aborting } = execution
  const held = heldAttempt(execution)
  if (held) {
    if (!interrupt || aborting !== undefined) return
    changeExecution(d, key, { again: true })
    abort(d, execution, held, 'there is new input')
  } else if ((status === 'READY' || (status === 'WAITING' && !candidate)) && (interrupt || attempt === 0)) {
    changeExecution(d, key, refreeze(d, key))
  }
}

/** An accepted execution of an earlier session. */
type Earlier = Pick<ExecutionState, 'id' | 'status'>

/**
 * A person is shown the plan before anything begins, and what it takes over of an earlier session; an approval holds for
 * that version alone.
 */
export function askForPlan(d: Draft, carried: Readonly<Record<string, Earlier>> = {}): void {
  const { plan, planVersion } = d.state
  const taken = Object.fromEntries([...takenOver(plan, carried)].map(([key, { id }]): [string, Json] => [key, id]))
  raise(d, {
    kind: 'PLAN',
    question: `Is this plan of ${plan.nodes.length} executions to be carried out?`,
    shown: {
      version: planVersion,
      plan: JSON.parse(JSON.stringify(plan)),
      ...(Object.keys(taken).length > 0 && { carried: taken }),
    },
    choices: ['APPROVE', 'REJECT'],
    onExpiry: { choice: 'REJECT', text: 'nobody approved it in time' },
  })
}

/**
 * Ids of the executions of an earlier session that somebody who approves a plan is shown, by key: they are taken over.
 */
export function carriedIn({ shown }: InterruptState): Record<string, string> {
  return (shown as { carried?: Record<string, string> }).carried ?? {}
}

/** What is taken over though the plan was edited: that of which nothing is said anew. */
function stillCarried(d: Draft, edited: Plan): Record<string, Earlier> {
  const said = (plan: Plan): Map<string, string> => new Map(plan.nodes.map((node) => [node.key, hash(node)]))
  const [before, after] = [said(d.state.plan), said(edited)]
  const [asked] = openInterrupts(d)
  const kept = Object.entries(carriedIn(asked as InterruptState)).filter(([key]) => before.get(key) === after.get(key))
  return Object.fromEntries(kept.map(([key, id]): [string, Earlier] => [key, { id, status: 'ACCEPTED' }]))
}

/** Another plan takes the place of the one that waits for approval. Returns why that changes nothing. */
export function editPlan(
  d: Draft,
  { plan, version, by }: { plan: Plan; version: number; by: string },
): string | undefined {
  const { status, planVersion, limits } = d.state
  if (status !== 'AWAITING_APPROVAL') return `a plan can be edited until it is approved: the session is ${status}`
  if (version !== planVersion)
    return `version ${version} of the plan was edited, but it is at version ${planVersion} now`
  if (planVersion >= limits.planVersions) {
    return `LIMIT: the plan has ${planVersion} versions, which is the limit of its session: approve the last one, or reject it`
  }
  const carried = stillCarried(d, plan)
  voidInterrupts(d, `the plan was edited by ${by}`)
  d.state = { ...d.state, plan, planVersion: planVersion + 1 }
  emit(d, 'PLAN_CHANGED', { version: d.state.planVersion, added: [], why: `edited by ${by}` })
  askForPlan(d, carried)
  return undefined
}
