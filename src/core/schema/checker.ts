import { type OutputUnit, validate } from '@cfworker/json-schema'
import { isTooDeep, type Json, MAX_DEPTH } from '../json.ts'
import { assertions, type Document, nesting, patternsOf, type Schema } from './document.ts'
import { growth } from './expression.ts'

/** Times that a schema may be laid on a part of a value before the check is given up: a second or two. */
const MAX_STEPS = 500_000
/** Values of an enumeration that take as long to compare as a schema to lay on. */
const VALUES_A_STEP = 20
/** Steps of regular expressions whose time grows with the square of a text's length. */
const MAX_MATCHING = 1_000_000_000
/** Items of a list that may be compared each with each other. */
const MAX_UNIQUE = 1_000
/** Sentences in all, and characters of one. */
const MAX_SENTENCES = 10
const MAX_SENTENCE = 300

/** What a value is told of a schema that it does not fit; empty: it fits. */
export type Checker = (value: Json, schema: Schema) => string[]

/** These only say that something below them does not fit, which is told itself. */
const SAID_BELOW = new Set(
  'properties patternProperties additionalProperties items prefixItems $ref allOf dependentSchemas if'.split(' '),
)

/** Where the library's own words are wrong or strange. */
const OWN_WORDS: Record<string, string> = {
  false: 'Nothing may stand here.',
  maxProperties: 'Instance has too many properties.',
}

/** Steps that a check may still take. */
interface Meter {
  left: number
}

/** A schema as the library reads it. */
type Copy = { [keyword: string]: unknown }

/** Checks values against the schemas of a document, the same ones every time. Never throws, never hangs. */
export function checkerOf(document: Document): Checker {
  const meter: Meter = { left: 0 }
  const copies = copiesOf(document, meter)
  const slow = document.schemas.flatMap(patternsOf).filter((pattern) => isSlow(pattern)).length
  const unique = document.schemas.some((schema) => typeof schema === 'object' && schema.uniqueItems === true)
  return (value, schema) => {
    if (isTooDeep(value)) return [`the value is nested deeper than ${MAX_DEPTH} levels`]
    const { matching, longest } = measure(value)
    if (slow * matching > MAX_MATCHING) return ['the value cannot be checked: its texts are too long for "pattern"']
    if (unique && longest > MAX_UNIQUE) {
      return [
        `the value cannot be checked: "uniqueItems" compares at most ${MAX_UNIQUE} items, one list has ${longest}`,
      ]
    }
    const instance = withoutPrototypes(value)
    let reason = ''
    // All that is wrong; if that is more than can be told, the first that is found.
    for (const stopsEarly of [false, true]) {
      meter.left = MAX_STEPS
      try {
        const { valid, errors } = validate(instance, copies.of(schema), '2020-12', copies.lookup, stopsEarly)
        return valid ? [] : sentences(errors)
      } catch (error) {
        reason = (error as Error).message
        if (meter.left < 0) break
      }
    }
    return [`the value cannot be checked: ${reason}`]
  }
}

function isSlow(pattern: string): boolean {
  const found = growth(pattern)
  return !('degree' in found) || found.degree > 1
}

/** The squares of the lengths of all texts, keys too, and the length of the longest list. */
function measure(value: Json): { matching: number; longest: number } {
  if (typeof value === 'string') return { matching: value.length ** 2, longest: 0 }
  if (typeof value !== 'object' || value === null) return { matching: 0, longest: 0 }
  const own = Array.isArray(value)
    ? { matching: 0, longest: value.length }
    : { matching: Object.keys(value).reduce((sum, key) => sum + key.length ** 2, 0), longest: 0 }
  return Object.values(value)
    .map(measure)
    .reduce((a, b) => ({ matching: a.matching + b.matching, longest: Math.max(a.longest, b.longest) }), own)
}

/** Objects know nothing but their own keys then, so that nothing has a `constructor` by birth. */
function withoutPrototypes(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutPrototypes)
  if (typeof value !== 'object' || value === null) return value
  return bareObject(Object.entries(value).map(([key, member]) => [key, withoutPrototypes(member)]))
}

function bareObject<V>(entries: readonly (readonly [key: string, value: V])[]): { [key: string]: V } {
  const object = Object.create(null) as { [key: string]: V }
  for (const [key, value] of entries) object[key] = value
  return object
}

