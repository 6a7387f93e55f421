import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  getVariableValues,
  type GraphQLSchema,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { type Prepared, prepare } from './prepare.ts'
import { Run } from './run.ts'

/** Answers an operation. */
type Execute = (args: ExecutionArgs) => unknown

/**
 * Answers queries and mutations of documents that have been validated, as the specification of GraphQL says, and faster the
 * more often a document comes: what can be told by document and schema alone is kept with the document, as long as
 * somebody holds that.
 *
 * @param otherwise answers everything else: subscriptions, operations that are not there, variables that do not fit
 */
export function createExecutor(schema: GraphQLSchema, otherwise: Execute): Execute {
  const prepared = new WeakMap<DocumentNode, Map<string | undefined, Prepared | undefined>>()

  function preparedOf(document: DocumentNode, operationName: string | undefined): Prepared | undefined {
    let operations = prepared.get(document)
    if (!operations) prepared.set(document, (operations = new Map()))
    if (operations.has(operationName)) return operations.get(operationName)
    const found = prepare(schema, document, operationName)
    // Any name can be asked for, so only those that are there are remembered.
    if (found) operations.set(operationName, found)
    return found
  }

  return (args): ExecutionResult | Promise<ExecutionResult> => {
    const { document, rootValue, contextValue, variableValues: given, operationName } = args
    const operation = preparedOf(document, operationName ?? undefined)
    const { variableValues } = operation
      ? getVariableValues(schema, operation.node.variableDefinitions ?? [], given ?? {})
      : {}
    const fields = variableValues && operation?.fields(variableValues.coerced)
    if (!operation || !fields) return otherwise(args) as ExecutionResult
    const run = new Run({ schema, operation, rootValue, variableValues }, contextValue)
    return operation.node.operation === 'mutation' ? run.inTurn(fields) : run.together(fields)
  }
}

/** Has the server's queries and mutations answered so. */
export function useExecutor(schema: GraphQLSchema): Plugin {
  let execute: Execute | undefined
  return {
    onExecute({ executeFn, setExecuteFn }) {
      execute ??= createExecutor(schema, executeFn as Execute)
      setExecuteFn(execute)
    },
  }
}
