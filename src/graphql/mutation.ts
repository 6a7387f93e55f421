import type { InputFieldMap } from '@pothos/core'
import type { z } from 'zod'
import type { Idempotency } from '../coordinator/coordinator.ts'
import type { Problem } from '../core/check.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import type { Scopes } from './forbidden.ts'
import { encodeId } from './ids.ts'
import {
  ConflictError,
  forbidden,
  ForbiddenError,
  invalid,
  InvalidInputError,
  LimitError,
  NotFoundError,
  Refusal,
  Refused,
  refusedBy,
} from './errors.ts'
import * as rules from './rules.ts'

type InputBuilder = Parameters<Parameters<typeof builder.inputType>[1]['fields']>[0]
type SuccessRef<Shape extends object> = ReturnType<typeof builder.objectRef<Shape>>
export type SuccessFields<Shape extends object> = NonNullable<Parameters<SuccessRef<Shape>['implement']>[0]['fields']>

interface Operation<Input, Shape extends object> {
  description: string
  /** Fields of the input object. */
  input: (t: InputBuilder) => InputFieldMap
  /** What the input has to be beyond its types; what comes out of it is handed to `resolve`. */
  rules: z.ZodType<Input>
  /** Who may do it; ADMIN may do everything. */
  needs: Scopes['role']
  /** Whether it takes that role in all projects. */
  everywhere?: true
  /**
   * It starts or moves work, or keeps something, and so takes an idempotency key. STARTS, KEEPS: what it makes has the key.
   * A function tells its answer anew, from its input and the session that it moved.
   */
  keyed?: 'STARTS' | 'KEEPS' | ((input: NoInfer<Input>, sessionId: string) => Shape)
  /** What is written down as done with a right that only few have: the kind of thing whose id `resolve` returns. */
  audited?: string
  /** Errors of its own, beside those that every operation may answer with. */
  errors?: readonly unknown[]
  /** What the success says; called with what `resolve` returned. */
  success: SuccessFields<Shape>
  /**
   * @param once with `keyed`, the key that came with the input: it is handed on to what starts or moves work
   * @throws Refused with an outcome of the union
   */
  resolve: (input: Input, context: Context, once?: Idempotency) => Promise<Shape>
}

type AddField = (name: string, field: (t: { arg(of: object): unknown; field(of: object): unknown }) => unknown) => void

/** Spelled out, the types are more than the compiler takes. */
const plain = builder as unknown as {
  unionType(name: string, of: object): unknown
  mutationField: AddField
  queryField: AddField
}

const MAX_PROBLEMS = 100

/**
 * Adds an operation with one input object and a union of outcomes: XSuccess, InvalidInputError, NotFoundError,
 * ConflictError, LimitError, ForbiddenError. Whatever else is thrown is an unexpected error and gets masked.
 */
function operation<Input, Shape extends object>(
  root: 'Mutation' | 'Query',
  name: string,
  options: Operation<Input, Shape>,
  inputRef?: unknown,
): unknown {
  const { description, input, success, needs, everywhere, keyed, errors = [] } = options
  const base = `${name[0]?.toUpperCase()}${name.slice(1)}`
  const Input =
    inputRef ??
    builder.inputType(`${base}Input`, {
      description: `What ${name} wants to know.`,
      fields: ((t: InputBuilder) => ({ ...input(t), ...(keyed && { idempotencyKey: keyField(t) }) })) as never,
    })
  const Success = builder.objectRef<Shape>(`${base}Success`)
  Success.implement({ description: `${name} has done what it was asked to.`, fields: success } as never)
  const Result = plain.unionType(`${base}Result`, {
    description: `How ${name} went.`,
    types: [Success, InvalidInputError, NotFoundError, ConflictError, LimitError, ForbiddenError, ...errors],
    resolveType: (value: unknown) => (value instanceof Refusal ? value.type : `${base}Success`),
  })
  const field = {
    type: Result,
    description,
    authScopes: { role: needs, ...(everywhere && { everywhere }) } satisfies Partial<Scopes>,
    unauthorizedResolver: (_root: unknown, _args: unknown, _context: Context, _info: unknown, { message }: Error) =>
      forbidden(message).refusal,
    complexity: root === 'Mutation' ? 10 : 50,
    resolve: (_root: unknown, args: object, context: Context) =>
      outcome(name, options, (args as { input: unknown }).input, context),
  }
  plain[root === 'Mutation' ? 'mutationField' : 'queryField'](name, (t) => {
    const input = t.arg({ type: Input, required: true, description: `What ${name} wants to know.` })
    return t.field({ ...field, args: { input } })
  })
  return Input
}

