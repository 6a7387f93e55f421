import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  executeSubscriptionEvent,
  mapSourceToResponseEvent,
  type OperationDefinitionNode,
  type ValidatedSubscriptionArgs,
  validateSubscriptionArgs,
} from 'graphql'
import type { Context } from '../context.ts'
import { mask } from '../masking.ts'
import { variablesBelow } from './below.ts'
import { Source } from './logs.ts'
import { iterate } from './pull.ts'
import { type Subscriber, View } from './view.ts'

/** A subscription that is shared with all who ask for the same. */
export class Stream {
  readonly #source: Source
  readonly #view: () => View
  #joined: View | undefined

  constructor(source: Source, view: () => View) {
    this.#source = source
    this.#view = view
  }

  /** Begins; from here on the subscriber receives what there is. */
  join(subscriber: Subscriber): void {
    subscriber.position = this.#source.after
    this.#joined = this.#view()
    this.#joined.join(subscriber, this.#source.first)
  }

  leave(subscriber: Subscriber): void {
    this.#joined?.leave(subscriber)
  }
}

/**
 * Makes the function that subscribes. What has the same document, variables, rights and source is executed once for each
 * row, whoever asked for it. Over a WebSocket the answer is the `Stream` itself, for bytes; else an iterable of results.
 */
export function createSubscribe(): (args: ExecutionArgs) => Promise<unknown> {
  const views = new Map<string, View>()
  return async (args) => {
    const valid = validateSubscriptionArgs(args)
    if (!('schema' in valid)) return { errors: valid }
    const source = await createSourceEventStream(valid)
    if (!(source instanceof Source)) {
      return Symbol.asyncIterator in source ? mapSourceToResponseEvent(valid, source) : source
    }
    const stream = new Stream(source, () => {
      const key = keyOf(source, valid)
      const known = views.get(key)
      if (known) return known
      const view = new View(
        source.open(),
        (row) => execute(valid, row),
        () => views.delete(key),
      )
      views.set(key, view)
      return view
    })
    return (valid.contextValue as Context).overSocket ? stream : iterate(stream)
  }
}

/** What a row shows, as JSON; errors included, so this one never throws. */
async function execute(valid: ValidatedSubscriptionArgs, rootValue: object): Promise<Buffer> {
  const context = valid.contextValue as Context
  let result: ExecutionResult
  try {
    result = await executeSubscriptionEvent({ ...valid, rootValue })
    if (result.errors) result = { ...result, errors: result.errors.map((error) => mask(error, context)) }
  } catch (error) {
    result = { errors: [mask(error, context)] }
  }
  return Buffer.from(JSON.stringify(result))
}

/** By operation, since documents are parsed once for all who send the same. */
const below = new WeakMap<OperationDefinitionNode, string[]>()

/** Says who may be sent the same bytes. */
function keyOf(source: Source, valid: ValidatedSubscriptionArgs): string {
  const { operation, fragmentDefinitions, document, variableValues, contextValue } = valid
  let names = below.get(operation)
  if (!names) {
    names = variablesBelow(operation, fragmentDefinitions)
    below.set(operation, names)
  }
  const { rightsKey } = (contextValue as Context).viewer
  const variables = names.map((name) => (name in variableValues.coerced ? [variableValues.coerced[name]] : []))
  return JSON.stringify([source.key, rightsKey, operation.name?.value, variables, document.loc?.source.body])
}
