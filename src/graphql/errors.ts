import { GraphQLError } from 'graphql'
import type { Problem } from '../core/check.ts'
import type { Refusal as CoordinatorRefusal } from '../coordinator/coordinator.ts'
import { builder } from './builder.ts'
import type { Viewer } from './rights.ts'

/** An expected outcome of a mutation that is not the wished one, as the API tells it. */
export class Refusal {
  readonly type: keyof typeof CODES
  readonly code: string
  readonly message: string
  readonly fields: readonly Problem[]

  constructor(type: Refusal['type'], message: string, fields: readonly Problem[]) {
    this.type = type
    this.code = CODES[type]
    this.message = message
    this.fields = fields
  }
}

/** Thrown to give up on a mutation; see mutation.ts. */
export class Refused extends Error {
  readonly refusal: Refusal

  constructor(type: Refusal['type'], message: string, fields: readonly Problem[] = []) {
    super(message)
    this.refusal = new Refusal(type, message, fields)
  }
}

const CODES = {
  InvalidInputError: 'INVALID_INPUT',
  NotFoundError: 'NOT_FOUND',
  ConflictError: 'CONFLICT',
  LimitError: 'LIMIT',
  ForbiddenError: 'FORBIDDEN',
  StaleLeaseError: 'STALE_LEASE',
} as const

export function invalid(fields: readonly Problem[]): Refused {
  const message = fields
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')
  return new Refused('InvalidInputError', message, fields)
}
/** The id is left out: a forged one gets the same answer as an unknown one, byte for byte. */
export const notFound = (what: string): Refused =>
  new Refused('NotFoundError', `There is no such ${what.toLowerCase()}.`)
export const conflict = (message: string): Refused => new Refused('ConflictError', message)
export const limitReached = (message: string): Refused => new Refused('LimitError', message)
export const staleLease = (why: string): Refused =>
  new Refused('StaleLeaseError', `You no longer have this work: ${why}. Stop it: what comes of it counts for nothing.`)
export const forbidden = (message: string): Refused => new Refused('ForbiddenError', message)

/**
 * Some things are everybody's: only who may act in all projects may change them.
 *
 * @throws Refused
 */
export function demandAll({ viewer }: { viewer: Pick<Viewer, 'projects'> }, what: string): void {
  if (viewer.projects !== undefined) throw forbidden(`${what}: only who may act in all projects may do that.`)
}

/** The coordinator's refusals in the words of the API. */
export function refusedBy(refusal: CoordinatorRefusal): Refused {
  if (refusal.kind === 'INVALID') return invalid(refusal.problems)
  if (refusal.kind === 'NOT_FOUND') return notFound(refusal.what)
  if (refusal.kind === 'LIMIT') return limitReached(refusal.message)
  return refusal.kind === 'FORBIDDEN' ? forbidden(refusal.message) : conflict(refusal.message)
}

/** A request that is refused as a whole, before it begins: 400 for clients that understand application/graphql-response+json. */
export const refusedRequest = (code: string, message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { status: 400, spec: true } } })

/** A query or a subscription that asks for what cannot be: an error of the request, not of the server. */
export const badInput = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })
export const unknown = (what: string): GraphQLError =>
  new GraphQLError(`There is no such ${what.toLowerCase()}.`, { extensions: { code: 'NOT_FOUND' } })

const ErrorInterface = builder.interfaceRef<Refusal>('Error').implement({
  description: 'Why a mutation did not do what it was asked to. Nothing has changed then.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        'What kind of error it is, for programs: INVALID_INPUT, NOT_FOUND, CONFLICT, LIMIT, FORBIDDEN or STALE_LEASE.',
    }),
    message: t.exposeString('message', { description: 'What is wrong and what to do about it, for people.' }),
  }),
})

const FieldProblem = builder.objectRef<Problem>('FieldProblem').implement({
  description: 'One thing that is wrong with an input.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      description:
        'Where in the input it is: names of fields and, in lists, places from 0. Empty: the input as a whole.',
    }),
    message: t.exposeString('message', { description: 'What is wrong there, and what would be right.' }),
  }),
})

const errorType = (name: Refusal['type'], description: string) =>
  builder.objectRef<Refusal>(name).implement({ description, interfaces: [ErrorInterface] })

export const InvalidInputError = builder.objectRef<Refusal>('InvalidInputError').implement({
  description: 'The input is malformed or contradicts itself.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    fields: t.expose('fields', {
      type: [FieldProblem],
      description: 'Everything that is wrong, as a list of at most 100.',
    }),
  }),
})
export const NotFoundError = errorType('NotFoundError', 'Something that the input names does not exist.')
export const ConflictError = errorType(
  'ConflictError',
  'The state of things does not allow it: a name is taken, a session has ended, an interrupt is answered, or an idempotency key stands for another input.',
)
export const LimitError = errorType(
  'LimitError',
  'It would exceed a limit of this server. Trying again later may help.',
)
export const ForbiddenError = errorType('ForbiddenError', 'Whoever asks may not do that: another role is needed.')
export const StaleLeaseError = errorType(
  'StaleLeaseError',
  'The work is no longer in the hands of whoever speaks of it: its lease ran out, or its attempt is over.',
)
