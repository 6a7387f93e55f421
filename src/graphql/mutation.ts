import type { InputFieldMap } from '@pothos/core'
import type { z } from 'zod'
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
} from './errors.ts'

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
  /** What is written down as done with a right that only few have: the kind of thing whose id `resolve` returns. */
  audited?: string
  /** What the success says; called with what `resolve` returned. */
  success: SuccessFields<Shape>
  /** @throws Refused with an outcome of the union */
  resolve: (input: Input, context: Context) => Promise<Shape>
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
  const { description, input, success, needs, everywhere } = options
  const base = `${name[0]?.toUpperCase()}${name.slice(1)}`
  const Input =
    inputRef ??
    builder.inputType(`${base}Input`, { description: `What ${name} wants to know.`, fields: input as never })
  const Success = builder.objectRef<Shape>(`${base}Success`)
  Success.implement({ description: `${name} has done what it was asked to.`, fields: success } as never)
  const Result = plain.unionType(`${base}Result`, {
    description: `How ${name} went.`,
    types: [Success, InvalidInputError, NotFoundError, ConflictError, LimitError, ForbiddenError],
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
  { rules, resolve, audited }: Operation<Input, Shape>,
  input: unknown,
  context: Context,
): Promise<Shape | Refusal> {
  const parsed = rules.safeParse(input)
  if (!parsed.success) return invalid(problemsOf(parsed.error)).refusal
  let done: Shape
  try {
    done = await resolve(parsed.data, context)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
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

function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.slice(0, MAX_PROBLEMS).map(({ path, message }) => ({ path: path.map(String), message }))
}
