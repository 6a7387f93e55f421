import type { PlanNode } from './plan.ts'

/**
 * What a session, with all below it, may use. TOKENS: of models, in and out. COST: US dollars. WALL_TIME: milliseconds
 * from its start, without the time that it waits for a person. EXECUTIONS: begun. DEPTH: levels of sessions.
 */
export const UNITS = ['TOKENS', 'COST', 'WALL_TIME', 'EXECUTIONS', 'DEPTH'] as const
export type Unit = (typeof UNITS)[number]

/** One unit of a budget. `used` has been settled, `reserved` is what running attempts and children may still use. */
export interface Account {
  /** A person is asked once this is reached. */
  soft?: number
  /** Nothing begins that could go beyond. */
  hard?: number
  used: number
  reserved: number
}

export type Budget = Readonly<Record<Unit, Account>>

/** Limits of one unit. */
export type UnitLimits = Pick<Account, 'soft' | 'hard'>

/** What attempts and children take from a budget before they begin, and have used once they end. */
export interface Amounts {
  tokens: number
  cost: number
  executions: number
}

export const NOTHING: Amounts = { tokens: 0, cost: 0, executions: 0 }

/** Levels of sessions where a budget does not say. */
export const MAX_SESSION_DEPTH = 3

/**
 * How deep a session stands as far as its children go: a budget of fewer levels makes it stand deeper.
 *
 * @param depth 1: nobody's child
 */
export function levelOf({ DEPTH }: Pick<Budget, 'DEPTH'>, depth: number): number {
  return depth + Math.max(0, MAX_SESSION_DEPTH - (DEPTH.hard ?? MAX_SESSION_DEPTH))
}

/** Units of a budget that amounts are taken from. */
const SPENT = { tokens: 'TOKENS', cost: 'COST', executions: 'EXECUTIONS' } as const satisfies Record<
  keyof Amounts,
  Unit
>
const KINDS = Object.keys(SPENT) as (keyof Amounts)[]

/** A new budget with these limits by unit. */
export function budgetOf(limits: Partial<Record<Unit, UnitLimits>>): Budget {
  const accounts = UNITS.map((unit) => [unit, { ...limits[unit], used: 0, reserved: 0 }])
  return Object.fromEntries(accounts) as Budget
}

/** What is neither used nor reserved of a unit; infinite without a hard limit. */
export function left({ hard = Number.POSITIVE_INFINITY, used, reserved }: Account): number {
  return round(hard - used - reserved)
}

/** Money is counted in millionths of a dollar, so that sums come out even. */
const LEAST = 1e-6

function round(amount: number): number {
  return Number.isFinite(amount) ? Math.round(amount * 1e6) / 1e6 : amount
}

/** An equal share, in whole units: at least one, since nothing would be done with none. */
function shareOf(unit: 'TOKENS' | 'COST' | 'EXECUTIONS', amount: number, among: number): number {
  return unit === 'COST' ? Math.max(LEAST, round(amount / among)) : Math.max(1, Math.floor(amount / among))
}

/**
 * What an attempt may use: as much as its node reserves, else an equal share of the limit, but no more than is left.
 * A limit that is not there reserves nothing. Beginning an execution counts once, whatever its attempts.
 *
 * @returns undefined if nothing is left of what it needs
 */
export function reservation(budget: Budget, node: PlanNode, nodes: number, first: boolean): Amounts | undefined {
  const executions = first ? 1 : 0
  if (left(budget.EXECUTIONS) < executions) return undefined
  const share = (unit: 'TOKENS' | 'COST', wanted: number | undefined): number => {
    const { hard } = budget[unit]
    if (hard === undefined) return 0
    return Math.max(0, Math.min(round(wanted ?? shareOf(unit, hard, nodes)), left(budget[unit])))
  }
  const amounts = { tokens: share('TOKENS', node.reserve?.tokens), cost: share('COST', node.reserve?.cost), executions }
  const starved = KINDS.some((kind) => kind !== 'executions' && isLimited(budget, kind) && amounts[kind] === 0)
  return starved ? undefined : amounts
}

/**
 * The slice of a child session: what its node says, else an equal share of what is left, but no more than is left.
 *
 * @returns undefined if nothing is left of what it needs
 */
export function sliceFor(budget: Budget, node: PlanNode, waiting: number): Amounts | undefined {
  const wanted = node.session?.slice ?? {}
  const amounts = { ...NOTHING }
  for (const kind of KINDS) {
    if (!isLimited(budget, kind)) continue
    const rest = left(budget[SPENT[kind]])
    amounts[kind] = Math.max(0, Math.min(round(wanted[kind] ?? shareOf(SPENT[kind], rest, waiting)), rest))
    if (amounts[kind] === 0) return undefined
  }
  return amounts
}

/** The budget of a child that has been given a slice of its parent's. */
export function childBudget(parent: Budget, slice: Amounts, elapsed: number): Budget {
  const limits: Partial<Record<Unit, UnitLimits>> = {}
  for (const kind of KINDS) if (isLimited(parent, kind)) limits[SPENT[kind]] = { hard: slice[kind] }
  const { WALL_TIME, DEPTH } = parent
  if (WALL_TIME.hard !== undefined) limits.WALL_TIME = { hard: Math.max(1, WALL_TIME.hard - elapsed) }
  if (DEPTH.hard !== undefined) limits.DEPTH = { hard: DEPTH.hard }
  return budgetOf(limits)
}

function isLimited(budget: Budget, kind: keyof Amounts): boolean {
  return budget[SPENT[kind]].hard !== undefined
}

/** Puts amounts aside. */
export function reserve(budget: Budget, amounts: Amounts): Budget {
  return change(budget, (account, kind) => ({ ...account, reserved: round(account.reserved + amounts[kind]) }))
}

/** Gives back what was put aside and takes what was used instead, which may be more. */
export function settleAmounts(budget: Budget, reserved: Amounts, used: Amounts): Budget {
  return change(budget, (account, kind) => ({
    ...account,
    reserved: round(account.reserved - reserved[kind]),
    used: round(account.used + used[kind]),
  }))
}

function change(budget: Budget, act: (account: Account, kind: keyof Amounts) => Account): Budget {
  const next = { ...budget }
  for (const kind of KINDS) next[SPENT[kind]] = act(budget[SPENT[kind]], kind)
  return next
}

/** What a session and all below it have used. */
export function usedOf({ TOKENS, COST, EXECUTIONS }: Budget): Amounts {
  return { tokens: TOKENS.used, cost: COST.used, executions: EXECUTIONS.used }
}

/** What is used of each unit that is reached: beyond its hard limit, or at its soft one. */
export function reached(budget: Budget): { unit: Unit; limit: 'soft' | 'hard' }[] {
  return UNITS.flatMap((unit): { unit: Unit; limit: 'soft' | 'hard' }[] => {
    const { soft, hard, used } = budget[unit]
    // Time is up when it is up; the others may be used to the last.
    if (hard !== undefined && (unit === 'WALL_TIME' ? used >= hard : used > hard)) return [{ unit, limit: 'hard' }]
    return soft !== undefined && used >= soft ? [{ unit, limit: 'soft' }] : []
  })
}
