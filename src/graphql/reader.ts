import type { ServerResponse } from 'node:http'
import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Context } from './context.ts'
import { TOO_SLOW, until } from './stopping.ts'
import type { Cursored } from './streams/pull.ts'

/** How often a reader is looked after, in milliseconds; more often where they have less time than that. */
const LOOK_MS = 1_000

/**
 * Looks after whoever reads a response that is long: the signal fires once they have taken nothing of what waits for them
 * for so many milliseconds, and after as many again they are cut off.
 */
export function watchReader(response: ServerResponse, ms: number): AbortSignal {
  const slow = new AbortController()
  let taken = 0
  let since = performance.now()
  const looking = setInterval(
    () => {
      const { socket, writableLength: waiting } = response
      const now = performance.now()
      const written = socket ? socket.bytesWritten - socket.writableLength : 0
      if (waiting === 0 || written > taken) since = now
      taken = written
      if (now - since > ms) slow.abort()
      if (now - since > 2 * ms) response.destroy()
    },
    Math.min(LOOK_MS, ms / 4),
  )
  looking.unref()
  response.once('close', () => clearInterval(looking))
  return slow.signal
}

/** Streams over HTTP end with how to go on once nobody reads them; what was read for them is let go of at once. */
export function useSlowReaders(): Plugin<Context> {
  return {
    onSubscribe: ({ args }) => ({
      onSubscribeResult({ result, setResult }) {
        const { reader } = args.contextValue as Context
        if (!reader || !(Symbol.asyncIterator in result)) return
        const farewell = () => {
          const cursor = (result as Partial<Cursored>).cursor?.()
          return new GraphQLError(TOO_SLOW, {
            extensions: { code: 'TOO_SLOW', ...(cursor !== undefined && { cursor }) },
          })
        }
        setResult(until(result, reader(), farewell) as never)
      },
    }),
  }
}
