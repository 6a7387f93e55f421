import '../core/seed.ts'
import fc from 'fast-check'
import {
  buildSchema,
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  getNamedType,
  type GraphQLNamedOutputType,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  parse,
  responsePathAsArray,
  validate,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { createExecutor } from '../../src/graphql/executor/execute.ts'

const schema = buildSchema(`
  type Query { thing: Thing, sure: Thing!, node: Node, nodes: [Node!], either: [Either], matrix: [[Int!]]! }
  type Mutation { first: Thing, second: Thing!, third: Thing }
  interface Node { id: ID!, name: String }
  union Either = Thing | Other
  enum Colour { RED GREEN }
  type Thing implements Node {
    id: ID!, name: String, sure: String!, colour: Colour!, echo(text: String = "none", list: [Int!]): String
    thing: Thing, must: Thing!, things: [Thing], all: [Thing!]!, node: Node!, either: Either, numbers: [Int], matrix: [[Int!]]!
  }
  type Other implements Node { id: ID!, name: String, thing: Thing, note: String! }
`)

/** What a field answers is decided by where it stands, so that two executors meet the same. */
const chanceAt = (seed: number, place: string): number => {
  let hash = seed
  for (const char of place) hash = Math.imul(hash ^ char.charCodeAt(0), 0x5bd1e995) >>> 0
  return (hash >>> 8) % 100
}

function valueOf(type: GraphQLNamedOutputType, place: string, seed: number): unknown {
  if (isCompositeType(type)) {
    const isThing = isObjectType(type) ? type.name === 'Thing' : chanceAt(seed, `${place}?`) < 60
    const plain = PLAIN.map((name) => [name, plainOf(name, `${place}.${name}`, seed)])
    return { ...Object.fromEntries(plain), __typename: isThing ? 'Thing' : 'Other' }
  }
  if (type.name === 'Int') return chanceAt(seed, place)
  return type.name === 'Colour' ? (chanceAt(seed, place) < 95 ? 'RED' : 'BLUE') : `at ${place}`
}

/** Fields that may have no resolver. */
const PLAIN = ['id', 'name', 'sure', 'colour', 'note']

/** What an object has under its name: a value, nothing, what is none of its type, an error, a promise, or a function. */
function plainOf(name: string, place: string, seed: number): unknown {
  const value = name === 'colour' ? 'GREEN' : `plain ${place}`
  const others = [null, undefined, 7, {}, new Error(`found at ${place}`), Promise.resolve(value), () => value, true]
  const chance = chanceAt(seed, place)
  return chance % 2 === 0 ? others[(chance >> 1) % others.length] : value
}

/** A value of any type for a field: of its kind mostly, or null, or an error, now or later. */
function resolverOf(seed: number) {
  return (_source: unknown, args: object, _context: unknown, info: GraphQLResolveInfo): unknown => {
    const place = responsePathAsArray(info.path).join('.')
    const chance = chanceAt(seed, place)
    const type = getNamedType(info.returnType)
    const make = (kind: unknown, at: string): unknown => {
      const own = chanceAt(seed, at)
      const bare = String(kind).replace(/!$/, '')
      if (own < 6) return null
      if (own < 9) return new GraphQLError(`told at ${at}`)
      if (!bare.startsWith('[')) {
        const value = valueOf(type, at, seed)
        return own % 10 === 3 ? Promise.resolve(value) : value
      }
      if (own < 11) return 'no list'
      return Array.from({ length: own % 4 }, (_, index) => make(bare.slice(1, -1), `${at}.${index}`))
    }
    if (chance < 3) throw new Error(`thrown at ${place}`)
    if (chance < 6) return Promise.reject(new Error(`rejected at ${place}`))
    if (info.fieldName === 'echo') return JSON.stringify(args)
    const value = make(info.returnType, place)
    return chance % 3 === 0 ? Promise.resolve(value) : value
  }
}

const ADDED = [
  '',
  ' @include(if: $on)',
  ' @skip(if: $on)',
  ' @skip(if: $off)',
  ' @include(if: true)',
  ' @skip(if: true)',
]

/** Some fields of a type, with what stands below them. */
function selection(type: GraphQLNamedOutputType, depth: number): fc.Arbitrary<string> {
  const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []
  const one = fields.map((field) => {
    const named = getNamedType(field.type)
    const below = !isCompositeType(named)
      ? fc.constant('')
      : depth > 0
        ? selection(named, depth - 1).map((set) => ` { ${set} }`)
        : fc.constant(' { __typename }')
    const args =
      field.name === 'echo' ? fc.constantFrom('', '(text: $text)', '(text: "x", list: [1, $n])') : fc.constant('')
    // The same alias for the same field only: validation refuses what cannot be merged.
    const alias = fc.constantFrom('', `${field.name}Too: `)
    return fc
      .tuple(alias, args, fc.constantFrom(...ADDED), below)
      .map(
        ([alias, args, added, below]) =>
          (args ? `${field.name}${args.length}: ` : alias) + field.name + args + added + below,
      )
  })
  const fragments = ['Thing', 'Other', 'Node'].map((name) =>
    depth > 0
      ? selection(schema.getType(name) as GraphQLObjectType, depth - 1).map((set) => `... on ${name} { ${set} }`)
      : fc.constant('__typename'),
  )
  const spread = fc.constantFrom('...Named', '__typename')
  const some = fc.oneof(...one.map((arbitrary) => ({ arbitrary, weight: 2 })), ...fragments, spread)
  return fc.array(some, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(' '))
}

const OPERATIONS = {
  query: selection(schema.getQueryType() as GraphQLObjectType, 4),
  mutation: fc
    .subarray(['first', 'second', 'third'], { minLength: 1 })
    .chain((names) =>
      fc.tuple(
        ...names.map((name) => selection(schema.getType('Thing') as never, 2).map((set) => `${name} { ${set} }`)),
      ),
    )
    .map((parts) => parts.join(' ')),
}
const documents = fc
  .constantFrom('query' as const, 'mutation' as const)
  .chain((kind) =>
    OPERATIONS[kind].map(
      (set) => `${kind} ($on: Boolean!, $off: Boolean = false, $text: String, $n: Int = 7) { ${set} }`,
    ),
  )
  .map((text) => `${text} fragment Named on Thing { sure colour again: sure must { id } }`)
  // It leaves some unused, and asks for different things under one name here and there.
  .map((text) => parse(text))
  .filter((document) => {
    const problems = validate(schema, document)
    return problems.every(({ message }) => /is never used/.test(message))
  })

const never = (): never => {
  throw new Error('is left to somebody else')
}
const told = ({ errors = [] }: ExecutionResult): string[] =>
  errors.map(({ message, path, nodes }) => `${path?.join('.')} ${nodes?.length} ${message}`)

const answered = async (args: ExecutionArgs, own = createExecutor(schema, never)) => {
  const mine = (await own(args)) as ExecutionResult
  const theirs = (await execute(args)) as ExecutionResult
  return { mine, theirs }
}

describe('the executor', () => {
  it('answers as graphql-js does, whatever is asked for and whatever fails', async () => {
    let failed = 0
    await fc.assert(
      fc.asyncProperty(documents, fc.nat(), fc.boolean(), fc.boolean(), async (document, seed, on, plain) => {
        const resolve = resolverOf(seed)
        const own = createExecutor(schema, never)
        const args = { schema, document, variableValues: { on, text: 'said' }, rootValue: {} }
        for (const type of Object.values(schema.getTypeMap())) {
          if (!isObjectType(type) || type.name.startsWith('__')) continue
          for (const field of Object.values(type.getFields())) {
            field.resolve = plain && PLAIN.includes(field.name) ? undefined : (resolve as never)
          }
        }
        // The second time it knows the document.
        for (let time = 0; time < 2; time++) {
          const { mine, theirs } = await answered(args, own)
          expect(mine.data).toEqual(theirs.data)
          // Of what is null for several reasons one is told, and none of what was thrown away with it.
          expect(told(theirs)).toEqual(expect.arrayContaining(told(mine)))
          expect(told(mine).length > 0).toBe(told(theirs).length > 0)
          const places = (mine.errors ?? []).map(({ path }) => path?.join('.'))
          expect(new Set(places).size).toBe(places.length)
          if (mine.errors) failed++
        }
      }),
      { numRuns: 120 },
    )
    expect(failed).toBeGreaterThan(10)
  })

  it('keeps the order in which fields are asked for, though they come in another one', async () => {
    const document = parse('{ thing { name } node { name } sure { name } }')
    const late = (ms: number) =>
      new Promise((resolve) => setImmediate(resolve, { __typename: 'Thing', name: String(ms) }))
    const fields = (schema.getQueryType() as GraphQLObjectType).getFields()
    for (const name of ['thing', 'sure', 'node'])
      (fields[name] as { resolve: unknown }).resolve = name === 'node' ? () => late(1) : () => ({ name: '0' })
    const thing = (schema.getType('Thing') as GraphQLObjectType).getFields()
    ;(thing['name'] as { resolve: unknown }).resolve = ({ name }: { name: string }) => name
    const { mine } = await answered({ schema, document })
    expect(Object.keys(mine.data as object)).toEqual(['thing', 'node', 'sure'])
  })

  it('does mutations one after the other, and none after one that leaves no answer', async () => {
    const done: string[] = []
    const fields = (schema.getMutationType() as GraphQLObjectType).getFields()
    for (const name of ['first', 'second', 'third']) {
      ;(fields[name] as { resolve: unknown }).resolve = async () => {
        done.push(`${name} begins`)
        await new Promise((resolve) => setImmediate(resolve))
        done.push(`${name} ends`)
        if (name === 'second') throw new Error('no')
        return {}
      }
    }
    const document = parse('mutation { first { __typename } second { __typename } third { __typename } }')
    const mine = (await createExecutor(schema, never)({ schema, document })) as ExecutionResult
    expect(done).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
    expect(mine.data).toBeNull()
    expect(told(mine)).toEqual(['second 1 no'])
  })

  it.each([
    ['an operation that is not there', '{ thing { id } }', { operationName: 'other' }],
    ['several operations and no name', 'query A { thing { id } } query B { thing { id } }', {}],
    [
      'variables that do not fit',
      'query ($on: Boolean!) { thing @skip(if: $on) { id } }',
      { variableValues: { on: 3 } },
    ],
    ['a name that objects have', '{ __proto__: thing { id } }', {}],
  ])('leaves %s to somebody else', (_what, text, more) => {
    const execute = createExecutor(schema, () => 'left')
    expect(execute({ schema, document: parse(text), ...more })).toBe('left')
  })

  it('tells a resolver of its field what graphql-js tells it', async () => {
    const document = parse('query Named { thing { ...F } } fragment F on Thing { renamed: name }')
    const heard: Record<string, unknown>[] = []
    const fields = (schema.getQueryType() as GraphQLObjectType).getFields()
    ;(fields['thing'] as { resolve: unknown }).resolve = () => ({})
    const thing = (schema.getType('Thing') as GraphQLObjectType).getFields()
    ;(thing['name'] as { resolve: unknown }).resolve = (
      _s: unknown,
      args: object,
      context: unknown,
      info: GraphQLResolveInfo,
    ) => {
      const { fieldName, fieldNodes, returnType, parentType, fragments, rootValue, operation, variableValues, path } =
        info
      heard.push({
        args: { ...args },
        context,
        fieldName,
        fieldNodes: [...fieldNodes],
        returnType,
        parentType,
        rootValue,
        operation,
      })
      heard.push({
        path: responsePathAsArray(path),
        same: info.path === path,
        fragments: Object.keys(fragments),
        coerced: { ...variableValues.coerced },
      })
      return 'x'
    }
    await answered({ schema, document, rootValue: { root: 1 }, contextValue: { context: 1 } })
    expect(heard.slice(0, 2)).toEqual(heard.slice(2))
    expect(heard).toHaveLength(4)
  })
})
