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

/** What attempts and children take from a budget before they begin, and have used once they end. */
export interface Amounts {
  tokens: number
  cost: number
  executions: number
}

/** A new budget with these limits by unit. */
export function budgetOf(limits: Partial<Record<Unit, { soft?: number; hard?: number }>>): Budget {
  const accounts = UNITS.map((unit) => [unit, { ...limits[unit], used: 0, reserved: 0 }])
  return Object.fromEntries(accounts) as Budget
}
