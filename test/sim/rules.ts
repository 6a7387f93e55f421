import { executionsOf } from '../../src/core/draft.ts'
import type { Event } from '../../src/core/event.ts'
import {
  EXECUTION_TABLE,
  type ExecutionState,
  type ExecutionStatus,
  heldAttempt,
  isSettled,
} from '../../src/core/execution.ts'
import { pendingEffects } from '../../src/core/pending.ts'
import { isDoneByCoordinator } from '../../src/core/patterns/closing.ts'
import type { PlanNode } from '../../src/core/plan.ts'
import { isEnded, SESSION_TABLE, type SessionStatus } from '../../src/core/session.ts'
import type { Effect, SessionState, Step } from '../../src/core/state.ts'
import { equal, holds } from '../core/invariants.ts'

/** What the events of a session alone tell. */
export interface Facts {
  seq: number
  status: SessionStatus | undefined
  executions: Map<string, ExecutionStatus>
  /** Attempts that have begun and not ended, by execution. */
  open: Map<string, string>
  /** How many attempts each execution has had. */
  started: Map<string, number>
  /** Those that have been RUNNING, also by a session of their own. */
  begun: Set<string>
  /** Interrupts that wait for an answer, and those that do not any more. */
  asked: Map<string, 'OPEN' | 'CLOSED'>
  last: Event | undefined
}

export function noFacts(): Facts {
  return {
    seq: 0,
    status: undefined,
    executions: new Map(),
    open: new Map(),
    started: new Map(),
    begun: new Set(),
    asked: new Map(),
    last: undefined,
  }
}

/** Holds a step against every rule, and folds its events. */
export function checkStep(facts: Facts, before: SessionState, step: Step): void {
  const { state, events, refused } = step
  equal(state.version, before.version + (events.length > 0 ? 1 : 0), 'a version per step that did something')
  const nodes = nodesById(state)
  const [accepted, made]: [string[], string[]] = [[], []]
  for (const event of events) {
    equal(event.seq, facts.seq + 1, 'events are 1..n')
    equal(event.at, events[0]?.at, 'what happens at once has one date')
    holds(facts.status === undefined || !isEnded(facts.status), `nothing follows the end: ${event.type}`)
    facts.seq = event.seq
    facts.last = event
    fold(facts, event, nodes)
    if (event.type === 'EXECUTION_ACCEPTED') accepted.push(event.executionId as string)
    if (event.type === 'CHECKPOINT_MADE') made.push(event.executionId as string)
  }
  if (refused !== undefined) {
    const late = events.every(({ type }) => type === 'ATTEMPT_LATE')
    holds(late && step.effects.length === 0, `what is refused changes nothing: ${refused}`)
  }
  equal(state.seq, facts.seq, 'seq is that of the last event')
  equal(state.status, facts.status, 'events tell the status of a session')
  equal(made, accepted, 'a checkpoint after each accepted execution')
  for (const execution of Object.values(state.executions)) {
    if (execution !== before.executions[execution.key]) checkExecution(facts, before, execution)
  }
  for (const { id, status } of state.interrupts) {
    equal(facts.asked.get(id), status === 'OPEN' ? 'OPEN' : 'CLOSED', 'events tell what is asked')
  }
  for (const [unit, { used, reserved }] of Object.entries(state.budget)) {
    holds(used >= 0 && reserved >= 0, `nobody gives back more than was taken: ${unit} ${used} ${reserved}`)
  }
  checkEffects(before, step)
  if (isEnded(state.status)) checkEnd(facts, state)
}

function nodesById(state: SessionState): Map<string, PlanNode> {
  const nodes = new Map<string, PlanNode>()
  for (const { id, position } of Object.values(state.executions)) nodes.set(id, state.plan.nodes[position] as PlanNode)
  return nodes
}

