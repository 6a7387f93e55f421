import { inspect, isDeepStrictEqual } from 'node:util'
import { type Account, NOTHING, UNITS } from '../../src/core/budget.ts'
import { checkpointAt } from '../../src/core/checkpoint.ts'
import { executionById, executionsOf } from '../../src/core/draft.ts'
import type { Event } from '../../src/core/event.ts'
import { type ExecutionState, type ExecutionStatus, heldAttempt, isSettled } from '../../src/core/execution.ts'
import { pendingEffects } from '../../src/core/pending.ts'
import { isDoneByCoordinator } from '../../src/core/patterns/closing.ts'
import type { PlanNode } from '../../src/core/plan.ts'
import { isEnded, type SessionStatus } from '../../src/core/session.ts'
import type { SessionState, Step } from '../../src/core/state.ts'
import { MAX_LOST } from '../../src/core/attempt.ts'
import { nextTick } from '../../src/core/tick.ts'

// vitest's expect takes longer than a step of the machine, and there are millions of comparisons.

/** Throws unless two values are equal through and through. */
export function equal(is: unknown, shouldBe: unknown, rule: string): void {
  if (Object.is(is, shouldBe) || isDeepStrictEqual(is, shouldBe)) return
  throw new Error(`${rule}: ${inspect(is)} instead of ${inspect(shouldBe)}`)
}

export function holds(is: boolean, rule: string): void {
  if (!is) throw new Error(rule)
}

/** What holds for one step, whatever it was. */
export function checkStep(before: SessionState, after: Step, allowed: boolean): void {
  const { state, events, effects, verdicts, refused } = after
  equal(refused === undefined, allowed, `refused: ${refused}`)
  equal(state.version, before.version + (events.length > 0 ? 1 : 0), 'a version per step that did something')
  if (events.length === 0) equal(state, before, 'nothing changes')
  if (refused !== undefined) {
    holds(
      events.every(({ type }) => type === 'ATTEMPT_LATE'),
      'what is refused is at most noted as late',
    )
    equal({ ...state, seq: 0, version: 0 }, { ...before, seq: 0, version: 0 }, 'what is refused changes nothing')
    equal([...effects, ...verdicts], [], 'what is refused has no effect')
  }
  if (isEnded(before.status)) equal(state, before, 'nothing changes')
  for (const was of Object.values(before.executions)) {
    const is = state.executions[was.key] as ExecutionState
    if (was.status === 'ACCEPTED') equal({ ...is, status: 'ACCEPTED' }, was, 'what was accepted is only compensated')
    else if (isSettled(was.status)) holds(is === was, 'an end is for good')
    if (was.input && is.input !== was.input) {
      holds(state.inputs.length > (was.input.inputs ?? 0), 'an input is frozen until there is more')
    }
    holds(is.fence >= was.fence, 'fences grow')
  }
  for (const [place, was] of before.interrupts.entries()) {
    if (was.status !== 'OPEN') equal(state.interrupts[place], was, 'an interrupt is answered once')
  }
  for (const unit of UNITS) holds(state.budget[unit].used >= before.budget[unit].used, 'what is used is not given back')
  checkWaiting(state)
  checkBudget(state)
  checkRoom(state)
}

/** Who waits for whom, and that something can happen to every session that has not ended. */
function checkWaiting(state: SessionState): void {
  const { status } = state
  const open = state.interrupts.filter((interrupt) => interrupt.status === 'OPEN')
  const executions = Object.values(state.executions)
  if (isEnded(status)) {
    equal(open, [], 'what has ended asks nobody')
    return
  }
  for (const { id, executionId } of open) {
    const asking = executions.find((execution) => execution.id === executionId)
    const waits = executionId === undefined || (asking?.status === 'WAITING' && asking.interruptId === id)
    holds(waits, 'an open interrupt is waited for')
  }
  for (const { status: is, interruptId, resumeAt, key } of executions) {
    if (is !== 'WAITING') continue
    const asked = open.some(({ id }) => id === interruptId)
    holds(asked !== (resumeAt !== undefined), `${key} waits either for a person or for its pause`)
  }
  if (status === 'INTERRUPTED' || status === 'AWAITING_APPROVAL') {
    holds(open.length > 0, 'whoever waits for a person has asked one')
  }
  if (status === 'QUEUED' || status === 'PAUSED') return
  const pauses = executions.some(({ status: is, resumeAt }) => is === 'WAITING' && resumeAt !== undefined)
  holds(open.length > 0 || pauses || pendingEffects(state).length > 0 || holdsAny(executions), 'something can happen')
  if (status === 'RUNNING') holds(nextTick(state) !== undefined, 'time ends what runs')
}

