import { GraphQLError } from 'graphql'
import { handleStreamOrSingleExecutionResult, type Plugin } from 'graphql-yoga'
import { PothosValidationError } from '@pothos/core'
import type { Context } from './context.ts'

type Asked = Pick<Context, 'requestId' | 'log'>

/**
 * What a client may see of an error: what was meant for it as it is, everything else as "Unexpected error" with the id
 * under which the log has the truth.
 */
export function mask(error: unknown, { requestId, log }: Asked): GraphQLError {
  const cause = causeOf(error)
  const place = error instanceof GraphQLError ? { nodes: error.nodes, path: error.path } : {}
  if (cause instanceof PothosValidationError) {
    return new GraphQLError(cause.message, { ...place, extensions: { code: 'BAD_USER_INPUT' } })
  }
  if (cause instanceof GraphQLError) return error instanceof GraphQLError ? error : cause
  log.error({ err: cause, requestId, path: place.path }, 'an operation failed unexpectedly')
  return new GraphQLError(`Unexpected error. The log of the server has it under ${requestId}.`, {
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId, unexpected: true },
  })
}

/** The error that was really thrown. */
function causeOf(error: unknown): unknown {
  let cause = error
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError
  return cause
}

/** Masks the errors of every result, also of those that a stream yields. */
export function useMasking(): Plugin<Context> {
  const done = (payload: never) =>
    handleStreamOrSingleExecutionResult<Context>(payload, ({ result, setResult, args }) => {
      if (result.errors) {
        setResult({ ...result, errors: result.errors.map((error) => mask(error, args.contextValue as Context)) })
      }
    })
  return {
    onExecute: () => ({ onExecuteDone: (payload) => done(payload as never) }),
    onSubscribe: ({ args }) => ({
      onSubscribeResult: (payload) => done(payload as never),
      onSubscribeError: ({ error, setError }) => setError(mask(error, args.contextValue as Context)),
    }),
  }
}
