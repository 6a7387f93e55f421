import {
  defaultTypeResolver,
  type ExecutionResult,
  getArgumentValues,
  GraphQLError,
  type GraphQLObjectType,
  isObjectType,
  locatedError,
} from 'graphql'
import { type Asked, Info } from './info.ts'
import { type Container, giveUp, isGone, pathTo, Place } from './place.ts'
import type { PreparedField } from './prepare.ts'
import type { Shape } from './shape.ts'

const NO_ARGUMENTS: Readonly<Record<string, unknown>> = Object.freeze({})

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'

/**
 * One answer in the making. Values are put where they belong as soon as they are there, and it is done when none is awaited
 * any more: objects and lists that wait for their parts need no promises of their own.
 */
export class Run {
  readonly #asked: Asked
  readonly #context: unknown
  readonly #arguments = new Map<PreparedField, Record<string, unknown>>()
  readonly #errors: GraphQLError[] = []
  #data: Container | null = {}
  #awaited = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor(asked: Asked, context: unknown) {
    this.#asked = asked
    this.#context = context
  }

  /** All fields at once, as queries want it. */
  together(fields: readonly PreparedField[]): ExecutionResult | Promise<ExecutionResult> {
    this.#resolve(fields, this.#asked.rootValue, this.#data as Container, undefined)
    return this.#awaited === 0 ? this.#result() : this.#settled().then(() => this.#result())
  }

  /** One field after the other, as mutations want it. Nothing more begins once null stands for the whole answer. */
  async inTurn(fields: readonly PreparedField[]): Promise<ExecutionResult> {
    for (const field of fields) {
      if (this.#data === null) break
      this.#resolve([field], this.#asked.rootValue, this.#data, undefined)
      if (this.#awaited > 0) await this.#settled()
    }
    return this.#result()
  }

  #result(): ExecutionResult {
    const data = this.#data as ExecutionResult['data'] & object
    return this.#errors.length === 0 ? { data } : { errors: this.#errors, data }
  }

  #settled(): Promise<void> {
    this.#idle = Promise.withResolvers()
    return this.#idle.promise
  }

  /** Whoever settles a value never throws: what goes wrong with it stands in its place. */
  #wait(value: PromiseLike<unknown>, settle: (value: unknown) => void, fail: (error: unknown) => void): void {
    this.#awaited++
    const done = (then: (value: unknown) => void) => (settled: unknown) => {
      try {
        then(settled)
      } catch (error) {
        this.#idle?.reject(error)
      }
      if (--this.#awaited === 0) this.#idle?.resolve()
    }
    value.then(done(settle), done(fail))
  }

  #resolve(fields: readonly PreparedField[], source: unknown, container: Container, above: Place | undefined): void {
    for (const field of fields) {
      if (field.isPlain && putPlain(field, source, container)) continue
      const info = new Info(this.#asked, field, above, container)
      let value: unknown
      try {
        value = field.resolve(source, this.#argumentsOf(field), this.#context, info)
      } catch (error) {
        // Its place among the others.
        container[field.name] = null
        this.#fail(error, field, info.path)
        continue
      }
      if (isPromise(value)) {
        container[field.name] = null
        this.#wait(
          value,
          (settled) => this.#put(field, info, field.shape, settled, container, field.name, undefined),
          (error) => this.#fail(error, field, info.path),
        )
      } else {
        this.#put(field, info, field.shape, value, container, field.name, undefined)
      }
    }
  }

  /** The same for all objects of a list. */
  #argumentsOf(field: PreparedField): Readonly<Record<string, unknown>> {
    if (field.definition.args.length === 0) return NO_ARGUMENTS
    let known = this.#arguments.get(field)
    if (!known) {
      known = getArgumentValues(field.definition, field.nodes[0], this.#asked.variableValues)
      this.#arguments.set(field, known)
    }
    return known
  }

  /** CompleteValue of the specification. @param item where it stands in a list; undefined: it is the field itself */
  #put(
    field: PreparedField,
    info: Info,
    shape: Shape,
    value: unknown,
    container: Container,
    key: string | number,
    item: Place | undefined,
  ): void {
    try {
      if (value instanceof Error) throw value
      if (value === null || value === undefined) {
        container[key] = null
        if (shape.nullable) return
        throw new Error(`Cannot return null for non-nullable field ${field.parentType.name}.${field.definition.name}.`)
      }
      if (shape.kind === 'LEAF') {
        container[key] = null
        container[key] = leafOf(shape, value)
      } else if (shape.kind === 'LIST') {
        const place = item ?? info.path
        this.#putList(field, info, shape.item, value, container, key, place)
      } else if (shape.kind === 'OBJECT') {
        this.#putTyped(field, info, shape.type, value, container, key, item ?? info.path)
      } else {
        const place = item ?? info.path
        const { type } = shape
        container[key] = null
        const name = (type.resolveType ?? defaultTypeResolver)(value, this.#context, info, type)
        const put = (found: unknown): void =>
          this.#putTyped(field, info, this.#objectType(shape, found, field), value, container, key, place)
        if (isPromise(name)) this.#waitFor(name, field, place, put)
        else put(name)
      }
    } catch (error) {
      this.#fail(error, field, item ?? info.path)
    }
  }

  #waitFor(value: PromiseLike<unknown>, field: PreparedField, place: Place, put: (value: unknown) => void): void {
    const fail = (error: unknown): void => this.#fail(error, field, place)
    const settle = (settled: unknown): void => {
      try {
        put(settled)
      } catch (error) {
        fail(error)
      }
    }
    this.#wait(value, settle, fail)
  }

  #putList(
    field: PreparedField,
    info: Info,
    shape: Shape,
    value: unknown,
    container: Container,
    key: string | number,
    place: Place,
  ): void {
    if (typeof value !== 'object' || !(Symbol.iterator in (value as object))) {
      container[key] = null
      throw new Error(
        `Expected Iterable, but did not find one for field "${field.parentType.name}.${field.definition.name}".`,
      )
    }
    const list: unknown[] = []
    container[key] = list
    for (const item of value as Iterable<unknown>) {
      const index = list.length
      const at = new Place(place, index, undefined, list as never, shape.nullable)
      const put = (settled: unknown): void => this.#put(field, info, shape, settled, list as never, index, at)
      list.push(null)
      if (isPromise(item)) this.#waitFor(item, field, at, put)
      else put(item)
    }
  }

  #putTyped(
    field: PreparedField,
    info: Info,
    type: GraphQLObjectType,
    value: unknown,
    container: Container,
    key: string | number,
    place: Place,
  ): void {
    const put = (isOfType: unknown): void => {
      if (!isOfType) {
        const message = `Expected value of type "${type.name}" but got: ${describe(value)}.`
        throw new GraphQLError(message, { nodes: field.nodes })
      }
      const object: Container = {}
      container[key] = object
      this.#resolve(field.below(type), value, object, place)
    }
    if (!type.isTypeOf) return put(true)
    container[key] = null
    const isOfType = type.isTypeOf(value, this.#context, info)
    if (isPromise(isOfType)) this.#waitFor(isOfType, field, place, put)
    else put(isOfType)
  }

  #objectType(shape: Shape & { kind: 'ABSTRACT' }, name: unknown, field: PreparedField): GraphQLObjectType {
    const { schema } = this.#asked
    const type = typeof name === 'string' ? schema.getType(name) : undefined
    if (isObjectType(type) && schema.isSubType(shape.type, type)) return type
    const where = `${field.parentType.name}.${field.definition.name}`
    throw new GraphQLError(`${describe(name)} is no object type of "${shape.type.name}", which ${where} leads to.`, {
      nodes: field.nodes,
    })
  }

  #fail(error: unknown, field: PreparedField, place: Place): void {
    // One error is enough for what is null because of it.
    if (this.#data === null || isGone(place)) return
    this.#errors.push(locatedError(asError(error), field.nodes, pathTo(place)))
    if (!giveUp(place)) this.#data = null
  }
}

