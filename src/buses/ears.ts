import type { Ear } from '../bus.ts'

/** Who listens to what in this process. */
export interface Ears {
  /** @returns a function that takes the ear away again */
  add(topic: string, ear: Ear): () => void
  /** Calls the topic's ears soon, once for all rings until then; undefined outweighs every number. */
  ring(topic: string, seq: number | undefined): void
  /** Calls every ear with undefined soon. */
  ringAll(): void
  topics(): Iterable<string>
  clear(): void
}

/** What happens when a topic gets its first ear or loses its last. */
export interface EarsOptions {
  onFirst?: (topic: string) => void
  onLast?: (topic: string) => void
  onThrow?: ((error: unknown, topic: string) => void) | undefined
}

/** Keeps ears and calls them on the next turn of the event loop, so that no caller waits for a listener. */
export function createEars({ onFirst, onLast, onThrow }: EarsOptions): Ears {
  const byTopic = new Map<string, Set<{ ear: Ear }>>()
  let due = new Map<string, number | undefined>()
  let turn: NodeJS.Immediate | undefined

  const deliver = () => {
    turn = undefined
    const rings = due
    due = new Map()
    for (const [topic, seq] of rings) {
      // Those who listen now: an ear that listens again from within its call waits for the next ring.
      const entries = [...(byTopic.get(topic) ?? [])]
      for (const entry of entries) {
        // An ear before it may have taken it away.
        if (byTopic.get(topic)?.has(entry) !== true) continue
        try {
          // An ear may be an async function although its type says that nobody waits for it.
          const returned = entry.ear(seq) as unknown
          if (returned instanceof Promise) returned.catch((error: unknown) => onThrow?.(error, topic))
        } catch (error) {
          onThrow?.(error, topic)
        }
      }
    }
  }

  const ring = (topic: string, seq: number | undefined) => {
    if (!byTopic.has(topic)) return
    const before = due.get(topic)
    due.set(
      topic,
      seq === undefined || (due.has(topic) && before === undefined) ? undefined : Math.max(seq, before ?? seq),
    )
    turn ??= setImmediate(deliver)
  }

  return {
    add(topic, ear) {
      const entry = { ear }
      const ears = byTopic.get(topic) ?? new Set()
      ears.add(entry)
      if (ears.size === 1) {
        byTopic.set(topic, ears)
        onFirst?.(topic)
      }
      return () => {
        if (!ears.delete(entry) || ears.size > 0) return
        byTopic.delete(topic)
        onLast?.(topic)
      }
    },
    ring,
    ringAll() {
      for (const topic of byTopic.keys()) ring(topic, undefined)
    },
    topics: () => byTopic.keys(),
    clear() {
      byTopic.clear()
      due.clear()
      clearImmediate(turn)
    },
  }
}