function holdsAny(executions: readonly ExecutionState[]): boolean {
  return executions.some((execution) => heldAttempt(execution))
}

/** Rule 5: no more at once than the session and each group may have. */
function checkRoom({ plan, executions, limits }: SessionState): void {
  const held = plan.nodes.filter(({ key }) => Object.hasOwn(executions, key) && executions[key]?.status === 'RUNNING')
  holds(held.length <= limits.concurrency, 'no more at once than the session may have')
  for (const { key, concurrency } of plan.groups) {
    holds(held.filter(({ group }) => group === key).length <= concurrency, `no more at once than ${key} may have`)
  }
}

/** What is put aside is what attempts and children that run may use. */
function checkBudget({ budget, executions }: SessionState): void {
  const reserved = Object.values(executions).map((execution) => {
    const { judge } = execution.candidate ?? {}
    if (judge) holds(execution.status === 'VALIDATING', 'a judge looks at what is VALIDATING')
    if (execution.status === 'VALIDATING') return judge ?? NOTHING
    if (execution.status !== 'RUNNING') return NOTHING
    return (execution.childId === undefined ? execution.current?.reserved : execution.slice) ?? NOTHING
  })
  for (const [unit, kind] of [
    ['TOKENS', 'tokens'],
    ['COST', 'cost'],
    ['EXECUTIONS', 'executions'],
  ] as const) {
    // prettier-ignore
    const sum = reserved.reduce((total, amounts) => total + amounts[kind], 0)
    equal(Math.round(budget[unit].reserved * 1e6), Math.round(sum * 1e6), `${unit} are reserved for somebody`)
  }
}

/** As long as nobody uses more than was put aside for it, no limit is passed. */
export function isWithin({ hard = Number.POSITIVE_INFINITY, used, reserved }: Account): boolean {
  return Math.round((used + reserved) * 1e6) <= Math.round(hard * 1e6)
}

/** What the events alone tell. */
export interface Facts {
  seq: number
  session: SessionStatus | undefined
  executions: Map<string, ExecutionStatus>
  /** Attempts that have begun and not ended, by execution. */
  open: Map<string, string>
  started: Map<string, number>
  /** Those that have been RUNNING, also by a session of their own. */
  begun: Set<string>
  aborted: Set<string>
  /** Interrupts that have been raised, and what became of them. */
  interrupts: Map<string, string>
  /** Numbers of the acceptances that were compensated, in order. */
  undone: number[]
  /** Moves that were made: `RUNNING > VALIDATING`. */
  moves: Set<string>
}

export function startFacts(): Facts {
  return {
    seq: 0,
    session: undefined,
    executions: new Map(),
    open: new Map(),
    started: new Map(),
    begun: new Set(),
    aborted: new Set(),
    interrupts: new Map(),
    undone: [],
    moves: new Set(),
  }
}