/** Puts the value of most fields: it is there, and nobody has to be told anything. @returns false if it is not so */
function putPlain({ name, definition, shape }: PreparedField, source: unknown, container: Container): boolean {
  if (source === null || typeof source !== 'object' || shape.kind !== 'LEAF') return false
  const value = (source as Container)[definition.name]
  if (value === null && shape.nullable) {
    container[name] = null
    return true
  }
  if (typeof value !== 'string' && typeof value !== 'number' && !(value instanceof Date)) return false
  try {
    container[name] = leafOf(shape, value)
    return true
  } catch {
    // It is told what is wrong in the usual way.
    return false
  }
}

function leafOf({ type }: Shape & { kind: 'LEAF' }, value: unknown): unknown {
  let out: unknown
  try {
    out = type.coerceOutputValue(value)
  } catch (error) {
    // A value that is none of its type is our fault, whatever the type says.
    throw error instanceof GraphQLError ? new Error(error.message) : error
  }
  if (out !== null && out !== undefined) return out
  throw new Error(`${type.name} makes nothing of ${describe(value)}.`)
}

const describe = (value: unknown): string =>
  value !== null && typeof value === 'object' ? `an ${value.constructor?.name ?? 'object'}` : String(value)

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(`Unexpected error value: ${describe(error)}`)
