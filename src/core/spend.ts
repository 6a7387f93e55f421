import { type Amounts, NOTHING, reached, reservation, settleAmounts, type Unit } from './budget.ts'
import { type Draft, elapsed, emit, executionsOf, nodeOf } from './draft.ts'
import { type ExecutionState, isSettled, takesRoom, waitsForJudge } from './execution.ts'
import type { Json } from './json.ts'
import { openInterrupts, raise } from './raise.ts'
import { isUnderWay } from './session.ts'
import { stopAll } from './stop.ts'

/** Tokens, or dollars, of one attempt beyond which a report is not believed. */
const MAX_AMOUNT = 1e9

/** What a runtime tells of an attempt's usage; what it does not know counts as nothing. */
export function amountsOf(usage: Json): Amounts {
  const { inputTokens, outputTokens, cost } = (usage ?? {}) as Record<string, Json>
  // No attempt can use more than can be counted.
  const number = (value: Json | undefined): number =>
    typeof value === 'number' && value > 0 ? Math.min(value, MAX_AMOUNT) : 0
  return { tokens: number(inputTokens) + number(outputTokens), cost: number(cost), executions: 0 }
}

/** Gives back what an attempt or a child had put aside, and takes what it has used. */
export function settleSpent(d: Draft, reserved: Amounts = NOTHING, used: Amounts = NOTHING): void {
  d.state.budget = settleAmounts(d.state.budget, reserved, used)
}

/**
 * What an attempt at a node, or a judge of its result, may use now; undefined: nothing is left of what it needs.
 *
 * @param begins whether the execution begins with it
 */
export function reservationFor(
  d: Draft,
  execution: ExecutionState,
  begins = execution.attempt === 0,
): Amounts | undefined {
  const node = nodeOf(d.state, execution.key)
  // What undoes work has to be done, whatever it takes.
  if (node.kind === 'UNDO') return NOTHING
  const { hard = Number.POSITIVE_INFINITY } = d.state.budget.WALL_TIME
  // Nothing begins that would have to be stopped at once.
  if (elapsed(d.state, d.now) >= hard) return undefined
  return reservation(d.state.budget, node, d.state.plan.nodes.length, begins)
}

/** Asks a person at a soft limit; stops with what is there at a hard one. */
export function watchBudget(d: Draft): void {
  if (!isUnderWay(d.state.status)) return
  const { budget } = d.state
  const used = elapsed(d.state, d.now)
  if (used !== budget.WALL_TIME.used) d.state.budget = { ...budget, WALL_TIME: { ...budget.WALL_TIME, used } }
  // Nothing is left that a limit could keep from going on.
  if (executionsOf(d.state).every(({ status }) => isSettled(status))) return
  for (const { unit, limit } of reached(d.state.budget)) {
    if (limit === 'hard') {
      stopForBudget(d, unit)
      return
    }
    askForBudget(d, unit)
  }
  const starved = d.state.status === 'RUNNING' ? starvedOf(d) : undefined
  if (starved) stopForBudget(d, starved)
}

function stopForBudget(d: Draft, unit: Unit): void {
  const { used, hard = used } = d.state.budget[unit]
  emit(d, 'BUDGET_REACHED', { unit, limit: 'hard', used, hard })
  stopAll(d, 'LIMIT', `BUDGET ${unit}: ${used} of ${hard} are used`)
}

function askForBudget(d: Draft, unit: Unit): void {
  const asked = openInterrupts(d).some(({ kind, about }) => kind === 'BUDGET' && about.unit === unit)
  if (asked) return
  const { used, soft = 0, hard } = d.state.budget[unit]
  emit(d, 'BUDGET_REACHED', { unit, limit: 'soft', used, soft })
  raise(d, {
    kind: 'BUDGET',
    question: `${used} of ${unit} are used, the soft limit is ${soft}. Shall it go on?`,
    shown: { unit, used, soft, hard: hard ?? null },
    choices: ['APPROVE', 'RAISE', 'STOP'],
    onExpiry: { choice: 'STOP', text: 'nobody answered in time' },
    about: { unit },
  })
}

/** The unit that keeps everything from beginning while nothing runs that could give some back. */
function starvedOf(d: Draft): Unit | undefined {
  const unit = USED_UP.find((one) => {
    const { hard = Number.POSITIVE_INFINITY, used } = d.state.budget[one]
    return used >= hard
  })
  return unit !== undefined && isStarved(d) ? unit : undefined
}

/** What can be used up before it is reached. */
const USED_UP = ['TOKENS', 'COST', 'EXECUTIONS'] as const

/** Whether something waits to begin, nothing of it may, and nothing is under way. */
function isStarved(d: Draft): boolean {
  const executions = executionsOf(d.state)
  const waits = executions.filter((execution) => waitsForJudge(execution, nodeOf(d.state, execution.key).gates))
  const gives = executions.some((execution) => takesRoom(execution.status) && !waits.includes(execution))
  if (gives || executions.some(({ status }) => status === 'WAITING')) return false
  const ready = executions.filter(({ status }) => status === 'READY')
  const mayBegin = ready.some((execution) => reservationFor(d, execution) !== undefined)
  return !mayBegin && (ready.length > 0 || waits.length > 0)
}
