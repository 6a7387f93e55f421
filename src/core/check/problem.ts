/** Something wrong with what a caller handed in. */
export interface Problem {
  /** Where, for instance ['subTasks', '2', 'dependsOn']. */
  path: string[]
  /** What, and what would be right. */
  message: string
}

/** A place below the one that is being looked at. */
export type At = (...rest: string[]) => string[]

/** Timers hold no more milliseconds than this. */
export const LONGEST_MS = 2 ** 31 - 1

/** A whole number from and to, both included; says what it must be if it is not. */
export function notWhole(value: unknown, from: number, to: number): string | undefined {
  if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) return undefined
  return `is ${show(value)}: it must be a whole number from ${from} to ${to}`
}

/** A text that says something, of a bearable length. */
export function notText(value: unknown, most: number): string | undefined {
  if (typeof value !== 'string' || value.trim() === '') return 'must say something'
  return value.length > most ? `has ${value.length} characters: at most ${most} are possible` : undefined
}

/** One of several words. */
export function noneOf(value: unknown, words: readonly string[]): string | undefined {
  return words.includes(value as string) ? undefined : `is ${show(value)}: it must be one of ${words.join(', ')}`
}

/** Why a schema is none, as a sentence about it without its subject. */
export function asNoSchema(reason: string): string {
  return `is no schema that can be checked: ${reason}`
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}
