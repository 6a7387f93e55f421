import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql'
import { isTooDeep, type Json, MAX_DEPTH } from '../core/json.ts'
import { isoOf } from '../store/values.ts'

const refuse = (message: string): never => {
  throw new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/
const YEARS = { first: 1970, last: 9999 }
const asInstant = (value: unknown): Date => {
  const date = typeof value === 'string' && INSTANT.test(value) ? new Date(value) : undefined
  const year = date?.getUTCFullYear() ?? Number.NaN
  if (!date || !(year >= YEARS.first && year <= YEARS.last)) {
    return refuse(
      `DateTime wants ISO 8601 with a time zone, from ${YEARS.first} to ${YEARS.last}: 2026-01-31T12:00:00Z`,
    )
  }
  return date
}

export const DateTimeType = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'A point in time: ISO 8601 in UTC with milliseconds, for instance 2026-01-31T12:00:00.000Z.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => isoOf(value instanceof Date ? value : new Date(value as string)),
  parseValue: asInstant,
  parseLiteral: (node) => asInstant(node.kind === Kind.STRING ? node.value : undefined),
})

const asDuration = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : refuse('Duration wants milliseconds: a whole number from 0 to 9007199254740991')

export const DurationType = new GraphQLScalarType<number, number>({
  name: 'Duration',
  description: 'A length of time in whole milliseconds, from 0 to 9007199254740991.',
  serialize: (value) => Math.max(0, Math.round(Number(value))),
  parseValue: asDuration,
  parseLiteral: (node) => asDuration(node.kind === Kind.INT ? Number(node.value) : undefined),
})

/** Deeper values than the store takes are refused at the door: reading them takes a stack that no database has. */
const asJson = (value: unknown): Json =>
  isTooDeep(value) ? refuse(`JSON may have at most ${MAX_DEPTH} levels`) : (value as Json)

export const JsonType = new GraphQLScalarType<Json, Json>({
  name: 'JSON',
  description:
    'Any JSON value: object, list, text, number, boolean or null, with at most 100 levels. Its shape is the business of who wrote it.',
  serialize: (value) => value as Json,
  parseValue: asJson,
  parseLiteral: (node, variables) => asJson(valueFromASTUntyped(node, variables)),
})
