import { canonical } from '../hash.ts'
import type { Json } from '../json.ts'
import { type Checker, checkerOf } from './checker.ts'
import { assertions, type Document, escaped, type Keywords, type Schema } from './document.ts'
import {
  ALL_TYPES,
  expand,
  isRequired,
  itemOf,
  type Known,
  namesOf,
  NUMBERS,
  othersOf,
  propertyOf,
  typesOf,
  valuesOf,
} from './facts.ts'

/** Pairs of schemas that are compared before it is given up. */
const MAX_STEPS = 2_000

/** One comparison as its parts see it. */
interface Comparison {
  output: Document
  input: Document
  check: Checker
  steps: number
  /** Pairs that are being compared further up: what recurs is so if all else is. */
  open: Set<string>
  ids: Map<Schema, number>
}

/** Why a value that fits the root of one document may not fit that of another. */
export function subsetOf(output: Document, input: Document): string[] {
  const comparison = { output, input, check: checkerOf(input), steps: 0, open: new Set<string>(), ids: new Map() }
  return compare(comparison, [output.root], input.root, '')
}

/** What is compared word by word. */
const EQUAL_ONLY = new Set('pattern format propertyNames dependentRequired dependentSchemas contains if'.split(' '))
/** What has a meaning only beside another keyword. */
const BESIDE: Record<string, readonly string[]> = { contains: ['minContains', 'maxContains'], if: ['then', 'else'] }

/** Of which types a keyword says something. */
const ABOUT: Record<string, readonly string[]> = Object.fromEntries(
  (
    [
      [NUMBERS, 'minimum maximum exclusiveMinimum exclusiveMaximum multipleOf'],
      [['string'], 'minLength maxLength pattern format'],
      [['array'], 'minItems maxItems uniqueItems items prefixItems contains minContains maxContains'],
      [
        ['object'],
        'required properties patternProperties additionalProperties propertyNames minProperties maxProperties dependentRequired dependentSchemas',
      ],
    ] as const
  ).flatMap(([types, keywords]) => keywords.split(' ').map((keyword) => [keyword, types])),
)

/** All schemas in `given` hold for the value. */
function compare(c: Comparison, given: readonly Schema[], wanted: Schema, at: string): string[] {
  if (wanted === true) return []
  const id = [...given, wanted].map((schema) => identify(c, schema)).join(' ')
  if (c.open.has(id)) return []
  const known = expand(c.output, given)
  if (known === undefined) return []
  c.open.add(id)
  const found = compareKnown(c, known, wanted, at)
  c.open.delete(id)
  return found
}

function identify({ ids }: Comparison, schema: Schema): number {
  const id = ids.get(schema) ?? ids.size
  ids.set(schema, id)
  return id
}

function tell(at: string, what: string): string {
  return at === '' ? what : `${at}: ${what}`
}

/** First by what is so in any case, then choice by choice, then type by type. */
function compareKnown(c: Comparison, known: Known, wanted: Schema, at: string): string[] {
  if (++c.steps > MAX_STEPS) return [tell(at, 'cannot tell whether it fits: the schemas are too complicated')]
  const types = typesOf(known.facts)
  if (types.size === 0) return []
  const values = valuesOf(known.facts, types)
  if (values) {
    const wrong = values.filter((value) => c.check(value, wanted).length > 0)
    return wrong.map((value) => tell(at, `may be ${short(value)}, which does not fit`))
  }
  const found = wanted === false ? [tell(at, NOTHING)] : compareKeywords(c, known, wanted as Keywords, types, at)
  if (found.length === 0) return []
  const [choice, ...choices] = known.choices
  if (choice) {
    for (const branch of choice) {
      const narrowed = expand(c.output, [branch], { facts: known.facts, choices })
      const left = narrowed ? compareKnown(c, narrowed, wanted, at) : []
      if (left.length > 0) return left
    }
    return []
  }
  const split = [...types].filter((type) => type !== 'fraction')
  if (split.length < 2 || wanted === false) return found
  for (const type of split) {
    const narrow = { type: type === 'integer' && types.has('fraction') ? 'number' : type }
    const left = compareKnown(c, { ...known, facts: [...known.facts, narrow] }, wanted, at)
    // Where nothing is said of the type, what is wrong with the first one says less than what is wrong with all.
    if (left.length > 0) return types.size < ALL_TYPES.size ? left : found
  }
  return []
}