/** Folds the events of a step and holds them against the state that came with them. */
export function foldStep(facts: Facts, before: SessionState | undefined, after: Step, now: number): void {
  const { state, events, verdicts } = after
  const nodes = new Map<string, PlanNode>()
  for (const node of state.plan.nodes) {
    const execution = Object.hasOwn(state.executions, node.key) ? state.executions[node.key] : undefined
    if (execution) nodes.set(execution.id, node)
  }
  const count = (type: Event['type']): Event[] => events.filter((event) => event.type === type)
  for (const event of events) {
    equal(event.seq, facts.seq + 1, 'events are 1..n')
    equal(event.at, now, 'events are dated')
    equal(facts.session === undefined || !isEnded(facts.session), true, 'nothing follows the end')
    facts.seq = event.seq
    foldEvent(facts, event, nodes, state)
  }
  equal(state.seq, facts.seq, 'seq is that of the last event')
  equal(state.status, facts.session, 'events tell the status of the session')
  for (const { id, status } of Object.values(state.executions)) {
    equal(facts.executions.get(id) ?? 'PENDING', status, `events tell the status of ${id}`)
  }
  equal(Object.fromEntries(facts.interrupts), Object.fromEntries(state.interrupts.map((i) => [i.id, i.status])), 'events tell of interrupts') // prettier-ignore
  const subjects = (type: Event['type'], behind = 0): unknown[] =>
    count(type).map(({ seq, executionId }) => [seq - behind, executionId])
  equal(subjects('CHECKPOINT_MADE', 1), subjects('EXECUTION_ACCEPTED'), 'a checkpoint after each accepted execution')
  for (const { seq, executionId } of count('CHECKPOINT_MADE')) {
    holds(
      checkpointAt(state, seq)?.accepted.includes(executionId as string) === true,
      'a checkpoint knows what made it',
    )
    equal(checkpointAt(state, seq - 1), undefined, 'a checkpoint stands after its event alone')
  }
  equal(
    verdicts.map(({ seq }) => seq),
    count('VERDICT_GIVEN').map(({ seq }) => seq),
    'every verdict is kept',
  )
  checkEffects(facts, before, after, nodes)
  for (const execution of Object.values(state.executions)) checkExecution(state, execution, facts)
}

const BY_AGENTS: ReadonlySet<string> = new Set(['TASK', 'MANAGE', 'UNDO'])

function checkEffects(
  facts: Facts,
  before: SessionState | undefined,
  { state, events, effects }: Step,
  nodes: ReadonlyMap<string, PlanNode>,
): void {
  const became = events.flatMap(({ type, executionId = '' }) => (type === 'EXECUTION_READY' ? [executionId] : []))
  const goesOn = events.some(({ type }) => type === 'SESSION_RUNNING')
  const enqueued = effects.flatMap((effect) => (effect.type === 'ENQUEUE' ? [effect.executionId] : []))
  for (const id of enqueued) {
    holds(BY_AGENTS.has((nodes.get(id) as PlanNode).kind), 'ENQUEUE what agents do')
    holds(became.includes(id) || goesOn, 'ENQUEUE what became READY, or all once the session goes on')
  }
  for (const id of became) {
    if (BY_AGENTS.has((nodes.get(id) as PlanNode).kind)) holds(enqueued.includes(id), 'ENQUEUE all that became READY')
  }
  for (const effect of effects) {
    if (effect.type === 'VALIDATE') {
      const seen = events.some(
        ({ type, executionId }) => type.startsWith('EXECUTION_') && executionId === effect.executionId,
      )
      const waits = executionById(state, effect.executionId)?.status === 'VALIDATING'
      holds(waits || seen, 'VALIDATE what awaits a verdict')
    }
    if (effect.type === 'SPAWN' || effect.type === 'CLOSE_CHILD') {
      const owner = Object.values(state.executions).find(({ childId }) => childId === effect.childId)
      holds(owner !== undefined && nodes.get(owner.id)?.kind === 'SESSION', `${effect.type} for a node with a child`)
    }
    if (effect.type !== 'ABORT') continue
    const was = before && executionById(before, effect.executionId)
    equal(was && heldAttempt(was)?.id, effect.attemptId, 'ABORT only for what runs')
    equal(facts.aborted.has(effect.attemptId), false, 'ABORT once')
    facts.aborted.add(effect.attemptId)
  }
}

const INTERRUPTED: Readonly<Record<string, string>> = {
  INTERRUPT_ANSWERED: 'ANSWERED',
  INTERRUPT_EXPIRED: 'EXPIRED',
  INTERRUPT_VOID: 'VOID',
}

