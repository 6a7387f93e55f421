import { inspect, isDeepStrictEqual } from 'node:util'
import { executionById, executionsOf } from '../../src/core/draft.ts'
import type { Event } from '../../src/core/event.ts'
import { type ExecutionState, type ExecutionStatus, heldAttempt, isSettled } from '../../src/core/execution.ts'
import type { PlanNode } from '../../src/core/plan.ts'
import { isEnded, type SessionStatus } from '../../src/core/session.ts'
import type { SessionState, Step } from '../../src/core/state.ts'
import { MAX_LOST } from '../../src/core/attempt.ts'
import type { Driven } from './sessions.ts'

// vitest's expect takes longer than a step of the machine, and there are millions of comparisons.

/** Throws unless two values are equal through and through. */
export function equal(is: unknown, shouldBe: unknown, rule: string): void {
  if (!isDeepStrictEqual(is, shouldBe)) throw new Error(`${rule}: ${inspect(is)} instead of ${inspect(shouldBe)}`)
}

export function holds(is: boolean, rule: string): void {
  if (!is) throw new Error(rule)
}

/** What holds for one step, whatever it was. */
export function checkStep(
  before: SessionState,
  { state, events, checkpoints, effects, refused }: Step,
  allowed: boolean,
): void {
  equal(refused === undefined, allowed, `refused: ${refused}`)
  equal(state.version, before.version + (events.length > 0 ? 1 : 0), 'a version per step that did something')
  if (events.length === 0) equal(state, before, 'nothing changes')
  if (refused !== undefined) {
    holds(
      events.every(({ type }) => type === 'ATTEMPT_LATE'),
      'what is refused is at most noted as late',
    )
    equal({ ...state, seq: 0, version: 0 }, { ...before, seq: 0, version: 0 }, 'what is refused changes nothing')
    equal([...effects, ...checkpoints], [], 'what is refused has no effect')
  }
  if (isEnded(before.status)) equal(state, before, 'nothing changes')
  for (const was of Object.values(before.executions)) {
    const is = state.executions[was.key] as ExecutionState
    if (isSettled(was.status)) holds(is === was, 'an end is for good')
    if (was.input) equal([is.input, is.inputHash], [was.input, was.inputHash], 'an input is frozen')
    holds(is.fence >= was.fence, 'fences grow')
  }
}

/** What the events alone tell. */
export interface Facts {
  seq: number
  session: SessionStatus | undefined
  stopping: boolean
  executions: Map<string, ExecutionStatus>
  /** Attempts that have begun and not ended, by execution. */
  open: Map<string, string>
  started: Map<string, number>
  aborted: Set<string>
}

export function startFacts(): Facts {
  return {
    seq: 0,
    session: undefined,
    stopping: false,
    executions: new Map(),
    open: new Map(),
    started: new Map(),
    aborted: new Set(),
  }
}

/** Folds the events of a step and holds them against the state that came with them. */
export function foldStep(facts: Facts, before: SessionState | undefined, after: Step, session: Driven): void {
  const { state, events, checkpoints, effects } = after
  const nodes = new Map(state.plan.nodes.map((node, position): [string, PlanNode] => [idAt(state, position), node]))
  const ready: string[] = []
  const accepted: string[] = []
  for (const event of events) {
    equal(event.seq, facts.seq + 1, 'events are 1..n')
    equal(event.at, session.now, 'events are dated')
    equal(facts.session === undefined || !isEnded(facts.session), true, 'nothing follows the end')
    facts.seq = event.seq
    foldEvent(facts, event, nodes)
    if (event.type === 'EXECUTION_READY') ready.push(event.executionId as string)
    if (event.type === 'EXECUTION_ACCEPTED') accepted.push(event.executionId as string)
  }
  equal(state.seq, facts.seq, 'seq is that of the last event')
  equal(state.status, facts.session, 'events tell the status of the session')
  for (const { id, status } of Object.values(state.executions)) {
    equal(facts.executions.get(id) ?? 'PENDING', status, `events tell the status of ${id}`)
  }
  const enqueued = effects.flatMap((effect) => (effect.type === 'ENQUEUE' ? [effect.executionId] : []))
  equal(
    enqueued,
    ready.filter((id) => nodes.get(id)?.kind === 'TASK'),
    'ENQUEUE exactly for what became READY',
  )
  for (const effect of effects) {
    if (effect.type !== 'ABORT') continue
    const was = before && executionById(before, effect.executionId)
    equal(was && heldAttempt(was)?.id, effect.attemptId, 'ABORT only for what runs')
    equal(facts.aborted.has(effect.attemptId), false, 'ABORT once')
    facts.aborted.add(effect.attemptId)
  }
  equal(
    checkpoints.map(({ executionId }) => executionId),
    accepted,
    'a checkpoint after each accepted execution',
  )
  for (const execution of Object.values(state.executions)) checkExecution(state, execution, facts)
}