function fold(facts: Facts, event: Event, nodes: ReadonlyMap<string, PlanNode>): void {
  const { type, executionId = '', attemptId = '', data } = event
  if (type.startsWith('SESSION_')) {
    const status = type.slice('SESSION_'.length) as SessionStatus
    const { status: was } = facts
    holds(
      was ? leads(SESSION_TABLE[was], status) : status === 'QUEUED',
      `sessions move by their table: ${was} ${status}`,
    )
    facts.status = status
  } else if (type.startsWith('EXECUTION_')) {
    foldExecution(facts, executionId, type.slice('EXECUTION_'.length) as ExecutionStatus, nodes)
    if (type === 'EXECUTION_RUNNING') facts.begun.add(executionId)
  } else if (type === 'ATTEMPT_STARTED') {
    holds(!facts.open.has(executionId), `one attempt at a time: ${executionId}`)
    equal(facts.executions.get(executionId), 'ASSIGNED', 'an attempt begins once it is assigned')
    facts.open.set(executionId, attemptId)
    facts.started.set(executionId, (facts.started.get(executionId) ?? 0) + 1)
    equal(data.number, facts.started.get(executionId), 'attempts are 1..n')
  } else if (type === 'ATTEMPT_ENDED') {
    equal(facts.open.get(executionId), attemptId, 'an attempt ends once')
    facts.open.delete(executionId)
  } else if (type === 'INTERRUPT_RAISED') {
    holds(!facts.asked.has(String(data.interruptId)), 'a question is asked once')
    facts.asked.set(String(data.interruptId), 'OPEN')
  } else if (type === 'INTERRUPT_ANSWERED' || type === 'INTERRUPT_EXPIRED' || type === 'INTERRUPT_VOID') {
    equal(facts.asked.get(String(data.interruptId)), 'OPEN', 'a question is answered once')
    facts.asked.set(String(data.interruptId), 'CLOSED')
  }
}

function leads(row: Readonly<Record<string, string | null>>, to: string): boolean {
  return Object.values(row).includes(to)
}

function foldExecution(facts: Facts, id: string, status: ExecutionStatus, nodes: ReadonlyMap<string, PlanNode>): void {
  const was = facts.executions.get(id) ?? 'PENDING'
  holds(leads(EXECUTION_TABLE[was], status), `executions move by their table: ${was} ${status}`)
  facts.executions.set(id, status)
  if (isSettled(status)) holds(!facts.open.has(id), `no attempt outlives its execution: ${id}`)
  if (status !== 'READY' && !(status === 'ACCEPTED' && was === 'PENDING')) return
  const node = nodes.get(id)
  // What the coordinator does itself brings together what there is.
  const stopping = facts.status === 'CANCELING' && !(node && isDoneByCoordinator(node.kind))
  const holdsUp = stopping || (facts.status !== undefined && isEnded(facts.status))
  holds(!holdsUp, 'nothing begins while a session is being stopped')
  if (!node || (was !== 'PENDING' && was !== 'BLOCKED')) return
  const statusOf = (key: string): ExecutionStatus => {
    const found = [...nodes].find(([, { key: name }]) => name === key)
    return facts.executions.get(found?.[0] ?? '') ?? 'PENDING'
  }
  const before = node.after.map(statusOf)
  const come = `${node.key} begins after ${node.after.join(', ')}: ${before.join(', ')}`
  if (node.join === 'ACCEPTED')
    holds(
      before.every((one) => one === 'ACCEPTED'),
      come,
    )
  else if (node.join === 'ACCEPTED_OR_SKIPPED')
    holds(
      before.every((one) => one === 'ACCEPTED' || one === 'SKIPPED'),
      come,
    )
  else if (node.join === 'SETTLED') holds(before.every(isSettled), come)
  else holds(before.every(isSettled) || before.includes('ACCEPTED'), come)
  // What is carried over was done in time.
  const inOrder = status === 'ACCEPTED' || (node.behind ?? []).map(statusOf).every(isSettled)
  holds(inOrder, `${node.key} stays behind ${node.behind?.join(', ')}`)
  const hasBegun = (key: string): boolean => {
    const [id = ''] = [...nodes].find(([, { key: name }]) => name === key) ?? []
    return facts.begun.has(id) || isSettled(statusOf(key))
  }
  const isFree = status === 'ACCEPTED' || (node.onceBegun ?? []).every(hasBegun)
  holds(isFree, `${node.key} begins once ${node.onceBegun?.join(', ')} has begun`)
}