async function outcome<Input, Shape extends object>(
  name: string,
  options: Operation<Input, Shape>,
  given: unknown,
  context: Context,
): Promise<Shape | Refusal> {
  const { audited, keyed } = options
  const { input, key } = keyed ? withoutKey(given) : { input: given }
  const parsed = options.rules.safeParse(input)
  const parsedKey = KEY.safeParse({ idempotencyKey: key })
  if (!parsed.success || !parsedKey.success) {
    return invalid([...problemsOf(parsed.error), ...problemsOf(parsedKey.error)].slice(0, MAX_PROBLEMS)).refusal
  }
  const { idempotencyKey } = parsedKey.data
  const once =
    idempotencyKey === undefined
      ? undefined
      : { operation: name, key: ownKey(idempotencyKey, context), input: parsed.data }
  /** What was answered to the same before. */
  const before = async (): Promise<Shape | Refusal | undefined> => {
    if (!once || typeof keyed !== 'function') return undefined
    const moved = await context.coordinator.moved(once)
    if (moved?.kind === 'MOVED') return keyed(parsed.data, moved.sessionId)
    return moved && refusedBy(moved).refusal
  }
  const answered = await before()
  if (answered) return answered
  let done: Shape
  try {
    done = await options.resolve(parsed.data, context, once)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    // Whoever asked the same at the same time may have been faster.
    const answered = await before()
    if (answered) return answered
    const { refusal } = error
    if (refusal.type === 'ForbiddenError') {
      context.auditor.refused(context, { act: name, code: refusal.code, detail: refusal.message })
    }
    return refusal
  }
  if (audited !== undefined) await noteDone(context, name, audited, (done as unknown as { id: string }).id)
  return done
}

async function noteDone(context: Context, act: string, type: string, id: string): Promise<void> {
  const { auditor, projectOf } = context
  await auditor.done(context, { act, subject: encodeId(type, id), projectId: await projectOf(id) })
}

export function mutation<Input, Shape extends object>(name: string, options: Operation<Input, Shape>): unknown {
  return operation('Mutation', name, options)
}

/** A query with the input and the outcomes of a mutation, which changes nothing. */
export function dryRun<Input, Shape extends object>(
  name: string,
  options: Omit<Operation<Input, Shape>, 'input'>,
  input: unknown,
): void {
  operation('Query', name, { ...options, input: () => ({}) }, input)
}

const KEY = rules.object({ idempotencyKey: rules.optional(rules.idempotencyKey) })

const keyField = (t: InputBuilder) =>
  t.string({
    description:
      'Any text of 1 to 200 characters. Asked again with the same key and input it is done once, and answered with the same; another input under the same key is a ConflictError. If nothing was done the key is free again.',
  })

function withoutKey(input: unknown): { input: unknown; key: unknown } {
  const { idempotencyKey: key, ...rest } = input as { idempotencyKey?: unknown }
  return { input: rest, key }
}

/**
 * The key under which the answer is kept. Whoever has some projects alone has keys of their own: what others use tells
 * them nothing.
 */
const ownKey = (key: string, { viewer }: Pick<Context, 'viewer'>): string =>
  viewer.projects === undefined ? key : `${viewer.projects.join()} ${key}`

function problemsOf(error: z.ZodError | undefined): Problem[] {
  return (error?.issues ?? []).slice(0, MAX_PROBLEMS).map(({ path, message }) => ({ path: path.map(String), message }))
}
