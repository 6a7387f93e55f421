import { setTimeout as pause } from 'node:timers/promises'
import { median } from './answer.ts'
import type { Bed } from './bed.ts'
import type { Contestant, Enter, Pace, Shape } from './contestant.ts'

/** A contestant whose steps are counted. */
export interface Runner {
  /**
   * Keeps so many sessions under way, each followed by the next one, warms up for a quarter of the time and then counts.
   */
  run(options: { shape: Shape; sessions: number; seconds: number }): Promise<Pace>
  close(): Promise<void>
}

/** How long sessions that are under way may take to end, in milliseconds. */
const STUCK_MS = 30_000

export async function enter(bed: Bed, join: Enter): Promise<Runner> {
  let steps = 0
  let last: { session: string; at: number } | undefined
  let gaps: number[] = []
  const contestant = await join(bed, (session) => {
    steps++
    const at = performance.now()
    // The first step of a session waits for its beginning, too.
    if (last?.session === session) gaps.push(at - last.at)
    last = { session, at }
  })
  return {
    async run({ shape, sessions, seconds }) {
      await bed.settle()
      const over = new AbortController()
      const lanes = Promise.all(Array.from({ length: sessions }, () => lane(contestant, shape, over.signal)))
      // Whoever fails is not waited for.
      await Promise.race([lanes, pause(seconds * 250)])
      const before = { at: performance.now(), cpu: bed.cpu() }
      steps = 0
      gaps = []
      await Promise.race([lanes, pause(seconds * 1_000)])
      const took = (performance.now() - before.at) / 1_000
      const done = steps
      const cpu = ((bed.cpu() - before.cpu) / done) * 1_000
      const p50 = sessions === 1 && shape === 'sequential' ? median(gaps) : undefined
      over.abort()
      // Steps that never come must not be waited for, for ever.
      const stuck = await Promise.race([lanes.then(() => false), pause(STUCK_MS, true, { ref: false })])
      if (stuck || done === 0) throw new Error(`after ${done} steps in ${seconds} s nothing came any more`)
      return { rate: done / took, cpu, ...(p50 !== undefined && { p50 }) }
    },
    close: () => contestant.close(),
  }
}

async function lane(contestant: Contestant, shape: Shape, over: AbortSignal): Promise<void> {
  while (!over.aborted) await contestant.session(shape)
}
