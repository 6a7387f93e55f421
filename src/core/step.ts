import { budgetOf } from './budget.ts'
import {
  changeExecution,
  type Draft,
  draft,
  emit,
  executionById,
  executionOf,
  executionsOf,
  finish,
  moveExecution,
  moveSession,
  nodeOf,
} from './draft.ts'
import {
  type AttemptState,
  type ExecutionState,
  type Failure,
  heldAttempt,
  isSettled,
  pendingExecution,
} from './execution.ts'
import type { Json } from './json.ts'
import type { PlanNode } from './plan.ts'
import { mayRetry, retryDelay } from './retry.ts'
import { isEnded } from './session.ts'
import { DEFAULT_POLICY, type SessionState, type Step } from './state.ts'
import { abort, accept, settle } from './settle.ts'

/** Attempts that may be LOST to us before we stop believing that it is us: a task that kills its server must end. */
export const MAX_LOST = 5

/** What a runtime reports of an attempt. */
export type Report =
  | { kind: 'OK'; output: Json; summary: string; evidence: Json; artifacts: number; usage: Json }
  | { kind: 'ERROR'; error: Failure; evidence: Json; usage: Json }
  | { kind: 'TIMEOUT'; timeout: 'ATTEMPT' | 'IDLE'; usage: Json }
  | { kind: 'CANCELED'; usage: Json }
  | { kind: 'LOST' }

/** What can happen to a session. Ids and chance come with it: the machine has none of its own. */
export type Happening =
  | { type: 'PLAN'; executionIds: Readonly<Record<string, string>>; carried?: Readonly<Record<string, ExecutionState>> }
  | {
      type: 'CLAIM'
      executionId: string
      attempt: { id: string; agentId: string; agentVersion: number; owner: string; leaseUntil: number }
      selection: Json
    }
  | {
      type: 'REPORT'
      executionId: string
      attemptId: string
      fence: number
      report: Report
      /** In [0, 1): the jitter of the pause before a retry. */
      jitter: number
    }
  | { type: 'TICK' }
  | { type: 'CANCEL'; reason: string }

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
  Partial<Pick<SessionState, 'policy' | 'budget' | 'depth' | 'forkOfId' | 'planVersion'>>

