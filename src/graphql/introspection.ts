import { type DocumentNode, Kind, visit, BREAK } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Context } from './context.ts'
import { refusedRequest } from './errors.ts'

const asked = new WeakMap<DocumentNode, boolean>()

/** Whether a document asks for the schema itself. */
function asksForSchema(document: DocumentNode): boolean {
  const known = asked.get(document)
  if (known !== undefined) return known
  let found = false
  visit(document, {
    [Kind.FIELD]: {
      enter({ name: { value } }) {
        if (value !== '__schema' && value !== '__type') return undefined
        found = true
        return BREAK
      },
    },
  })
  asked.set(document, found)
  return found
}

/** The schema is for people and their tools: who may only do executions is not told of it. */
export function useIntrospectionByRight(): Plugin<Context> {
  return {
    onExecute({ args: { document, contextValue }, setResultAndStopExecution }) {
      const { roles } = contextValue.viewer
      if (!asksForSchema(document) || roles.some((role) => role !== 'AGENT')) return
      const message = 'Asking for the schema needs another role than AGENT: schema.graphql of the release describes it.'
      setResultAndStopExecution({ errors: [refusedRequest('FORBIDDEN', message)] })
    },
  }
}