const NOTHING = 'may hold something where nothing is wanted: say what it holds, and "additionalProperties": false'

function short(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)} …` : text
}

function compareKeywords(
  c: Comparison,
  known: Known,
  wanted: Keywords,
  types: ReadonlySet<string>,
  at: string,
): string[] {
  return assertions(wanted).flatMap(([keyword, value]) => {
    const about = ABOUT[keyword]
    if (about?.every((type) => !types.has(type))) return []
    return compareKeyword(c, known, { wanted, keyword, value, types, at })
  })
}

interface Question {
  wanted: Keywords
  keyword: string
  value: Json
  types: ReadonlySet<string>
  at: string
}

function compareKeyword(c: Comparison, known: Known, question: Question): string[] {
  const { wanted, keyword, value, types, at } = question
  const { facts } = known
  const within = (schema: Schema): string[] => (schema === true ? [] : compareKnown(c, known, schema, at))
  const unless = (holds: boolean, what: string): string[] => (holds ? [] : [tell(at, what)])
  switch (keyword) {
    case '$ref':
      return within(c.input.target(value as string))
    case 'allOf':
      return (value as Schema[]).flatMap(within)
    case 'anyOf':
      return unless(
        (value as Schema[]).some((schema) => within(schema).length === 0),
        'cannot tell whether it fits any of the alternatives of "anyOf"',
      )
    case 'oneOf': {
      const schemas = value as Schema[]
      const one = schemas.some(
        (schema, at) =>
          within(schema).length === 0 && schemas.every((other, place) => place === at || isApart(c, known, other)),
      )
      return unless(one, 'cannot tell whether it fits exactly one of the alternatives of "oneOf"')
    }
    case 'not':
      return unless(
        isApart(c, known, value as Schema) || isSaid(facts, wanted, 'not'),
        'cannot tell whether "not" holds: say the same keyword in both',
      )
    case 'type': {
      const allowed = typesOf([{ type: value }])
      const other = [...types].filter((type) => !allowed.has(type))
      const names = other.includes('fraction') ? other.filter((type) => type !== 'integer') : other
      const said = names.map((type) => (type === 'fraction' ? 'number' : type)).join(', ')
      return unless(other.length === 0, `may be ${said}, but ${[value].flat().join(' or ')} is wanted`)
    }
    case 'const':
    case 'enum':
      return unless(false, `may be anything else than what "${keyword}" wants: say the same keyword in both`)
    case 'required':
      return (value as string[]).flatMap((key) =>
        unless(isRequired(facts, key), `"${key}" is wanted but may be missing: put it into "required"`),
      )
    case 'properties':
      return Object.entries(value as Keywords).flatMap(([key, schema]) =>
        compare(c, propertyOf(facts, key), schema as Schema, `${at}/${escaped(key)}`),
      )
    case 'patternProperties':
      return Object.entries(value as Keywords).flatMap(([pattern, schema]) => [
        ...namesOf(facts)
          .filter((key) => new RegExp(pattern, 'u').test(key))
          .flatMap((key) => compare(c, propertyOf(facts, key), schema as Schema, `${at}/${escaped(key)}`)),
        ...compare(c, othersOf(facts, pattern), schema as Schema, `${at}/*`),
      ])
    case 'additionalProperties': {
      const { properties = {}, patternProperties = {} } = wanted
      const patterns = Object.keys(patternProperties as Keywords)
      return [
        ...namesOf(facts)
          .filter((key) => !Object.hasOwn(properties as Keywords, key))
          .filter((key) => !patterns.some((pattern) => new RegExp(pattern, 'u').test(key)))
          .flatMap((key) => compare(c, propertyOf(facts, key), value as Schema, `${at}/${escaped(key)}`)),
        ...compare(c, othersOf(facts), value as Schema, `${at}/*`),
      ]
    }
    case 'prefixItems':
      return (value as Schema[]).flatMap((schema, index) => compare(c, itemOf(facts, index), schema, `${at}/${index}`))
    case 'items': {
      const from = ((wanted.prefixItems as Schema[] | undefined) ?? []).length
      const upTo = Math.max(from, ...facts.map(({ prefixItems = [] }) => (prefixItems as Schema[]).length))
      const single = Array.from({ length: upTo - from }, (_, index) => from + index)
      return [
        ...single.flatMap((index) => compare(c, itemOf(facts, index), value as Schema, `${at}/${index}`)),
        ...compare(c, itemOf(facts, upTo), value as Schema, `${at}/*`),
      ]
    }
    case 'uniqueItems':
      return unless(
        value === false || facts.some(({ uniqueItems, maxItems }) => uniqueItems === true || atMost(maxItems, 1)),
        'its items may be equal: put "uniqueItems" into both',
      )
    case 'multipleOf':
      return unless(
        (value === 1 && !types.has('fraction')) ||
          facts.some(({ multipleOf }) => isMultiple(multipleOf, value as number)),
        `may be no multiple of ${value}`,
      )
    case 'minProperties':
      return unless(
        facts.some(
          ({ minProperties, required }) =>
            atLeast(minProperties, value) || atLeast([required ?? []].flat().length, value),
        ),
        `may have less than "${keyword}": ${value}`,
      )
    case 'minimum':
      return unless(
        facts.some(({ minimum, exclusiveMinimum }) => atLeast(minimum, value) || atLeast(exclusiveMinimum, value)),
        `may be less than ${value}`,
      )
    case 'exclusiveMinimum':
      return unless(
        facts.some(({ minimum, exclusiveMinimum }) => above(minimum, value) || atLeast(exclusiveMinimum, value)),
        `may be ${value} or less`,
      )
    case 'maximum':
      return unless(
        facts.some(({ maximum, exclusiveMaximum }) => atMost(maximum, value) || atMost(exclusiveMaximum, value)),
        `may be more than ${value}`,
      )
    case 'exclusiveMaximum':
      return unless(
        facts.some(({ maximum, exclusiveMaximum }) => below(maximum, value) || atMost(exclusiveMaximum, value)),
        `may be ${value} or more`,
      )
    case 'minLength':
    case 'minItems':
      return unless(
        value === 0 || facts.some((fact) => atLeast(fact[keyword], value)),
        `may have less than "${keyword}": ${value}`,
      )
    case 'maxLength':
    case 'maxItems':
    case 'maxProperties':
      return unless(
        facts.some((fact) => atMost(fact[keyword], value)),
        `may have more than "${keyword}": ${value}`,
      )
  }
  if (!EQUAL_ONLY.has(keyword)) return []
  return unless(isSaid(facts, wanted, keyword), `cannot tell whether "${keyword}" holds: say the same keyword in both`)
}

/** Whether some fact says of a keyword, and of those that change its meaning, what is wanted, in the same words. */
function isSaid(facts: readonly Keywords[], wanted: Keywords, keyword: string): boolean {
  const keywords = [keyword, ...(BESIDE[keyword] ?? [])]
  // The same reference may lead to something else in another document.
  if (keywords.some((one) => canonical(wanted[one]).includes('"$ref"'))) return false
  return facts.some((fact) => keywords.every((one) => canonical(fact[one]) === canonical(wanted[one])))
}