/** A document as the library wants it: copies of its schemas, and what the references in them lead to. */
interface Copies {
  of: (schema: Schema) => Copy | boolean
  lookup: { [reference: string]: Copy | boolean }
}

function copiesOf(document: Document, meter: Meter): Copies {
  const copies = new Map<Schema, Copy>()
  const lookup: Copies['lookup'] = bareObject([])
  const of = (schema: Schema): Copy | boolean => {
    if (typeof schema === 'boolean') return schema
    const known = copies.get(schema)
    if (known) return known
    const copy = metered(meter)
    copies.set(schema, copy)
    const literals: Copy[] = []
    for (const [keyword, value] of assertions(schema)) {
      if (keyword === 'const') literals.push(literal(value, meter))
      else if (keyword === 'enum') literals.push(oneOf(value as Json[], meter))
      else copy[keyword] = copied(keyword, value, of)
    }
    copy.allOf = [...((copy.allOf as Copy[] | undefined) ?? []), ...literals]
    // The library also holds `additionalProperties` against a property that has its own schema and does not fit it.
    if (copy.additionalProperties !== undefined) {
      const { properties, patternProperties } = copy
      const apart = Object.entries({ properties, patternProperties }).filter(([, value]) => value !== undefined)
      copy.allOf = [...(copy.allOf as Copy[]), bareObject(apart)]
      for (const [keyword, value] of apart) {
        copy[keyword] = bareObject(Object.keys(value as Copy).map((key) => [key, true]))
      }
    }
    // Without it the library takes a `maxContains` for a leave to contain nothing.
    if ('contains' in copy && 'maxContains' in copy) copy.minContains ??= 1
    if (typeof schema.$ref === 'string') lookup[schema.$ref] = of(document.target(schema.$ref))
    return copy
  }
  return { of, lookup }
}

/** What a keyword holds, with copies of the schemas in it. */
function copied(keyword: string, value: Json, of: Copies['of']): unknown {
  const shape = nesting(keyword)
  if (shape === undefined) return value
  if (shape === 'SCHEMA') return of(value as Schema)
  if (shape === 'SCHEMAS') return (value as Schema[]).map(of)
  return bareObject(Object.entries(value as { [key: string]: Schema }).map(([key, schema]) => [key, of(schema)]))
}

/**
 * A schema of its own for a value: the library cannot tell `[]` from `{}` within `const` and `enum`.
 */
function literal(value: Json, meter: Meter): Copy {
  if (value === null || typeof value !== 'object') return metered(meter, { const: value })
  if (Array.isArray(value)) {
    const prefixItems = value.map((item) => literal(item, meter))
    return metered(meter, { type: 'array', prefixItems, items: false, minItems: value.length })
  }
  const members = Object.entries(value).map(([key, member]) => [key, literal(member, meter)] as const)
  const properties = bareObject(members)
  return metered(meter, { type: 'object', properties, required: Object.keys(value), additionalProperties: false })
}

function oneOf(values: readonly Json[], meter: Meter): Copy {
  const plain = values.every((value) => value === null || typeof value !== 'object')
  return metered(meter, plain ? { enum: values } : { anyOf: values.map((value) => literal(value, meter)) })
}

/**
 * A schema that counts how often it is laid on something: the library then asks it, once, for a keyword of an older
 * draft. It has no other way to be stopped.
 */
function metered(meter: Meter, keywords: Copy = {}): Copy {
  const weight = Array.isArray(keywords.enum) ? 1 + Math.ceil(keywords.enum.length / VALUES_A_STEP) : 1
  const copy = bareObject(Object.entries(keywords))
  return Object.defineProperty(copy, '$recursiveAnchor', {
    get: () => {
      meter.left -= weight
      if (meter.left < 0) throw new Error(`that takes more than ${MAX_STEPS} steps`)
    },
  })
}

/** Readable, with a JSON pointer to the part that does not fit. */
function sentences(errors: readonly OutputUnit[]): string[] {
  return errors
    .filter(({ keyword }) => !SAID_BELOW.has(keyword))
    .slice(0, MAX_SENTENCES)
    .map(({ keyword, instanceLocation, error }) => {
      const pointer = decodeURI(instanceLocation.slice(1))
      const sentence = `${pointer === '' ? '' : `${pointer}: `}${OWN_WORDS[keyword] ?? error}`
      return sentence.length > MAX_SENTENCE ? `${sentence.slice(0, MAX_SENTENCE)} …` : sentence
    })
}
