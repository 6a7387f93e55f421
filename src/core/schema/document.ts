import { isTooDeep, type Json, MAX_DEPTH } from '../json.ts'
import { growth } from './expression.ts'

/** An object of keywords; a schema is that, true (anything fits) or false (nothing does). */
export type Keywords = { [keyword: string]: Json }
export type Schema = boolean | Keywords

/** Characters of JSON that a schema may have. */
const MAX_CHARACTERS = 100_000
/** Regular expressions in one schema. */
const MAX_PATTERNS = 20
/** References in one schema: a chain of more would overflow the stack. */
const MAX_REFERENCES = 500
const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
const TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object']
/** The formats of draft 2020-12 that are checked. */
const FORMATS =
  'date-time date time duration email hostname ipv4 ipv6 uri uri-reference uri-template uuid json-pointer relative-json-pointer regex'.split(
    ' ',
  )
/** Below this the tolerance for rounding would let everything pass. */
const SMALLEST_STEP = 1e-6

const isObject = (value: Json): value is Keywords =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isSchema = (value: Json): value is Schema => typeof value === 'boolean' || isObject(value)
const isCount = (value: Json): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const areNames = (value: Json): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string') && new Set(value).size === value.length
const isType = (value: Json): boolean => TYPES.includes(value as string)