function foldEvent(facts: Facts, event: Event, nodes: ReadonlyMap<string, PlanNode>, state: SessionState): void {
  const { type, executionId = '', attemptId = '', data } = event
  if (type.startsWith('SESSION_')) {
    const next = type.slice('SESSION_'.length) as SessionStatus
    if (facts.session) facts.moves.add(`${facts.session} > ${next}`)
    facts.session = next
  }
  if (type === 'INTERRUPT_RAISED') facts.interrupts.set(data.interruptId as string, 'OPEN')
  const became = INTERRUPTED[type]
  if (became) {
    equal(facts.interrupts.get(data.interruptId as string), 'OPEN', 'an interrupt is answered once')
    facts.interrupts.set(data.interruptId as string, became)
  }
  if (type === 'ATTEMPT_STARTED') {
    equal(facts.open.has(executionId), false, 'one attempt at a time')
    equal(facts.executions.get(executionId), 'ASSIGNED', 'an attempt starts once it is assigned')
    facts.open.set(executionId, attemptId)
    facts.started.set(executionId, (facts.started.get(executionId) ?? 0) + 1)
    equal(data.number, facts.started.get(executionId), 'attempts are 1..n')
  }
  if (type === 'ATTEMPT_ENDED') {
    equal(facts.open.get(executionId), attemptId, 'each attempt ends once')
    facts.open.delete(executionId)
  }
  if (!type.startsWith('EXECUTION_')) return
  const status = type.slice('EXECUTION_'.length) as ExecutionStatus
  const was = facts.executions.get(executionId) ?? 'PENDING'
  facts.moves.add(`execution ${was} > ${status}`)
  if (status === 'COMPENSATED') foldUndone(facts, executionId, nodes, state)
  else equal(isSettled(was), false, 'an end is for good')
  facts.executions.set(executionId, status)
  if (status === 'RUNNING') facts.begun.add(executionId)
  if (isSettled(status)) equal(facts.open.has(executionId), false, 'no attempt outlives its execution')
  if (status === 'READY') foldReady(facts, nodes.get(executionId) as PlanNode, nodes)
}

/** Rule 7, said once more: only an accepted compensation, in the reverse order of completion. */
function foldUndone(
  facts: Facts,
  executionId: string,
  nodes: ReadonlyMap<string, PlanNode>,
  state: SessionState,
): void {
  equal(facts.executions.get(executionId), 'ACCEPTED', 'only what was accepted is compensated')
  const { key } = nodes.get(executionId) as PlanNode
  const undo = [...nodes].find(([, { kind, undoes }]) => kind === 'UNDO' && undoes === key)
  equal(undo && facts.executions.get(undo[0]), 'ACCEPTED', 'compensated by an accepted compensation')
  equal(facts.session, 'ROLLING_BACK', 'compensated in a rollback')
  const { acceptedSeq = 0 } = state.executions[key] as ExecutionState
  holds(acceptedSeq < (facts.undone.at(-1) ?? Number.POSITIVE_INFINITY), 'the last one done is the first one undone')
  facts.undone.push(acceptedSeq)
}

