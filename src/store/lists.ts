import type { Row } from './rows.ts'

/**
 * Rows as one text per column, in which values stand one after the other: PostgreSQL takes such a list apart, and makes
 * values of it, in a fifth of the time that it takes for a list of JSON objects with the same members.
 */

/** A column and its type in PostgreSQL. */
export type Column = readonly [name: string, type: string]

/** Ends a value. No value contains it: words are written as JSON, which escapes control characters. */
const END = '\u001e'
/** Stands for NULL. */
const NONE = '\u001f'

/** A row to be written: a state, whose times may be in milliseconds, and what it does not know of itself. */
export interface Listed {
  state: object
  more?: Row
}

/** The text of one column. @param rows at least one: no text is a list without values */
export function listOf(rows: readonly Listed[], [name, type]: Column): string {
  const values = rows.map(({ state, more }) => valueOf((more?.[name] ?? (state as Row)[name]) as unknown, type))
  return values.join(END)
}

function valueOf(value: unknown, type: string): string {
  if (value === undefined || value === null) return NONE
  if (isJson(type)) return JSON.stringify(value)
  if (type === 'timestamptz' && typeof value === 'number') return new Date(value).toISOString()
  if (Array.isArray(value)) return `{${value.join(',')}}`
  return String(value)
}

/** Words may contain whatever they like. */
const isJson = (type: string): boolean => type === 'text' || type === 'json' || type === 'jsonb'

/** A list of one column as an array. @param n number of its parameter */
export function arrayOf([, type]: Column, n: number): string {
  // An array of arrays would be taken for one with two dimensions.
  const element = type === 'text' || type.endsWith('[]') ? 'text' : type
  return `string_to_array($${n}, E'\\x1e', E'\\x1f')::${element}[]`
}

/** Lists as a table `r` whose rows have these columns. @param n number of the first one's parameter */
export function unnest(columns: readonly Column[], n: number): string {
  const lists = columns.map((column, index) => arrayOf(column, n + index))
  return `unnest(${lists.join(', ')}) AS r(${columns.map(([name]) => `"${name}"`).join(', ')})`
}

/** A value of that table as what the column holds. */
export function valueIn([name, type]: Column): string {
  const listed = `r."${name}"`
  if (type === 'text') return `(${listed}::json #>> '{}')`
  return type.endsWith('[]') ? `${listed}::${type}` : listed
}