function idAt(state: SessionState, position: number): string {
  return executionsOf(state)[position]?.id ?? ''
}

function foldEvent(facts: Facts, event: Event, nodes: ReadonlyMap<string, PlanNode>): void {
  const { type, executionId = '', attemptId = '' } = event
  if (type.startsWith('SESSION_')) facts.session = type.slice('SESSION_'.length) as SessionStatus
  if (type === 'SESSION_CANCELING') facts.stopping = true
  if (type === 'ATTEMPT_STARTED') {
    equal(facts.open.has(executionId), false, 'one attempt at a time')
    equal(facts.executions.get(executionId), 'ASSIGNED', 'an attempt starts once it is assigned')
    facts.open.set(executionId, attemptId)
    facts.started.set(executionId, (facts.started.get(executionId) ?? 0) + 1)
    equal(event.data.number, facts.started.get(executionId), 'attempts are 1..n')
  }
  if (type === 'ATTEMPT_ENDED') {
    equal(facts.open.get(executionId), attemptId, 'each attempt ends once')
    facts.open.delete(executionId)
  }
  if (!type.startsWith('EXECUTION_')) return
  const status = type.slice('EXECUTION_'.length) as ExecutionStatus
  const was = facts.executions.get(executionId)
  equal(was !== undefined && isSettled(was), false, 'an end is for good')
  facts.executions.set(executionId, status)
  if (isSettled(status)) equal(facts.open.has(executionId), false, 'no attempt outlives its execution')
  if (status !== 'READY') return
  equal(facts.stopping, false, 'nothing begins while the session is being stopped')
  const node = nodes.get(executionId) as PlanNode
  for (const [id, { key }] of nodes) {
    if (!node.after.includes(key)) continue
    const come = facts.executions.get(id)
    if (node.join === 'ACCEPTED') equal(come, 'ACCEPTED', `${key} before ${node.key}`)
    else equal(come !== undefined && isSettled(come), true, `${key} before ${node.key}`)
  }
}

/** What holds for an execution at any time. */
function checkExecution(state: SessionState, execution: ExecutionState, facts: Facts): void {
  const { id, key, status, attempt, counted, current, causeId } = execution
  const { maxAttempts } = (state.plan.nodes.find((node) => node.key === key) as PlanNode).retry
  equal(attempt, facts.started.get(id) ?? 0, 'attempts are counted')
  holds(counted <= maxAttempts, 'no more attempts than the policy has')
  // Losses, and what was fenced off or runs.
  holds(attempt - counted <= MAX_LOST, 'no more losses than are bearable')
  equal(heldAttempt(execution)?.id, facts.open.get(id), 'events tell who has it in hand')
  if (current) equal(current.status === 'RUNNING', facts.open.has(id), 'events tell what runs')
  equal(execution.endedAt !== undefined, isSettled(status), 'what has settled has an end')
  if (status === 'SKIPPED') equal(executionById(state, causeId as string)?.status, 'FAILED', 'the culprit')
}

/** Rule 6, said once more in another way: what the end of a session has to do with its executions. */
export function checkEnd({ state, events }: Driven): void {
  const ends = events.filter(({ type }) => isEnded(type.slice('SESSION_'.length) as SessionStatus))
  equal(ends, [events.at(-1)], 'one end, and it is the last event')
  equal(state.endedAt, events.at(-1)?.at, 'the end is dated')
  equal(JSON.parse(JSON.stringify(state)), state, 'a state survives JSON')
  const executions = executionsOf(state)
  holds(
    executions.every(({ status }) => isSettled(status)),
    'everything has settled',
  )
  if (state.ending || executions.length === 0) {
    holds(['CANCELED', 'TIMED_OUT'].includes(state.status), 'what was stopped did not end by itself')
    return
  }
  const nodeAt = (at: number): PlanNode => state.plan.nodes[at] as PlanNode
  const missing = executions.filter(({ status }) => status !== 'ACCEPTED')
  const required = missing.filter(({ position }) => !nodeAt(position).optional)
  const end = missing.length === 0 ? 'SUCCEEDED' : required.length === 0 ? 'PARTIAL' : 'FAILED'
  equal(state.status, end, 'rule 6')
  // Nothing was given up without need.
  for (const { key, status, position } of missing) {
    const { after, join, group } = nodeAt(position)
    const blocked = join === 'ACCEPTED' && missing.some((other) => after.includes(other.key))
    const failsFast = state.plan.groups.some((g) => g.key === group && g.onFailure === 'FAIL_FAST')
    const stopped = failsFast && required.some((e) => e.status === 'FAILED' && nodeAt(e.position).group === group)
    if (status === 'SKIPPED') holds(blocked || stopped, `${key} was skipped without need`)
    if (status === 'CANCELED') holds(stopped, `${key} was canceled without need`)
  }
}