/** Rule 1, said once more. */
function foldReady(facts: Facts, node: PlanNode, nodes: ReadonlyMap<string, PlanNode>): void {
  const { session = 'QUEUED' } = facts
  // What the coordinator does itself brings together what there is.
  const closes = isDoneByCoordinator(node.kind)
  holds(session !== 'CANCELING' || closes, 'nothing begins while the session is being stopped')
  equal(session === 'ROLLING_BACK', node.kind === 'UNDO', 'what undoes work begins in a rollback, and nothing else')
  const comes = [...nodes].filter(([, { key }]) => node.after.includes(key)).map(([id]) => facts.executions.get(id))
  const settled = comes.every((status) => status !== undefined && isSettled(status))
  const passes: Record<PlanNode['join'], boolean> = {
    ACCEPTED: comes.every((status) => status === 'ACCEPTED'),
    ACCEPTED_OR_SKIPPED: comes.every((status) => status === 'ACCEPTED' || status === 'SKIPPED'),
    SETTLED: settled,
    ENOUGH: settled || comes.filter((status) => status === 'ACCEPTED').length >= (node.votes ?? 1),
  }
  holds(passes[node.join], `${node.key} is READY too early`)
  for (const [id, { key }] of nodes) {
    const { behind = [], onceBegun = [] } = node
    const status = facts.executions.get(id) ?? 'PENDING'
    const hasBegun = facts.begun.has(id) || isSettled(status)
    if (behind.includes(key)) holds(isSettled(status), `${node.key} stands behind ${key}`)
    if (onceBegun.includes(key)) holds(hasBegun, `${node.key} begins once ${key} has begun`)
  }
}

/** What holds for an execution at any time. */
function checkExecution(state: SessionState, execution: ExecutionState, facts: Facts): void {
  const { id, key, status, attempt, counted, lost, current, causeId } = execution
  const node = state.plan.nodes.find((one) => one.key === key) as PlanNode
  equal(attempt, facts.started.get(id) ?? 0, 'attempts are counted')
  holds(counted <= node.retry.maxAttempts, 'no more attempts than the policy has')
  holds(lost <= MAX_LOST, 'no more losses than are bearable')
  equal(heldAttempt(execution)?.id, facts.open.get(id), 'events tell who has it in hand')
  if (current) equal(current.status === 'RUNNING', facts.open.has(id), 'events tell what runs')
  equal(execution.endedAt !== undefined, isSettled(status), 'what has settled has an end')
  equal(status === 'COMPENSATED' || status === 'ACCEPTED', execution.acceptedSeq !== undefined, 'what was accepted')
  if (status !== 'SKIPPED') return
  const cause = executionById(state, causeId as string)
  const winner = state.plan.nodes.some((one) => one.key === cause?.key && one.join === 'ENOUGH')
  holds(cause?.status === 'FAILED' || (winner && isSettled(cause?.status as ExecutionStatus)), 'the culprit')
}

/** The group of a node and those above it. */
function groupsOf({ plan }: SessionState, node: PlanNode): SessionState['plan']['groups'][number][] {
  const above = (name: string | undefined): SessionState['plan']['groups'][number][] =>
    plan.groups.filter(({ key }) => key === name).flatMap((group) => [group, ...above(group.parent)])
  return above(node.group)
}

/** E49, said once more in another way: what the end of a session has to do with its executions. */
export function checkEnd(state: SessionState, events: readonly Event[]): void {
  const ends = events.filter(({ type }) => isEnded(type.slice('SESSION_'.length) as SessionStatus))
  equal(ends, [events.at(-1)], 'one end, and it is the last event')
  equal(state.endedAt, events.at(-1)?.at, 'the end is dated')
  const executions = executionsOf(state)
  holds(
    executions.every(({ status }) => isSettled(status)),
    'everything has settled',
  )
  for (const unit of UNITS) equal(state.budget[unit].reserved, 0, 'nothing is reserved for nobody')
  if (state.rollback) {
    holds(['ROLLED_BACK', 'FAILED'].includes(state.status), 'a rollback ends as one')
    checkUndone(state, executions)
    return
  }
  if (executions.length === 0) {
    equal(state.status, 'CANCELED', 'what has not begun does not end by itself')
    return
  }
  if (state.ending) {
    const ends = { CANCEL: ['CANCELED'], TIME_OUT: ['TIMED_OUT'], LIMIT: ['PARTIAL', 'FAILED'] }[state.ending.move]
    holds(ends.includes(state.status), 'what was stopped did not end by itself')
    return
  }
  checkOutcome(state, executions)
}

