import type { AgentProfile } from './agent.ts'
import { levelOf, NOTHING, reserve } from './budget.ts'
import {
  changeExecution,
  type Draft,
  emit,
  executionById,
  executionOf,
  forget,
  moveExecution,
  nodeOf,
} from './draft.ts'
import { type AttemptState, type Candidate, type ExecutionState, type Failure, heldAttempt } from './execution.ts'
import { giveUp } from './giveUp.ts'
import type { Json } from './json.ts'
import { readLedger } from './ledger.ts'
import type { Manager } from './plan.ts'
import { waitForAnswer } from './raise.ts'
import { refreeze } from './ready.ts'
import { mayRetry, retryDelay } from './retry.ts'
import { noRoom } from './room.ts'
import { amountsOf, reservationFor, settleSpent } from './spend.ts'
import { begin, reject, rejectNothing } from './validate.ts'

/** Attempts that may be LOST to us before we stop believing that it is us: a task that kills its server must end. */
export const MAX_LOST = 5

/** Questions that the agents of one execution may ask. */
export const MAX_QUESTIONS = 20

/** What a runtime reports of an attempt. */
export type Report =
  | ({ kind: 'OK'; usage: Json } & Candidate)
  | { kind: 'ERROR'; error: Failure; evidence: Json; usage: Json }
  /** The agent says that it is done, and nothing of what was wanted has happened. `why` goes on "but …". */
  | { kind: 'NOTHING'; why: string; evidence: Json; usage: Json }
  | { kind: 'TIMEOUT'; timeout: 'ATTEMPT' | 'IDLE'; usage: Json }
  | { kind: 'CANCELED'; usage: Json }
  /** The agent needs to know something, or needs access, before it can go on. */
  | { kind: 'ASK'; ask: { kind: 'QUESTION' | 'AUTH'; question: string; shown: Json }; usage: Json }
  /** `meant`: the server stops in order and hands the work back. Without `usage` nobody knows what it has used. */
  | { kind: 'LOST'; meant?: boolean; usage?: Json }

export interface Claim {
  executionId: string
  attempt: { id: string; agentId: string; agentVersion: number; owner: string; leaseUntil: number }
  selection: Json
}

/** An agent takes an execution. Returns why it may not. */
export function claim(d: Draft, { executionId, attempt, selection }: Claim): string | undefined {
  const execution = executionById(d.state, executionId)
  if (!execution) return 'no such execution in this session'
  const node = nodeOf(d.state, execution.key)
  const takes = node.kind === 'UNDO' ? 'ROLLING_BACK' : 'RUNNING'
  if (d.state.status !== takes) return `the session takes no claims: ${d.state.status}`
  if (execution.status !== 'READY') return `the execution is not READY: ${execution.status}`
  if (node.kind === 'SESSION') return 'the execution is done by a session of its own, not by an agent'
  const full = noRoom(d.state, node.group)
  if (full) return full
  const reserved = reservationFor(d, execution)
  if (!reserved) return 'BUDGET: nothing is left for it now'
  const fence = execution.fence + 1
  const number = execution.attempt + 1
  const current: AttemptState = {
    ...attempt,
    number,
    status: 'RUNNING',
    fence,
    startedAt: d.now,
    ...((reserved.tokens > 0 || reserved.cost > 0) && { reserved: { ...reserved, executions: 0 } }),
  }
  d.state.budget = reserve(d.state.budget, reserved)
  // Its beginning is not given back, however it ends.
  settleSpent(d, { ...NOTHING, executions: reserved.executions }, { ...NOTHING, executions: reserved.executions })
  forget(d, execution.key, 'aborting', 'again')
  const change = { agentId: attempt.agentId, selection, fence, attempt: number, current }
  moveExecution(d, execution.key, 'ASSIGN', change, { agentId: attempt.agentId, selection })
  const data = { key: execution.key, number, agentId: attempt.agentId }
  emit(d, 'ATTEMPT_STARTED', data, { executionId, attemptId: attempt.id })
  moveExecution(d, execution.key, 'START', { startedAt: execution.startedAt ?? d.now })
  return undefined
}

