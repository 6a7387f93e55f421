import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Context } from './context.ts'

/** What is said to whoever wants something new of a server that stops; it fits into a WebSocket's close frame. */
export const STOPPING = 'The server is stopping: ask again.'
/** And to whoever is reading a stream. */
export const RESUME = 'The server is stopping: subscribe again, with after: the last cursor.'

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
        if (!overSocket && Symbol.asyncIterator in result) setResult(untilStopping(result, stopping) as never)
      },
    }),
  }
}

function untilStopping<T>(results: AsyncIterable<T>, stopping: AbortSignal): AsyncIterableIterator<unknown> {
  const source = results[Symbol.asyncIterator]()
  const end = { done: true, value: undefined } as const
  let over = false
  let wake: (() => void) | undefined
  const hear = (): void => wake?.()
  const leave = (): void => {
    over = true
    stopping.removeEventListener('abort', hear)
  }
  const farewell = (): IteratorResult<unknown> => {
    leave()
    void source.return?.()
    const error = new GraphQLError(RESUME, { extensions: { code: 'GOING_AWAY' } })
    return { done: false, value: { errors: [error] } }
  }
  stopping.addEventListener('abort', hear)
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      if (over) return end
      if (stopping.aborted) return farewell()
      const said = new Promise<'stopping'>((resolve) => {
        wake = () => resolve('stopping')
      })
      const next = await Promise.race([source.next(), said])
      if (next === 'stopping') return farewell()
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
