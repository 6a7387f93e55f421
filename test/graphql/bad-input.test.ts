import fc from 'fast-check'
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql'
import { v4 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { type Answer, type Door, openDoor } from './door.ts'

let door: Door
let known: string[]
beforeAll(async () => {
  const opened = await openDoor()
  // Among all that is tried is createToken, after which nobody comes in without one.
  door = opened.as(await opened.token(['ADMIN']))
  const id = await door.house.start([{ key: 'a' }])
  await door.house.end(id)
  const { prisma } = door.house.database
  const [execution, artifact] = [await prisma.execution.findFirstOrThrow(), await prisma.artifact.findFirstOrThrow()]
  known = [
    `Session:${id}`,
    id,
    `Project:${door.house.projectId}`,
    `Execution:${execution.id}`,
    `Artifact:${artifact.id}`,
    `Task:${execution.id}`,
  ]
})
afterAll(() => door.close())

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const cursor = fc.oneof(
  fc.constantFrom('', '0', '-1', '999999999', '1e9', '\0', 'GPC:S:x', base64('GPC:S:x'), base64(`GPC:S:${v4()}`)),
  fc.constantFrom(base64('GPC:N:1'), base64('GPC:J:{"a":1}'), base64('GPC:T:[1,2]'), base64('GPC:D:99999999999999999')),
  fc.constantFrom(base64("GPC:S:' OR 1=1 --"), base64('GPC:S:\0'), base64('GPC:J:')),
)
const nasty = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    '\udfff x',
    'x'.repeat(1_000),
    '\'; DROP TABLE "Session"; --',
    '%',
    '\\',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
)
const whole = fc.oneof(fc.constantFrom(0, -1, 1, 100, 101, 2_147_483_647, -2_147_483_648), fc.integer())
const json = fc.oneof(
  fc.jsonValue() as fc.Arbitrary<unknown>,
  fc.constantFrom(1e308, [['\0']], { '\ud800': 1 }, { __proto__: null }, nested(200)),
)

function nested(levels: number): unknown {
  return levels === 0 ? [] : [nested(levels - 1)]
}

/** Levels of inputs in each other, beside a list of leaves that the type may miss. */
const MAX_DEPTH = 6

/** Values of a type that a client might send, bad ones above all. */
function valueOf(type: GraphQLInputType, name: string, depth: number): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return valueOf(type.ofType, name, depth)
  if (isListType(type)) return fc.array(valueOf(type.ofType, name, depth), { maxLength: 3 })
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map((value) => value.name))
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields())
    if (type.isOneOf) return fc.oneof(...fields.map((field) => objectOf([field], depth + 1, true)))
    return objectOf(fields, depth + 1)
  }
  if (name === 'after' || name === 'before') return type.name === 'Int' ? whole : cursor
  const byType: Record<string, fc.Arbitrary<unknown>> = {
    Int: whole,
    Float: fc.double(),
    Boolean: fc.boolean(),
    ID: fc.oneof(
      fc.nat(5).map((index) => known[index] ?? ''),
      nasty,
      fc.uuid(),
    ),
    Duration: fc.oneof(whole, fc.constantFrom(9_007_199_254_740_991, 1.5)),
    DateTime: fc.constantFrom(
      '2020-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
      '0001-01-01T00:00:00Z',
      'yesterday',
      '',
    ),
    JSON: json,
  }
  return byType[type.name] ?? nasty
}

function objectOf(
  all: readonly (GraphQLArgument | GraphQLInputField)[],
  depth: number,
  always = false,
): fc.Arbitrary<object> {
  // Inputs hold each other.
  const fields = depth > MAX_DEPTH ? all.filter(({ type }) => isLeafType(getNamedType(type))) : all
  const members = fields.map((field) => {
    const value = valueOf(field.type, field.name, depth)
    const required = always || (isNonNullType(field.type) && field.defaultValue === undefined)
    return [field.name, required ? value : fc.option(value, { nil: undefined, freq: depth > 2 ? 1 : 3 })] as const
  })
  return fc.record(Object.fromEntries(members))
}

/** Every field to a depth, without arguments. */
function selection(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type)
  if (isUnionType(named)) {
    const members = named.getTypes().map((member) => `... on ${member.name} ${selection(member, depth)}`)
    return `{ __typename ${members.join(' ')} }`
  }
  if (!isObjectType(named) && !isInterfaceType(named)) return ''
  const fields = Object.values(named.getFields()).flatMap((field) => {
    const below = isLeafType(getNamedType(field.type)) ? '' : depth > 0 ? selection(field.type, depth - 1) : undefined
    return below === undefined ? [] : [`${field.name} ${below}`]
  })
  return `{ __typename ${fields.join(' ')} }`
}