/** E93 and E104, said once more: what is undone, and in which order. */
function checkUndone({ plan, rollback }: SessionState, executions: readonly ExecutionState[]): void {
  const done = executions.flatMap(({ id, key, position, acceptedSeq = 0, undo = [] }) => {
    if (rollback?.keep.includes(id)) return []
    const below = undo.map((one, index) => ({ key: `${key}/${one.key}`, at: one.seq + index / 1_000 }))
    const isOwn = acceptedSeq > 0 && plan.nodes[position]?.compensation !== undefined
    return isOwn ? [...below, { key, at: acceptedSeq + 0.999 }] : below
  })
  const undone = plan.nodes.flatMap(({ undoes }) => undoes ?? [])
  equal(undone, done.toSorted((a, b) => b.at - a.at).map(({ key }) => key), 'the last one done is the first one undone') // prettier-ignore
}

function checkOutcome(state: SessionState, executions: readonly ExecutionState[]): void {
  const nodeAt = (at: number): PlanNode => state.plan.nodes[at] as PlanNode
  const statusOf = (key: string): ExecutionStatus => (state.executions[key] as ExecutionState).status
  const winnersOf = (key: string): PlanNode[] =>
    state.plan.nodes.filter(({ join, after }) => join === 'ENOUGH' && after.includes(key))
  const missing = executions.filter(
    ({ key, status }) => status !== 'ACCEPTED' && !winnersOf(key).some((one) => statusOf(one.key) === 'ACCEPTED'),
  )
  const membersOf = (group: string): ExecutionState[] =>
    executions.filter(({ position }) => groupsOf(state, nodeAt(position)).some(({ key }) => key === group))
  const required = missing.filter(({ position }) => {
    if (nodeAt(position).optional) return false
    return !groupsOf(state, nodeAt(position)).some(({ key, onFailure, quorum }) => {
      const members = membersOf(key)
      const accepted = members.filter(({ status }) => status === 'ACCEPTED').length
      return onFailure === 'QUORUM' && accepted >= (quorum ?? members.length)
    })
  })
  const delegated = executions.filter(({ position }) => ['TASK', 'SESSION'].includes(nodeAt(position).kind))
  // A manager's quorum is one of what it delegates: its rounds do none of the work.
  const short = state.plan.groups.some(({ key, onFailure, quorum }) => {
    if (!state.plan.manager || onFailure !== 'QUORUM') return false
    const work = membersOf(key).filter(({ position }) => nodeAt(position).kind !== 'MANAGE')
    return work.filter(({ status }) => status === 'ACCEPTED').length < (quorum ?? membersOf(key).length)
  })
  const limited = delegated.some(({ status }) => status === 'ACCEPTED') && !short ? 'PARTIAL' : 'FAILED'
  const own = short ? 'FAILED' : missing.length === 0 ? 'SUCCEEDED' : required.length === 0 ? 'PARTIAL' : 'FAILED'
  equal(state.status, state.ledger?.limit === undefined ? own : limited, 'E49')
  // Nothing was given up without need.
  for (const { key, status, position } of executions) {
    if (status !== 'SKIPPED' && status !== 'CANCELED') continue
    const { after, join } = nodeAt(position)
    const lacks = after.map(statusOf).filter((is) => is !== 'ACCEPTED')
    const blocked =
      (join === 'ACCEPTED' && lacks.length > 0) ||
      (join === 'ACCEPTED_OR_SKIPPED' && lacks.some((is) => is !== 'SKIPPED'))
    const stopped = groupsOf(state, nodeAt(position)).some(({ key: group, onFailure, quorum }) => {
      const members = membersOf(group)
      const failed = members.some((e) => e.status === 'FAILED' && !nodeAt(e.position).optional)
      const accepted = members.filter((e) => e.status === 'ACCEPTED').length
      return (onFailure === 'FAIL_FAST' && failed) || (onFailure === 'QUORUM' && accepted < (quorum ?? members.length))
    })
    const needless = winnersOf(key).some((one) => isSettled(statusOf(one.key)))
    if (status === 'SKIPPED') holds(blocked || stopped || needless, `${key} was skipped without need`)
    if (status === 'CANCELED') holds(stopped || needless, `${key} was canceled without need`)
  }
}
