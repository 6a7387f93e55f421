import { complexityFromQuery } from '@pothos/plugin-complexity'
import { type ExecutionArgs, getOperationAST, type GraphQLError, Kind } from 'graphql'
import { handleStreamOrSingleExecutionResult, type Plugin } from 'graphql-yoga'
import { isTooDeep } from '../core/json.ts'
import type { Context } from './context.ts'
import { refuseInput } from './document.ts'
import { refusedRequest } from './errors.ts'

/** What the operation costs, as the fields say; undefined if its variables do not fit, which execution tells better. */
export function costOf({
  schema,
  document,
  operationName,
  variableValues,
  contextValue,
}: ExecutionArgs): number | undefined {
  const operation = getOperationAST(document, operationName)
  if (!operation) return undefined
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
  const alone = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] } as const
  try {
    return complexityFromQuery(alone, { schema, ctx: contextValue as object, variables: { ...variableValues } })
      .complexity
  } catch {
    return undefined
  }
}

/** Levels of all variables together: inputs have a few of their own around JSON, which may have 100. */
const MAX_LEVELS = 150

/** Refuses an operation before it begins if it costs too much or holds text that no row can hold; tells what it cost. */
export function useCost(): Plugin<Context> {
  const refusal = (args: ExecutionArgs, cost: number | undefined): GraphQLError | undefined => {
    const { complexity } = (args.contextValue as Context).limits
    if (cost !== undefined && cost > complexity) {
      return refusedRequest(
        'TOO_COMPLEX',
        `The request costs ${cost}, more than ${complexity}: ask for smaller pages or fewer fields`,
      )
    }
    if (isTooDeep(args.variableValues, MAX_LEVELS)) {
      return refusedRequest(
        'BAD_USER_INPUT',
        `The variables are nested deeper than ${MAX_LEVELS} levels: write them flatter`,
      )
    }
    return refuseInput(args.document, args.operationName, args.variableValues)
  }
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const requested = costOf(args)
      const error = refusal(args, requested)
      if (error) return setResultAndStopExecution({ errors: [error] })
      if (requested === undefined) return undefined
      const cost = { requested, limit: args.contextValue.limits.complexity }
      return {
        onExecuteDone: (payload) =>
          handleStreamOrSingleExecutionResult(payload, ({ result, setResult }) =>
            setResult({ ...result, extensions: { ...result.extensions, cost } }),
          ),
      }
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const error = refusal(args, costOf(args))
      if (error) setResultAndStopExecution({ errors: [error] })
    },
  }
}
