/** A value that survives JSON: what tasks take in, agents put out and events carry. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** The same text as PostgreSQL can store it: NUL and lone surrogates become U+FFFD. */
export function wellFormedText(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed()
}

/** The same value as PostgreSQL can store it: every text in it, keys too, is well formed. */
export function wellFormed(value: Json): Json {
  if (typeof value === 'string') return wellFormedText(value)
  if (Array.isArray(value)) return value.map(wellFormed)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [wellFormedText(key), wellFormed(member)]))
}

/** Arrays and objects in each other at most: what goes deeper overflows the stacks of parsers and of databases. */
export const MAX_DEPTH = 100

/** Whether a value has more levels than `MAX_DEPTH`. */
export function isTooDeep(value: unknown, levels: number = MAX_DEPTH): boolean {
  if (value === null || typeof value !== 'object') return false
  return levels === 0 || Object.values(value).some((member) => isTooDeep(member, levels - 1))
}
