import type { Subscriber } from './view.ts'

/** A result that is JSON already: servers of HTTP take its text instead of making their own. */
interface Ready {
  stringify(): string
}

/** Knows how far its reader has come. */
export interface Cursored {
  /** Number of the last row that was taken. */
  cursor(): number
}

/** A stream for whoever takes one result after the other, in their own time. */
export function iterate(
  stream: Record<'join' | 'leave', (subscriber: Subscriber) => void>,
): AsyncIterableIterator<Ready> & Cursored {
  const over = { done: true, value: undefined } as const
  let results: readonly Buffer[] = []
  let taken = 0
  let joined = false
  let end: { error?: unknown } | undefined
  let gone = false
  let wakeReader: (() => void) | undefined
  let wakeStream: (() => void) | undefined
  const wake = () => wakeReader?.()
  const subscriber: Subscriber = {
    position: 0,
    get gone() {
      return gone
    },
    hasRoom: () => taken === results.length,
    room: () =>
      new Promise((resolve) => {
        wakeStream = resolve
      }),
    next(more) {
      results = taken === results.length ? more : [...results.slice(taken), ...more]
      taken = 0
      wake()
    },
    complete() {
      end = {}
      wake()
    },
    fail(error) {
      end = { error }
      wake()
    },
  }
  return {
    // Rows have numbers without gaps.
    cursor: () => subscriber.position - (results.length - taken),
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      if (!joined) {
        joined = true
        stream.join(subscriber)
      }
      for (;;) {
        if (gone) return over
        const result = results[taken]
        if (result) {
          taken += 1
          if (taken === results.length) wakeStream?.()
          return { done: false, value: { stringify: () => result.toString() } }
        }
        if (end) {
          gone = true
          if ('error' in end) throw end.error
          return over
        }
        await new Promise<void>((resolve) => {
          wakeReader = resolve
        })
      }
    },
    async return() {
      gone = true
      stream.leave(subscriber)
      wakeStream?.()
      wake()
      return over
    },
  }
}