/** What holds for an execution at any time, and from one step to the next. */
function checkExecution(facts: Facts, before: SessionState, execution: ExecutionState): void {
  const { id, key, status, attempt, current, fence } = execution
  equal(facts.executions.get(id) ?? 'PENDING', status, 'events tell the status of an execution')
  equal(attempt, facts.started.get(id) ?? 0, 'attempts are counted')
  equal(heldAttempt(execution)?.id, facts.open.get(id), 'events tell who has it in hand')
  if (current) equal(current.status === 'RUNNING', facts.open.has(id), 'events tell what runs')
  equal(execution.endedAt !== undefined, isSettled(status), 'what has settled has an end')
  // Every object knows a constructor, and a node may be called so.
  const was = Object.hasOwn(before.executions, key) ? before.executions[key] : undefined
  if (!was) return
  equal(id, was.id, 'an execution keeps its id')
  holds(fence >= was.fence, `fences grow: ${fence} after ${was.fence}`)
  // What is compensated stays as it was but for that.
  const isEnd = isSettled(was.status) && !(was.status === 'ACCEPTED' && status === 'COMPENSATED')
  holds(!isEnd, `an end is for good: ${key} was ${was.status}`)
}

/** Whatever is under way by the rows alone was begun by the step that made it so. */
function checkEffects(before: SessionState, { state, effects }: Step): void {
  const name = (effect: Effect): string => JSON.stringify([effect.type, 'executionId' in effect && effect.executionId])
  const begun = new Set([...effects, ...pendingEffects(before)].map(name))
  for (const effect of pendingEffects(state)) holds(begun.has(name(effect)), `no effect is forgotten: ${name(effect)}`)
  for (const effect of effects) {
    if (effect.type !== 'ABORT') continue
    const held = executionsOf(before).find(({ id }) => id === effect.executionId)
    equal(held && heldAttempt(held)?.id, effect.attemptId, 'only what runs is told to stop')
  }
}

/** What the end of a session has to do with its executions. */
function checkEnd({ open, asked, last }: Facts, state: SessionState): void {
  const { status, endedAt, budget } = state
  equal(last?.type, `SESSION_${status}`, 'the end is the last event')
  equal(endedAt, last?.at, 'the end is dated')
  equal([...open], [], 'no attempt outlives its session')
  equal([...asked.values()].includes('OPEN'), false, 'nobody is asked about what has ended')
  const executions = executionsOf(state)
  holds(
    executions.every(({ status }) => isSettled(status)),
    'everything has settled',
  )
  for (const [unit, { reserved }] of Object.entries(budget)) equal(reserved, 0, `nothing stays reserved: ${unit}`)
  const nodeAt = (at: number): PlanNode => state.plan.nodes[at] as PlanNode
  const failed = executions.filter((e) => e.status !== 'ACCEPTED' && !nodeAt(e.position).optional)
  // A branch that nobody needs any more, since the aggregator has enough, is not missed.
  const enough = state.plan.nodes.filter(
    ({ key, join }) => join === 'ENOUGH' && state.executions[key]?.status === 'ACCEPTED',
  )
  const missed = failed.filter(
    ({ key, status }) => status === 'FAILED' && !enough.some(({ after }) => after.includes(key)),
  )
  if (status === 'SUCCEEDED')
    equal(
      missed.map(({ key }) => key),
      [],
      'rule 6: what failed did not succeed',
    )
  if (status === 'FAILED' && !state.ending && !state.rollback && !state.ledger) {
    holds(failed.length > 0, 'rule 6: something is missing from what failed')
  }
  equal(JSON.parse(JSON.stringify(state)), state, 'a state survives JSON')
}