/** What a keyword may hold. */
const SHAPES = {
  SCHEMA: { says: 'a schema: an object, true or false', test: isSchema },
  SCHEMAS: {
    says: 'a list of one or more schemas',
    test: (value: Json) => Array.isArray(value) && value.length > 0 && value.every(isSchema),
  },
  SCHEMA_MAP: {
    says: 'an object of schemas',
    test: (value: Json) => isObject(value) && Object.values(value).every(isSchema),
  },
  TYPE: {
    says: `one or several of ${TYPES.join(', ')}`,
    test: (value: Json) => isType(value) || (areNames(value) && value.length > 0 && value.every(isType)),
  },
  VALUES: { says: 'a list of one or more values', test: (value: Json) => Array.isArray(value) && value.length > 0 },
  VALUE: { says: 'a value', test: () => true },
  NUMBER: { says: 'a number', test: (value: Json) => typeof value === 'number' },
  STEP: {
    says: `a number from ${SMALLEST_STEP}`,
    test: (value: Json) => typeof value === 'number' && value >= SMALLEST_STEP,
  },
  COUNT: { says: 'a whole number from 0', test: isCount },
  BOOLEAN: { says: 'true or false', test: (value: Json) => typeof value === 'boolean' },
  PATTERN: { says: 'a regular expression', test: (value: Json) => typeof value === 'string' },
  FORMAT: { says: `one of ${FORMATS.join(', ')}`, test: (value: Json) => FORMATS.includes(value as string) },
  NAMES: { says: 'a list of different names', test: areNames },
  NAMES_MAP: {
    says: 'an object of lists of different names',
    test: (value: Json) => isObject(value) && Object.values(value).every(areNames),
  },
  REFERENCE: {
    says: 'a reference into the same schema: #, or # and a JSON pointer',
    test: (value: Json) => typeof value === 'string' && /^#(?:\/|$)/.test(value),
  },
  DIALECT: {
    says: `${DIALECT}, if it is there`,
    test: (value: Json) => typeof value === 'string' && value.replace(/#$/, '') === DIALECT,
  },
} as const
type Shape = keyof typeof SHAPES

const KEYWORDS = new Map<string, Shape>(
  (
    [
      ['SCHEMA', 'items contains additionalProperties propertyNames not if then else'],
      ['SCHEMAS', 'prefixItems allOf anyOf oneOf'],
      ['SCHEMA_MAP', 'properties patternProperties dependentSchemas $defs definitions'],
      ['TYPE', 'type'],
      ['VALUES', 'enum'],
      ['VALUE', 'const title description default examples deprecated readOnly writeOnly $comment'],
      ['VALUE', 'contentEncoding contentMediaType contentSchema'],
      ['NUMBER', 'minimum maximum exclusiveMinimum exclusiveMaximum'],
      ['STEP', 'multipleOf'],
      ['COUNT', 'minLength maxLength minItems maxItems minContains maxContains minProperties maxProperties'],
      ['BOOLEAN', 'uniqueItems'],
      ['PATTERN', 'pattern'],
      ['FORMAT', 'format'],
      ['NAMES', 'required'],
      ['NAMES_MAP', 'dependentRequired'],
      ['REFERENCE', '$ref'],
      ['DIALECT', '$schema'],
    ] as const
  ).flatMap(([shape, keywords]) => keywords.split(' ').map((keyword): [string, Shape] => [keyword, shape])),
)
/** What says nothing of a value. */
const SILENT = new Set([
  ...'title description default examples deprecated readOnly writeOnly $comment $schema $defs definitions'.split(' '),
  ...'contentEncoding contentMediaType contentSchema'.split(' '),
])
/** Below these the same value is looked at again, not a part of it. */
const IN_PLACE = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'])

/** The keywords that say something of a value. */
export function assertions(schema: Keywords): [keyword: string, value: Json][] {
  return Object.entries(schema).filter(([keyword]) => !SILENT.has(keyword) && !keyword.startsWith('x-'))
}

/** How schemas stand below a keyword. */
export function nesting(keyword: string): 'SCHEMA' | 'SCHEMAS' | 'SCHEMA_MAP' | undefined {
  const shape = KEYWORDS.get(keyword)
  return shape === 'SCHEMA' || shape === 'SCHEMAS' || shape === 'SCHEMA_MAP' ? shape : undefined
}

/** A schema right below another one. */
interface Child {
  /** How a JSON pointer goes on to it. */
  path: string
  keyword: string
  schema: Schema
}

/** The schemas right below one. What a keyword holds must have its shape. */
export function childrenOf(schema: Schema): Child[] {
  if (typeof schema === 'boolean') return []
  return Object.entries(schema).flatMap(([keyword, value]): Child[] => {
    const shape = nesting(keyword)
    if (shape === undefined) return []
    if (shape === 'SCHEMA') return [{ path: `/${keyword}`, keyword, schema: value as Schema }]
    return Object.entries(value as { [key: string]: Schema }).map(([key, child]) => {
      return { path: `/${keyword}/${escaped(key)}`, keyword, schema: child }
    })
  })
}

/** A step of a JSON pointer (RFC 6901). */
export function escaped(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Every schema of a document by its JSON pointer. */
function schemasOf(schema: Schema, pointer = ''): [pointer: string, schema: Schema][] {
  const below = childrenOf(schema).flatMap((child) => schemasOf(child.schema, `${pointer}${child.path}`))
  return [[pointer, schema], ...below]
}

/** A document whose references can be followed. It must have no `documentProblems`. */
export interface Document {
  root: Schema
  schemas: readonly Schema[]
  target: (reference: string) => Schema
}

export function documentOf(root: Schema): Document {
  const schemas = new Map(schemasOf(root))
  return {
    root,
    schemas: [...schemas.values()],
    target: (reference) => schemas.get(pointerOf(reference)) as Schema,
  }
}

function pointerOf(reference: string): string {
  try {
    return decodeURIComponent(reference.slice(1))
  } catch {
    return reference
  }
}

/** Why a value is no schema that can be checked; empty: it is one. */
export function documentProblems(root: Json): string[] {
  if (isTooDeep(root)) return [`the schema is nested deeper than ${MAX_DEPTH} levels`]
  if (!isSchema(root)) return [`the schema must be ${SHAPES.SCHEMA.says}`]
  const { length } = JSON.stringify(root)
  if (length > MAX_CHARACTERS) return [`the schema has ${length} characters: it may have at most ${MAX_CHARACTERS}`]
  const problems = shapeProblems(root, '')
  if (problems.length > 0) return problems
  const schemas = schemasOf(root)
  const patterns = schemas.flatMap(([pointer, schema]) => patternsOf(schema).map((pattern) => ({ pointer, pattern })))
  if (patterns.length > MAX_PATTERNS) {
    return [`the schema has ${patterns.length} regular expressions: it may have at most ${MAX_PATTERNS}`]
  }
  return [
    ...patterns.flatMap(({ pointer, pattern }) => {
      const found = growth(pattern)
      return 'problem' in found ? [`${at(pointer)}"${pattern}" ${found.problem}`] : []
    }),
    ...referenceProblems(root, schemas),
  ]
}

function at(pointer: string): string {
  return pointer === '' ? '' : `${pointer}: `
}

function shapeProblems(schema: Schema, pointer: string): string[] {
  if (typeof schema === 'boolean') return []
  const problems = Object.entries(schema).flatMap(([keyword, value]) => {
    if (keyword.startsWith('x-')) return []
    const shape = KEYWORDS.get(keyword)
    if (shape === undefined) return [`${at(pointer)}"${keyword}" is no keyword that is checked`]
    return SHAPES[shape].test(value) ? [] : [`${at(pointer)}"${keyword}" must be ${SHAPES[shape].says}`]
  })
  if (problems.length > 0) return problems
  return childrenOf(schema).flatMap((child) => shapeProblems(child.schema, `${pointer}${child.path}`))
}

/** The regular expressions that one schema itself holds. */
export function patternsOf(schema: Schema): string[] {
  if (typeof schema === 'boolean') return []
  const { pattern, patternProperties = {} } = schema
  return [...(typeof pattern === 'string' ? [pattern] : []), ...Object.keys(patternProperties as Keywords)]
}

/** References to nothing, and those that lead back to themselves with the same value in hand. */
function referenceProblems(root: Schema, schemas: readonly (readonly [pointer: string, schema: Schema])[]): string[] {
  const references = schemas.flatMap(([pointer, schema]) =>
    typeof schema === 'object' && typeof schema.$ref === 'string' ? [{ pointer, $ref: schema.$ref }] : [],
  )
  if (references.length > MAX_REFERENCES) {
    return [`the schema has ${references.length} references: it may have at most ${MAX_REFERENCES}`]
  }
  const known = new Map(schemas)
  const lost = references.filter(({ $ref }) => !known.has(pointerOf($ref)))
  if (lost.length > 0) return lost.map(({ pointer, $ref }) => `${at(pointer)}there is no schema at "${$ref}"`)
  const { target } = documentOf(root)
  const clean = new Set<Schema>()
  const circles = (schema: Schema, path: readonly Schema[]): boolean => {
    if (typeof schema === 'boolean' || clean.has(schema)) return false
    if (path.includes(schema)) return true
    const next = childrenOf(schema).flatMap((child) => (IN_PLACE.has(child.keyword) ? [child.schema] : []))
    if (typeof schema.$ref === 'string') next.push(target(schema.$ref))
    const found = next.some((one) => circles(one, [...path, schema]))
    clean.add(schema)
    return found
  }
  return references
    .filter(({ pointer }) => circles(known.get(pointer) as Schema, []))
    .map(({ pointer, $ref }) => `${at(pointer)}"${$ref}" leads back to itself without going deeper into the value`)
}