/** Whether nothing of what is known can fit a schema: its types are others, or a property tells them apart. */
function isApart(c: Comparison, { facts }: Known, schema: Schema): boolean {
  const other = expand(c.input, [schema])
  const types = typesOf(facts)
  if (other === undefined || types.intersection(typesOf(other.facts)).size === 0) return true
  if ([...types].some((type) => type !== 'object')) return false
  return other.facts.some(({ properties = {} }) =>
    Object.entries(properties as { [key: string]: Schema })
      .filter(([key]) => isRequired(facts, key))
      .some(([key, wanted]) => {
        const property = expand(c.output, propertyOf(facts, key))
        const values = property && valuesOf(property.facts, typesOf(property.facts))
        return values?.every((value) => typeof value !== 'object' && c.check(value, wanted).length > 0)
      }),
  )
}

const isNumber = (value: unknown): value is number => typeof value === 'number'
const atLeast = (a: unknown, b: Json): boolean => isNumber(a) && a >= (b as number)
const atMost = (a: unknown, b: Json): boolean => isNumber(a) && a <= (b as number)
const above = (a: unknown, b: Json): boolean => isNumber(a) && a > (b as number)
const below = (a: unknown, b: Json): boolean => isNumber(a) && a < (b as number)

function isMultiple(a: unknown, b: number): boolean {
  return a === b || (Number.isInteger(a) && Number.isInteger(b) && (a as number) % b === 0)
}
