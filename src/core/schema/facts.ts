import type { Json } from '../json.ts'
import type { Document, Keywords, Schema } from './document.ts'

type Type = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object'
/** `fraction` stands for the numbers that are no integers, so that types exclude each other. */
const SPLIT: Record<Type, readonly string[]> = {
  null: ['null'],
  boolean: ['boolean'],
  integer: ['integer'],
  number: ['integer', 'fraction'],
  string: ['string'],
  array: ['array'],
  object: ['object'],
}
export const ALL_TYPES = new Set(Object.values(SPLIT).flat())
export const NUMBERS = SPLIT.number
const BOOLEANS: readonly Json[] = [true, false]

/** What is known of a value: all of the facts are so, and of each choice at least one. */
export interface Known {
  facts: readonly Keywords[]
  choices: readonly (readonly Schema[])[]
}

/** Follows references and takes `allOf` apart; undefined: nothing can fit. */
export function expand(
  document: Document,
  schemas: readonly Schema[],
  known: Known = { facts: [], choices: [] },
): Known | undefined {
  const facts = [...known.facts]
  const choices = [...known.choices]
  const all = new Set(schemas)
  for (const schema of all) {
    if (schema === false) return undefined
    if (schema === true) continue
    const { $ref, allOf = [], anyOf, oneOf, ...fact } = schema
    if (typeof $ref === 'string') all.add(document.target($ref))
    for (const one of allOf as Schema[]) all.add(one)
    if (anyOf !== undefined) choices.push(anyOf as Schema[])
    if (oneOf !== undefined) choices.push(oneOf as Schema[])
    facts.push(fact)
  }
  return { facts, choices }
}

/** The types that a value may have. */
export function typesOf(facts: readonly Keywords[]): ReadonlySet<string> {
  return facts.reduce<ReadonlySet<string>>((types, { type }) => {
    if (type === undefined) return types
    const named = (Array.isArray(type) ? type : [type]) as Type[]
    return types.intersection(new Set(named.flatMap((name) => SPLIT[name])))
  }, ALL_TYPES)
}

/** Every value that it may be, if they can be counted. */
export function valuesOf(facts: readonly Keywords[], types: ReadonlySet<string>): readonly Json[] | undefined {
  const constant = facts.find((fact) => fact.const !== undefined)
  if (constant) return [constant.const as Json]
  const listed = facts.find((fact) => fact.enum !== undefined)
  if (listed) return listed.enum as Json[]
  if (![...types].every((type) => type === 'null' || type === 'boolean')) return undefined
  return [...(types.has('null') ? [null] : []), ...(types.has('boolean') ? BOOLEANS : [])]
}

/** Whether a property is there for certain. */
export function isRequired(facts: readonly Keywords[], key: string): boolean {
  return facts.some(({ required = [] }) => (required as string[]).includes(key))
}

/** Every property that is spoken of by its name. */
export function namesOf(facts: readonly Keywords[]): string[] {
  return [...new Set(facts.flatMap(({ properties = {} }) => Object.keys(properties as Keywords)))]
}

/** What holds for one property, if it is there. */
export function propertyOf(facts: readonly Keywords[], key: string): Schema[] {
  return facts.flatMap(({ properties = {}, patternProperties = {}, additionalProperties }) => {
    const named = Object.entries(properties as { [key: string]: Schema }).filter(([name]) => name === key)
    const matching = Object.entries(patternProperties as { [pattern: string]: Schema }).filter(([pattern]) =>
      new RegExp(pattern, 'u').test(key),
    )
    const said = [...named, ...matching].map(([, schema]) => schema)
    return said.length > 0 || additionalProperties === undefined ? said : [additionalProperties as Schema]
  })
}

/**
 * What holds for every property that nothing speaks of by its name.
 *
 * @param like a regular expression that its name fits
 */
export function othersOf(facts: readonly Keywords[], like?: string): Schema[] {
  return facts.flatMap(({ patternProperties = {}, additionalProperties = true }): Schema[] => {
    const patterns = patternProperties as { [pattern: string]: Schema }
    if (like !== undefined && Object.hasOwn(patterns, like)) return [patterns[like] as Schema]
    const schemas = Object.values(patterns)
    if (schemas.length === 0) return [additionalProperties as Schema]
    return [{ anyOf: [...schemas, additionalProperties] }]
  })
}

/** What holds for one item, if it is there. */
export function itemOf(facts: readonly Keywords[], index: number): Schema[] {
  return facts.flatMap(({ prefixItems = [], items = true, maxItems }): Schema[] => {
    if (typeof maxItems === 'number' && maxItems <= index) return [false]
    return [(prefixItems as Schema[])[index] ?? (items as Schema)]
  })
}
