import type { Event, EventType } from './event.ts'
import { EXECUTION_TABLE, type ExecutionMove, type ExecutionState, pendingExecution } from './execution.ts'
import { idFrom } from './hash.ts'
import type { Json } from './json.ts'
import type { Plan, PlanNode } from './plan.ts'
import { indexOf } from './planIndex.ts'
import { isWaiting, SESSION_TABLE, type SessionMove } from './session.ts'
import type { Effect, GateVerdict, SessionState, Step } from './state.ts'

/** A session while one step is being taken: changes gather here; the state that it began from stays as it was. */
export interface Draft {
  readonly before: SessionState
  state: SessionState
  readonly now: number
  readonly events: Event[]
  readonly verdicts: GateVerdict[]
  readonly effects: Effect[]
}

/** Begins a step. */
export function draft(state: SessionState, now: number): Draft {
  return {
    before: state,
    state: { ...state, executions: { ...state.executions } },
    now,
    events: [],
    verdicts: [],
    effects: [],
  }
}

/** Ends a step: the version grows by one if anything happened. */
export function finish({ before, state, events, verdicts, effects }: Draft): Step {
  return {
    state: events.length > 0 ? { ...state, version: state.version + 1 } : before,
    events,
    verdicts,
    effects,
  }
}

/** Adds the session's next event. */
export function emit(
  d: Draft,
  type: EventType,
  data: { [key: string]: Json },
  subject: { executionId?: string; attemptId?: string } = {},
): void {
  d.state.seq += 1
  d.events.push({ seq: d.state.seq, type, ...subject, data, at: d.now })
}

/**
 * Moves the session along its table.
 *
 * @throws if the table has no such move: a bug in the rules, never a consequence of input
 */
export function moveSession(
  d: Draft,
  move: SessionMove,
  change: Partial<SessionState> = {},
  data: { [key: string]: Json } = {},
): void {
  const status = SESSION_TABLE[d.state.status][move]
  if (!status) throw new Error(`session ${d.state.id}: ${move} is not possible in ${d.state.status}`)
  const { waitingSince, ...state } = d.state
  const waits = isWaiting(status)
  // Time that goes by before it has begun is not its own anyway.
  const since = state.startedAt === undefined ? undefined : waitingSince
  d.state = {
    ...state,
    ...change,
    status,
    // Its time stands still while it waits for a person.
    waitedMs: state.waitedMs + (waits || since === undefined ? 0 : d.now - since),
    ...(waits && { waitingSince: waitingSince ?? d.now }),
  }
  emit(d, `SESSION_${status}`, data)
}

/** Milliseconds that a session has run, without the time that it waited for a person. */
export function elapsed({ startedAt, waitedMs, waitingSince }: SessionState, now: number): number {
  // A clock may go back.
  return startedAt === undefined ? 0 : Math.max(0, (waitingSince ?? now) - startedAt - waitedMs)
}

/**
 * Moves an execution along its table.
 *
 * @throws if the table has no such move: a bug in the rules, never a consequence of input
 */
export function moveExecution(
  d: Draft,
  key: string,
  move: ExecutionMove,
  change: Partial<ExecutionState> = {},
  data: { [key: string]: Json } = {},
): void {
  const before = executionOf(d.state, key)
  const status = EXECUTION_TABLE[before.status][move]
  if (!status) throw new Error(`execution ${before.id}: ${move} is not possible in ${before.status}`)
  put(d, key, { ...before, ...change, status })
  emit(d, `EXECUTION_${status}`, { key, ...data }, { executionId: before.id })
}

/** Changes what is known of an execution without moving it. */
export function changeExecution(d: Draft, key: string, change: Partial<ExecutionState>): void {
  put(d, key, { ...executionOf(d.state, key), ...change })
}

/** Forgets members of an execution: what is optional in a state is not there rather than undefined. */
export function forget(d: Draft, key: string, ...members: (keyof ExecutionState)[]): void {
  const rest: Partial<ExecutionState> = { ...executionOf(d.state, key) }
  for (const member of members) delete rest[member]
  put(d, key, rest as ExecutionState)
}

/** The executions are the draft's own, and the key is one of theirs: even a word that objects know by themselves. */
function put({ state }: Draft, key: string, value: ExecutionState): void {
  ;(state.executions as Record<string, ExecutionState>)[key] = value
}

/** Puts a new version of the plan in the place of the old one, with executions for the nodes that are new. */
export function changePlan(d: Draft, plan: Plan, why: string): void {
  const version = d.state.planVersion + 1
  const isNew = (key: string): boolean => !Object.hasOwn(d.state.executions, key)
  const added = plan.nodes.filter(({ key }) => isNew(key)).map(({ key }) => key)
  // From entries: a key may be a word that objects know by themselves.
  const executions = Object.fromEntries(
    plan.nodes.map(({ key }, position) => [
      key,
      isNew(key) ? pendingExecution(idFrom(d.state.id, 'execution', key), key, position) : executionOf(d.state, key),
    ]),
  )
  d.state = { ...d.state, plan, planVersion: version, executions }
  emit(d, 'PLAN_CHANGED', { version, added, why })
}

/** The execution of a node; the plan and the executions always have the same keys. */
export function executionOf(state: SessionState, key: string): ExecutionState {
  return state.executions[key] as ExecutionState
}

/** The node of an execution. */
export function nodeOf(state: SessionState, key: string): PlanNode {
  return indexOf(state.plan).nodes.get(key) as PlanNode
}

/** All executions in the plan's order: an object would put keys that look like numbers first. */
export function executionsOf(state: SessionState): ExecutionState[] {
  const all = Object.values(state.executions)
  const isInOrder = all.every(({ position }, index) => position === index)
  return isInOrder ? all : all.toSorted((a, b) => a.position - b.position)
}

/** The execution with this id, if the session has it. */
export function executionById(state: SessionState, id: string): ExecutionState | undefined {
  return Object.values(state.executions).find((execution) => execution.id === id)
}