export interface Reporting {
  executionId: string
  attemptId: string
  fence: number
  report: Report
  /** In [0, 1): the jitter of the pause before a retry. */
  jitter: number
  /** With a manager's ledger: the agents that it may delegate to. */
  agents?: readonly AgentProfile[]
}

/** An attempt has ended, as its runtime tells it. Returns why that changes nothing. */
export function report(d: Draft, reporting: Reporting): string | undefined {
  const { executionId, attemptId, fence, report } = reporting
  const execution = executionById(d.state, executionId)
  if (!execution?.current) return 'no such attempt in this session'
  const held = heldAttempt(execution)
  if (held?.id !== attemptId || held.fence !== fence) {
    emit(d, 'ATTEMPT_LATE', { key: execution.key, kind: report.kind }, { executionId, attemptId })
    return 'STALE_LEASE: the attempt is no longer the current one'
  }
  endAttempt(d, execution, held, reporting)
  return undefined
}

/** E24 to E30: an attempt ends, and with it the execution unless it gets another one. */
export function endAttempt(
  d: Draft,
  execution: ExecutionState,
  held: AttemptState,
  { report, jitter, agents = [] }: Pick<Reporting, 'report' | 'jitter' | 'agents'>,
): void {
  const { id: executionId, key } = execution
  const stopping = execution.aborting !== undefined
  const judged = judge(report, execution)
  const { retry } = nodeOf(d.state, key)
  const failure = failureOf(judged, execution)
  // What was told to stop did not fail by itself.
  const counted = execution.counted + (failure && !stopping && judged.kind !== 'LOST' ? 1 : 0)
  const lost = execution.lost + (!stopping && judged.kind === 'LOST' && judged.meant !== true ? 1 : 0)
  const retryable =
    failure !== undefined &&
    !stopping &&
    (judged.kind === 'LOST' ? lost < MAX_LOST : mayRetry(retry, failure.class, counted))
  const { usage } = judged
  // Nobody knows what an attempt has used that vanished: as much as it was allowed to.
  settleSpent(d, held.reserved, usage === undefined ? held.reserved : amountsOf(usage))
  const status = judged.kind === 'ASK' || judged.kind === 'NOTHING' ? 'OK' : judged.kind
  changeExecution(d, key, {
    counted,
    lost,
    ...(judged.kind === 'ERROR' && { evidence: judged.evidence }),
    current: {
      ...held,
      status,
      endedAt: d.now,
      ...(usage !== undefined && { usage }),
      ...(judged.kind === 'TIMEOUT' && { timeout: judged.timeout }),
      ...(failure && { error: failure, retryable }),
    },
  })
  const told = { key, number: held.number, status, ...(failure && { error: { ...failure }, retryable }) }
  emit(d, 'ATTEMPT_ENDED', told, { executionId, attemptId: held.id })
  if (stopping) {
    endStopped(d, key, execution.aborting as string)
  } else if (judged.kind === 'OK') {
    const { kind: _, usage: __, ...candidate } = judged
    if (nodeOf(d.state, key).kind === 'MANAGE') manage(d, key, candidate, agents)
    else begin(d, key, candidate)
  } else if (judged.kind === 'NOTHING') {
    rejectNothing(d, key, judged)
  } else if (judged.kind === 'ASK') {
    ask(d, key, judged.ask)
  } else if (!retryable) {
    giveUp(d, key, failure as Failure)
  } else if (judged.kind === 'LOST') {
    moveExecution(d, key, 'READY', { readyAt: d.now })
    d.effects.push({ type: 'ENQUEUE', executionId })
  } else {
    const resumeAt = d.now + retryDelay(retry, counted, jitter)
    moveExecution(d, key, 'WAIT', { resumeAt }, { resumeAt: new Date(resumeAt).toISOString() })
  }
}