/** A new session, QUEUED. */
export function open(opening: Opening, now: number): Step {
  const state: SessionState = {
    policy: DEFAULT_POLICY,
    budget: budgetOf({}),
    depth: 1,
    ...opening,
    interrupts: [],
    inputs: [],
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
  const refused = isEnded(state.status)
    ? `the session has ended: ${state.status}`
    : happening.type === 'PLAN'
      ? plan(d, happening)
      : happening.type === 'CLAIM'
        ? claim(d, happening)
        : happening.type === 'REPORT'
          ? report(d, happening)
          : happening.type === 'TICK'
            ? tick(d)
            : cancel(d, happening)
  const result = finish(d)
  return refused === undefined ? result : { ...result, refused }
}

type Of<T extends Happening['type']> = Extract<Happening, { type: T }>

function plan(d: Draft, { executionIds, carried = {} }: Of<'PLAN'>): string | undefined {
  if (d.state.status !== 'QUEUED') return `the session has its plan: ${d.state.status}`
  const { plan } = d.state
  moveSession(d, 'ANALYZE')
  emit(d, 'PLAN_MADE', { version: d.state.planVersion, pattern: plan.pattern, nodes: plan.nodes.map((n) => n.key) })
  d.state.executions = Object.fromEntries(
    plan.nodes.map(({ key }, position) => [key, pendingExecution(executionIds[key] as string, key, position)]),
  )
  const { totalMs } = d.state.limits
  moveSession(d, 'RUN', { startedAt: d.now }, { totalMs })
  for (const node of plan.nodes) carry(d, node, carried[node.key])
  settle(d)
  return undefined
}

/**
 * Takes over the result of an earlier session. Only what was accepted, and only if all that it was made from is taken
 * over too: a report on failed branches must be written anew once they are tried again.
 */
function carry(d: Draft, { key, after }: PlanNode, earlier: ExecutionState | undefined): void {
  if (earlier?.status !== 'ACCEPTED' || after.some((k) => executionOf(d.state, k).status !== 'ACCEPTED')) return
  const { id, carriedId, output, summary, evidence, agentId } = earlier
  changeExecution(d, key, { carriedId: carriedId ?? id, ...(agentId !== undefined && { agentId }) })
  accept(d, key, {
    ...(output !== undefined && { output }),
    ...(summary !== undefined && { summary }),
    ...(evidence !== undefined && { evidence }),
  })
}

function claim(d: Draft, { executionId, attempt, selection }: Of<'CLAIM'>): string | undefined {
  const execution = executionById(d.state, executionId)
  if (!execution) return 'no such execution in this session'
  if (d.state.status !== 'RUNNING') return `the session takes no claims: ${d.state.status}`
  if (execution.status !== 'READY') return `the execution is not READY: ${execution.status}`
  const fence = execution.fence + 1
  const current: AttemptState = {
    ...attempt,
    number: execution.attempt + 1,
    status: 'RUNNING',
    fence,
    startedAt: d.now,
  }
  moveExecution(
    d,
    execution.key,
    'ASSIGN',
    { agentId: attempt.agentId, selection, fence, attempt: current.number, current },
    { agentId: attempt.agentId, selection },
  )
  const data = { key: execution.key, number: current.number, agentId: attempt.agentId }
  emit(d, 'ATTEMPT_STARTED', data, { executionId, attemptId: attempt.id })
  moveExecution(d, execution.key, 'START', { startedAt: execution.startedAt ?? d.now })
  return undefined
}

function report(d: Draft, { executionId, attemptId, fence, report, jitter }: Of<'REPORT'>): string | undefined {
  const execution = executionById(d.state, executionId)
  if (!execution?.current) return 'no such attempt in this session'
  const held = heldAttempt(execution)
  if (held?.id !== attemptId || held.fence !== fence) {
    emit(d, 'ATTEMPT_LATE', { key: execution.key, kind: report.kind }, { executionId, attemptId })
    return 'STALE_LEASE: the attempt is no longer the current one'
  }
  endAttempt(d, execution, held, report, jitter)
  settle(d)
  return undefined
}

/** Rule 2: an attempt ends, and with it the execution unless it gets another one. */
function endAttempt(d: Draft, execution: ExecutionState, held: AttemptState, report: Report, jitter: number): void {
  const { id: executionId, key } = execution
  const stopping = execution.aborting !== undefined
  const judged = judge(report, stopping)
  const retry = nodeOf(d.state, key).retry
  const counted = execution.counted + (judged.kind === 'LOST' ? 0 : 1)
  const failure = failureOf(judged, execution)
  const retryable =
    failure !== undefined &&
    !stopping &&
    (judged.kind === 'LOST' ? execution.attempt - counted < MAX_LOST : mayRetry(retry, failure.class, counted))
  changeExecution(d, key, {
    counted,
    ...(judged.kind === 'ERROR' && { evidence: judged.evidence }),
    current: {
      ...held,
      status: judged.kind,
      endedAt: d.now,
      ...(judged.kind !== 'LOST' && { usage: judged.usage }),
      ...(judged.kind === 'TIMEOUT' && { timeout: judged.timeout }),
      ...(failure && { error: failure, retryable }),
    },
  })
  emit(
    d,
    'ATTEMPT_ENDED',
    { key, number: held.number, status: judged.kind, ...(failure && { error: { ...failure }, retryable }) },
    { executionId, attemptId: held.id },
  )
  if (stopping) {
    moveExecution(d, key, 'CANCEL', { endedAt: d.now }, { reason: execution.aborting as string })
  } else if (judged.kind === 'OK') {
    moveExecution(d, key, 'VALIDATE')
    accept(d, key, { output: judged.output, summary: judged.summary, evidence: judged.evidence })
  } else if (!retryable) {
    fail(d, key, failure as Failure)
  } else if (judged.kind === 'LOST') {
    moveExecution(d, key, 'READY', { readyAt: d.now })
    d.effects.push({ type: 'ENQUEUE', executionId })
  } else {
    const resumeAt = d.now + retryDelay(retry, counted, jitter)
    moveExecution(d, key, 'WAIT', { resumeAt }, { resumeAt: new Date(resumeAt).toISOString() })
  }
}

/** Rule 4: empty is a failure, and CANCELED by nobody's wish is LOST, whatever the agent says. */
function judge(report: Report, stopping: boolean): Report {
  if (report.kind === 'CANCELED' && !stopping) return { kind: 'LOST' }
  if (report.kind !== 'OK' || report.artifacts > 0 || !isEmpty(report.output)) return report
  const error: Failure = { class: 'EMPTY', message: 'the agent left no output and no artifacts' }
  return { kind: 'ERROR', error, evidence: report.evidence, usage: report.usage }
}

function isEmpty(output: Json): boolean {
  if (typeof output === 'string') return output.trim() === ''
  return output === null || (typeof output === 'object' && Object.keys(output).length === 0)
}

function failureOf(report: Report, execution: ExecutionState): Failure | undefined {
  if (report.kind === 'OK' || report.kind === 'CANCELED') return undefined
  if (report.kind === 'ERROR') return report.error
  if (report.kind === 'TIMEOUT') {
    const what = report.timeout === 'IDLE' ? 'showed no activity for too long' : 'took too long'
    return { class: 'TIMEOUT', message: `attempt ${execution.attempt} ${what}` }
  }
  return { class: 'LOST', message: `attempt ${execution.attempt} was lost with the server that drove it` }
}

function fail(d: Draft, key: string, error: Failure): void {
  moveExecution(d, key, 'FAIL', { error, endedAt: d.now }, { error: { ...error } })
}

/** Time has passed: leases run out, pauses end, limits are reached. */
function tick(d: Draft): undefined {
  const { ending, limits, startedAt } = d.state
  if (startedAt === undefined) return undefined
  if (!ending && d.now >= startedAt + limits.totalMs) {
    stopAll(d, 'TIME_OUT', `TIMEOUT TOTAL: the session took longer than ${limits.totalMs} ms`)
  }
  for (const execution of executionsOf(d.state)) tickExecution(d, execution)
  settle(d)
  return undefined
}

function tickExecution(d: Draft, execution: ExecutionState): void {
  const { key, status } = execution
  const held = heldAttempt(execution)
  const { queueMs } = nodeOf(d.state, key).timeouts
  if (held && d.now >= held.leaseUntil) {
    if (execution.aborting !== undefined) fenceOff(d, execution, held)
    else endAttempt(d, execution, held, { kind: 'LOST' }, 0)
  } else if (status === 'WAITING' && d.now >= (execution.resumeAt as number)) {
    moveExecution(d, key, 'READY', { readyAt: d.now })
    d.effects.push({ type: 'ENQUEUE', executionId: execution.id })
  } else if (status === 'READY' && d.now >= (execution.readyAt as number) + queueMs) {
    fail(d, key, { class: 'TIMEOUT', message: `TIMEOUT QUEUE: no agent took it within ${queueMs} ms` })
  }
}

/** Rule 8: what has not stopped within the grace can no longer write. */
function fenceOff(d: Draft, execution: ExecutionState, held: AttemptState): void {
  const { key, id } = execution
  const reason = 'did not stop within the grace and was fenced off'
  changeExecution(d, key, {
    fence: execution.fence + 1,
    current: { ...held, status: 'CANCELED', endedAt: d.now, error: { class: 'LOST', message: reason } },
  })
  emit(d, 'ATTEMPT_ENDED', { key, number: held.number, status: 'CANCELED' }, { executionId: id, attemptId: held.id })
  moveExecution(d, key, 'CANCEL', { endedAt: d.now }, { reason })
}

function cancel(d: Draft, { reason }: Of<'CANCEL'>): string | undefined {
  if (d.state.status === 'CANCELING') return 'the session is being stopped already'
  if (d.state.status === 'QUEUED') {
    moveSession(d, 'CANCEL', { reason, endedAt: d.now }, { reason })
    return undefined
  }
  stopAll(d, 'CANCEL', reason)
  settle(d)
  return undefined
}

function stopAll(d: Draft, move: 'CANCEL' | 'TIME_OUT', reason: string): void {
  const ending = { move, reason, graceUntil: d.now + d.state.limits.cancelGraceMs }
  moveSession(d, 'STOP', { ending }, { reason })
  for (const execution of executionsOf(d.state)) {
    const held = heldAttempt(execution)
    if (held) abort(d, execution, held, reason)
    else if (!isSettled(execution.status)) moveExecution(d, execution.key, 'CANCEL', { endedAt: d.now }, { reason })
  }
}

/** When `TICK` next has something to do, in milliseconds since the epoch; undefined: never by itself. */
export function nextTick(state: SessionState): number | undefined {
  if (isEnded(state.status)) return undefined
  const due = Object.values(state.executions).flatMap((execution) => {
    const { key, status, resumeAt, readyAt } = execution
    const held = heldAttempt(execution)
    if (held) return [held.leaseUntil]
    if (status === 'WAITING') return [resumeAt as number]
    if (status === 'READY') return [(readyAt as number) + nodeOf(state, key).timeouts.queueMs]
    return []
  })
  if (!state.ending && state.startedAt !== undefined) due.push(state.startedAt + state.limits.totalMs)
  return due.length > 0 ? Math.min(...due) : undefined
}
