import { type ExecutionResult, GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Context } from './context.ts'

/** Answers a query or a mutation that takes too long with an error; what a mutation has begun goes on. */
export function useTimeLimit(): Plugin<Context> {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args) => {
        const result = executeFn(args) as ExecutionResult | Promise<ExecutionResult>
        const { operationMs } = (args.contextValue as Context).limits
        return result instanceof Promise ? within(operationMs, result) : result
      })
    },
  }
}

function within(limitMs: number, result: Promise<ExecutionResult>): Promise<ExecutionResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ExecutionResult>()
  const timer = setTimeout(() => {
    const message = `The operation took longer than ${limitMs} ms: ask for less at once. A mutation may have been carried out: look before you send it again.`
    resolve({ errors: [new GraphQLError(message, { extensions: { code: 'TIMEOUT' } })] })
  }, limitMs)
  result.then(resolve, reject).finally(() => clearTimeout(timer))
  return promise
}