interface Call {
  query: string
  variables: Record<string, unknown>
}

function callOf(operation: string, field: GraphQLField<unknown, unknown>): fc.Arbitrary<Call> {
  const declared = field.args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ')
  const handed = field.args.map(({ name }) => `${name}: $${name}`).join(', ')
  const head = declared === '' ? '' : `(${declared})`
  const query = `${operation} ${head} { ${field.name}${handed && `(${handed})`} ${selection(field.type, 1)} }`
  return objectOf(field.args, 0).map((variables) => ({ query, variables: { ...variables } }))
}

const fields = (type: { getFields(): Record<string, GraphQLField<unknown, unknown>> } | null | undefined) =>
  Object.values(type?.getFields() ?? {})
const runs = { numRuns: 25, seed: Number(process.env['SEED'] ?? Date.now() % 2 ** 31) }

/** A client's fault is told as such: no 500, nothing masked, nothing in the log. */
async function expectNoFault(call: Call, response: Response): Promise<void> {
  const { errors = [] } = (await response.json()) as Answer
  const faults = errors.filter(({ extensions }) => extensions?.code === 'INTERNAL_SERVER_ERROR')
  if (faults.length > 0) throw new Error(`${JSON.stringify(call)}\n${JSON.stringify(door.logged.at(-1), undefined, 1)}`)
  expect(response.status).toBeLessThan(500)
}

describe(`whatever a client sends is answered, never a fault of the server (SEED=${runs.seed})`, () => {
  it.each(fields(schema.getQueryType()).map((field) => [field.name, field] as const))(
    'query %s',
    async (_name, field) => {
      await fc.assert(
        fc.asyncProperty(callOf('query', field), async (call) => {
          await expectNoFault(call, await door.post(call))
        }),
        runs,
      )
    },
  )

  it.each(fields(schema.getMutationType()).map((field) => [field.name, field] as const))(
    'mutation %s',
    async (_name, field) => {
      await fc.assert(
        fc.asyncProperty(callOf('mutation', field), async (call) => {
          await expectNoFault(call, await door.post(call))
        }),
        runs,
      )
    },
  )

  it('a text that no row can hold is refused in a literal and in a variable of any request', async () => {
    const code = { extensions: { code: 'BAD_USER_INPUT' } }
    for (const [query, variables] of [
      ['{ project(name: "a\\u0000b") { id } }', {}],
      ['{ projects(filter: { search: "\\u0000" }) { totalCount } }', {}],
      ['query ($name: String) { project(name: $name) { id } }', { name: '\0' }],
      ['query ($f: ProjectFilter) { projects(filter: $f) { totalCount } }', { f: { search: '\udfff' } }],
      [
        'mutation { archiveTask(input: { id: "x" }) { ... on ArchiveTaskSuccess { task { sessions(after: "\\u0000") { totalCount } } } } }',
        {},
      ],
    ] as const) {
      expect(await door.answer(query, variables)).toMatchObject({ errors: [code] })
    }
  })

  it('a name that no row can hold is refused where it stands for an id', async () => {
    for (const agent of ['a\0b', '\udfff']) {
      const { claimWork } = await door.data(
        'mutation ($input: ClaimWorkInput!) { claimWork(input: $input) { __typename ... on InvalidInputError { fields { path } } } }',
        { input: { agent, worker: 'x' } },
      )
      expect(claimWork).toEqual({ __typename: 'InvalidInputError', fields: [{ path: ['agent'] }] })
    }
  })

  it('a cursor that this server did not give is refused', async () => {
    for (const after of ['x', base64('GPC:S:x'), base64('GPC:N:1'), base64('GPC:T:[1]'), '-1']) {
      const { errors } = await door.answer('query ($after: String) { sessions(after: $after) { nodes { id } } }', {
        after,
      })
      expect(errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT')
      const id = known[0]
      const events = await door.answer(
        'query ($id: ID!, $after: String) { session(id: $id) { events(after: $after) { totalCount } } }',
        { id, after },
      )
      expect(events.errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT')
    }
  })

  it('leaves everything as it was', async () => {
    expect(await door.house.database.prisma.session.count()).toBeGreaterThan(0)
    const unexpected = door.logged.filter(({ msg }) => /unexpectedly/.test(String(msg)))
    expect(unexpected).toEqual([])
  })
})
