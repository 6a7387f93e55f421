import type { InputFieldMap } from '@pothos/core'
import type { z } from 'zod'
import type { Problem } from '../core/check.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import {
  ConflictError,
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
  /** What the success says; called with what `resolve` returned. */
  success: SuccessFields<Shape>
  /** @throws Refused with an outcome of the union */
  resolve: (input: Input, context: Context) => Promise<Shape>
}

const MAX_PROBLEMS = 100

/**
 * Adds an operation with one input object and a union of outcomes: XSuccess, InvalidInputError, NotFoundError,
 * ConflictError, LimitError, ForbiddenError. Whatever else is thrown is an unexpected error and gets masked.
 */
function operation<Input, Shape extends object>(
  root: 'Mutation' | 'Query',
  name: string,
  { description, input, rules, success, resolve }: Operation<Input, Shape>,
  inputRef?: unknown,
): unknown {
  const base = `${name[0]?.toUpperCase()}${name.slice(1)}`
  const Input =
    inputRef ??
    builder.inputType(`${base}Input`, { description: `What ${name} wants to know.`, fields: input as never })
  const Success = builder.objectRef<Shape>(`${base}Success`)
  Success.implement({ description: `${name} has done what it was asked to.`, fields: success } as never)
  const Result = builder.unionType(`${base}Result`, {
    description: `How ${name} went.`,
    types: [Success, InvalidInputError, NotFoundError, ConflictError, LimitError, ForbiddenError] as never,
    resolveType: (value) => (value instanceof Refusal ? value.type : `${base}Success`) as never,
  })
  const add = (root === 'Mutation' ? builder.mutationField : builder.queryField).bind(builder)
  add(name, (t) =>
    t.field({
      type: Result as never,
      description,
      args: {
        input: t.arg({ type: Input as never, required: true, description: `What ${name} wants to know.` }),
      },
      complexity: root === 'Mutation' ? 10 : 50,
      resolve: async (_root, args, context): Promise<never> => {
        try {
          const parsed = rules.safeParse((args as { input: unknown }).input)
          if (!parsed.success) throw invalid(problemsOf(parsed.error))
          return (await resolve(parsed.data, context)) as never
        } catch (error) {
          if (error instanceof Refused) return error.refusal as never
          throw error
        }
      },
    }),
  )
  return Input
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
