import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Context } from './context.ts'

/** What is said to whoever wants something new of a server that stops; it fits into a WebSocket's close frame. */
export const STOPPING = 'The server is stopping: ask again.'
/** And to whoever is reading a stream. */
export const RESUME = 'The server is stopping: subscribe again, with after: the last cursor.'

/** Said to whoever reads too slowly, in a close frame and with each operation. */
export const TOO_SLOW = 'Read too slowly: subscribe again, with after: the last cursor.'

/**
 * Streams over HTTP end with an error that says how to go on, once the server stops: their end alone would mean that
 * there is nothing more to come. Sockets are closed with a reason instead, which ends all that is on them.
 *
 * @param stopping fires once
 */
export function useFarewell(stopping: AbortSignal): Plugin<Context> {
  return {
    onSubscribe: ({ args }) => ({
      onSubscribeResult({ result, setResult }) {
        const { overSocket } = args.contextValue as Context
        const farewell = () => new GraphQLError(RESUME, { extensions: { code: 'GOING_AWAY' } })
        if (!overSocket && Symbol.asyncIterator in result) setResult(until(result, stopping, farewell) as never)
      },
    }),
  }
}

/**
 * Results, and then nothing but an error once a signal has fired; from then on nothing is kept for whoever reads them.
 *
 * @param left called once nobody reads it any more
 */
export function until<T>(
  results: AsyncIterable<T>,
  signal: AbortSignal,
  farewell: () => GraphQLError,
  left: () => void = () => {},
): AsyncIterableIterator<unknown> {
  const source = results[Symbol.asyncIterator]()
  const end = { done: true, value: undefined } as const
  let over = false
  let wake: (() => void) | undefined
  const hear = (): void => {
    wake?.()
    void source.return?.()
  }
  const leave = (): void => {
    over = true
    signal.removeEventListener('abort', hear)
    left()
  }
  const last = (): IteratorResult<unknown> => {
    leave()
    return { done: false, value: { errors: [farewell()] } }
  }
  signal.addEventListener('abort', hear)
  if (signal.aborted) hear()
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      if (over) return end
      if (signal.aborted) return last()
      const said = new Promise<'over'>((resolve) => {
        wake = () => resolve('over')
      })
      const next = await Promise.race([source.next(), said])
      if (next === 'over') return last()
      if (next.done) leave()
      return next
    },
    async return() {
      leave()
      await source.return?.()
      return end
    },
  }
}
