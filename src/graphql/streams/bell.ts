import type { Bus } from '../../bus.ts'

/** A doorbell rings again when it was lost; this is for the case that whoever should ring died before it did. */
const LOOK_AGAIN_MS = 30_000

/**
 * Follows topics of the bus: `read` looks into the database, yields what is new and then awaits `rung`. It is driven by
 * its reader alone, so a slow one holds a batch and nothing else, and it can be left at any time, also while it waits.
 */
export function follow<Row>(
  bus: Bus,
  topics: readonly string[],
  read: (rung: () => Promise<void>, listen: (topic: string) => void) => AsyncGenerator<Row, void>,
): AsyncIterableIterator<Row> {
  const stops = new Map<string, () => void>()
  let wake: (() => void) | undefined
  // Set from the beginning: the first look comes before anybody can have rung.
  let ringing = false
  let left = false
  const ear = () => {
    ringing = true
    wake?.()
  }
  const listen = (topic: string) => {
    if (!left && !stops.has(topic)) stops.set(topic, bus.listen(topic, ear))
  }
  const leave = () => {
    left = true
    for (const stop of stops.values()) stop()
    stops.clear()
    wake?.()
  }
  const rung = async () => {
    if (!ringing && !left) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_AGAIN_MS * (0.5 + Math.random()))
        timer.unref()
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      wake = undefined
    }
    ringing = false
    if (left) throw new Left()
  }
  for (const topic of topics) listen(topic)
  const rows = read(rung, listen)
  const over = { done: true, value: undefined } as const
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      if (left) return over
      try {
        const result = await rows.next()
        if (result.done) leave()
        return result
      } catch (error) {
        leave()
        if (error instanceof Left) return over
        throw error
      }
    },
    // Not through the generator: it may be waiting, and would not be left before somebody rings.
    async return() {
      leave()
      void rows.return(undefined).catch(() => {})
      return over
    },
  }
}

/** The reader has gone while `read` was waiting. */
class Left extends Error {}
