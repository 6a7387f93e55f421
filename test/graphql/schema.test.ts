import { readFileSync } from 'node:fs'
import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  printSchema,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'

const own = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
const builtIn = new Set(['ID', 'String', 'Int', 'Float', 'Boolean'])

/** Everything that a client can see, as a path with its description. */
function* described(type: GraphQLNamedType): Generator<[path: string, description: unknown]> {
  yield [type.name, type.description]
  if (isEnumType(type)) for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value.description]
  if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return
  for (const field of Object.values(type.getFields())) {
    yield [`${type.name}.${field.name}`, field.description]
    if (!('args' in field)) continue
    for (const arg of field.args) yield [`${type.name}.${field.name}(${arg.name})`, arg.description]
  }
}

describe('the schema', () => {
  it('is the one that is committed as schema.graphql; npm run schema writes it', () => {
    const committed = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')
    expect(`${printSchema(schema)}\n`).toBe(committed)
  })

  it('describes every type, field, argument and enum value', () => {
    const silent = own
      .filter(({ name }) => !builtIn.has(name))
      .flatMap((type) => [...described(type)])
      .filter(([, description]) => typeof description !== 'string' || description.length < 5)
    expect(silent).toEqual([])
  })

  it('tells the unit of every number that is a time', () => {
    const times = own.flatMap((type) => [...described(type)]).filter(([path]) => path.endsWith('Ms'))
    expect(times.length).toBeGreaterThan(10)
    expect(times.filter(([, description]) => !/millisecond/i.test(String(description)))).toEqual([])
  })

  it('says of every list why it is no connection', () => {
    const lists = own.filter(isObjectType).flatMap((type) =>
      Object.values(type.getFields())
        .filter(({ type }) => isListType(isNonNullType(type) ? type.ofType : type))
        .filter(() => !/(Connection)$/.test(type.name))
        .map((field) => [`${type.name}.${field.name}`, field.description] as const),
    )
    const reason = /list|at most|chain|in the same order|one per/i
    expect(lists.filter(([, description]) => !reason.test(String(description)))).toEqual([])
  })

  it('pages both ways over every connection, with its nodes and how many there are in all', () => {
    const objects = own.filter(isObjectType)
    const connections = objects.filter(({ name }) => name.endsWith('Connection'))
    for (const { name, ...type } of connections.map((type) => ({ name: type.name, fields: type.getFields() }))) {
      expect([name, ...Object.keys(type.fields).toSorted()]).toEqual([name, 'edges', 'nodes', 'pageInfo', 'totalCount'])
    }
    const lists = objects.flatMap((type) => Object.values(type.getFields()))
    for (const { name, args, type } of lists.filter(({ type }) => /Connection!?$/.test(String(type)))) {
      const given = new Set(args.map((arg) => arg.name))
      expect(
        ['first', 'last', 'after', 'before'].filter((arg) => !given.has(arg)),
        `${name}: ${type}`,
      ).toEqual([])
    }
  })

  it('says of everything deprecated what to take instead', () => {
    const members = own.flatMap((type) => [
      ...(isObjectType(type) || isInputObjectType(type) ? Object.values(type.getFields()) : []),
      ...(isEnumType(type) ? type.getValues() : []),
    ])
    const deprecated = members.filter(({ deprecationReason }) => deprecationReason != null)
    expect(deprecated.filter(({ deprecationReason }) => deprecationReason === 'No longer supported')).toEqual([])
  })

  it('answers every mutation with a union of its success and the five errors, of claimed work also that it is stale', () => {
    const ofClaimed = new Set(['heartbeat', 'reportActivity', 'completeWork', 'failWork'])
    for (const { name, type, args } of Object.values(schema.getMutationType()?.getFields() ?? {})) {
      expect(args.map((arg) => arg.name)).toEqual(['input'])
      const union = isNonNullType(type) ? type.ofType : type
      if (!isUnionType(union)) throw new Error(`${name} answers with no union`)
      const success = `${name[0]?.toUpperCase()}${name.slice(1)}Success`
      const members = union.getTypes().map((member) => member.name)
      expect(members.toSorted()).toEqual(
        [
          success,
          'InvalidInputError',
          'NotFoundError',
          'ConflictError',
          'LimitError',
          'ForbiddenError',
          ...(ofClaimed.has(name) ? ['StaleLeaseError'] : []),
        ].toSorted(),
      )
    }
  })

  it('gives every error a code and a message', () => {
    const errors = own.filter(isObjectType).filter(({ name }) => name.endsWith('Error'))
    expect(errors).toHaveLength(6)
    for (const error of errors) expect(error.getInterfaces().map(({ name }) => name)).toContain('Error')
  })
})