/** What was told to stop has stopped: it begins anew, if that was the reason, or is CANCELED. */
export function endStopped(d: Draft, key: string, reason: string): void {
  const { id: executionId, again } = executionOf(d.state, key)
  if (again !== true) {
    moveExecution(d, key, 'CANCEL', { endedAt: d.now }, { reason })
    return
  }
  forget(d, key, 'aborting', 'again')
  moveExecution(d, key, 'READY', { ...refreeze(d, key), readyAt: d.now }, { reason })
  d.effects.push({ type: 'ENQUEUE', executionId })
}

/** A manager's result is a ledger that can be read, or it is rejected with what is wrong. */
function manage(d: Draft, key: string, candidate: Candidate, agents: readonly AgentProfile[]): void {
  const { plan, budget } = d.state
  const depth = levelOf(budget, d.state.depth)
  const delegated = plan.nodes.filter(({ kind }) => kind !== 'MANAGE')
  const read = readLedger(candidate.output, {
    taken: plan.nodes.map((node) => node.key),
    left: (plan.manager as Manager).maxChildren - delegated.length,
    agents,
    depth,
  })
  if ('problem' in read) {
    moveExecution(d, key, 'VALIDATE', { candidate, gate: 0 })
    reject(d, key, 'LEDGER', read.problem)
  } else {
    begin(d, key, { ...candidate, output: read.entry as unknown as Json })
  }
}

/** An agent needs something of a person before it can go on; the answer is for its next attempt. */
function ask(d: Draft, key: string, { kind, question, shown }: Extract<Report, { kind: 'ASK' }>['ask']): void {
  waitForAnswer(d, key, {
    kind,
    question,
    shown,
    choices: ['ANSWER', 'REJECT'],
    onExpiry: { choice: 'REJECT', text: 'nobody answered in time' },
  })
}

/** E22, E23: empty is nothing, and CANCELED by nobody's wish is LOST, whatever the agent says. */
function judge(report: Report, { aborting, replies = [] }: ExecutionState): Report {
  if (report.kind === 'CANCELED' && aborting === undefined) return { kind: 'LOST', usage: report.usage }
  if (report.kind === 'ASK' && replies.length >= MAX_QUESTIONS) {
    const error: Failure = { class: 'AGENT', message: `it asked more than ${MAX_QUESTIONS} questions` }
    return { kind: 'ERROR', error, evidence: [], usage: report.usage }
  }
  if (report.kind !== 'OK' || report.artifacts > 0 || !isEmpty(report.output)) return report
  return { kind: 'NOTHING', why: 'it left no output and no artifacts', evidence: report.evidence, usage: report.usage }
}

function isEmpty(output: Json): boolean {
  if (typeof output === 'string') return output.trim() === ''
  return output === null || (typeof output === 'object' && Object.keys(output).length === 0)
}

function failureOf(report: Report, execution: ExecutionState): Failure | undefined {
  if (report.kind === 'ERROR') return report.error
  if (report.kind === 'TIMEOUT') {
    const what = report.timeout === 'IDLE' ? 'showed no activity for too long' : 'took too long'
    return { class: 'TIMEOUT', message: `attempt ${execution.attempt} ${what}` }
  }
  if (report.kind !== 'LOST') return undefined
  const how = report.meant ? 'was handed back by the server that drove it' : 'was lost with the server that drove it'
  return { class: 'LOST', message: `attempt ${execution.attempt} ${how}` }
}

/** E77: what has not stopped within the grace can no longer write. */
export function fenceOff(d: Draft, execution: ExecutionState, held: AttemptState): void {
  const { key, id } = execution
  const reason = 'did not stop within the grace and was fenced off'
  settleSpent(d, held.reserved, held.reserved)
  changeExecution(d, key, {
    fence: execution.fence + 1,
    current: { ...held, status: 'CANCELED', endedAt: d.now, error: { class: 'LOST', message: reason } },
  })
  emit(d, 'ATTEMPT_ENDED', { key, number: held.number, status: 'CANCELED' }, { executionId: id, attemptId: held.id })
  endStopped(d, key, reason)
}
