import { setTimeout as pause } from 'node:timers/promises'
import { median } from './answer.ts'
import type { Bed } from './bed.ts'
import { type Contestant, type Enter, type Pace, type Shape, STEPS } from './contestant.ts'

/** A contestant whose steps are counted. */
export interface Runner {
  /**
   * Keeps so many sessions under way, each followed by the next one, warms up for a quarter of the time and then counts.
   *
   * @throws if one of them fails, or no more steps come
   */
  run(options: { shape: Shape; sessions: number; seconds: number }): Promise<Pace>
  close(): Promise<void>
}

/** How much longer than wanted a measurement may take, or sessions that are under way to end. */
const STUCK_SECONDS = 60
/** How often it is looked whether a measurement is over, in milliseconds. */
const LOOK_MS = 20

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
      const over = new AbortController()
      const lanes = Promise.all(Array.from({ length: sessions }, () => lane(contestant, shape, over.signal)))
      /** Lets time pass, and as many steps as all sessions that are under way have: they may come in waves. */
      const pass = async (least: number): Promise<void> => {
        const from = performance.now()
        steps = 0
        gaps = []
        for (;;) {
          const passed = (performance.now() - from) / 1_000
          if (passed >= least && steps >= sessions * STEPS) return
          if (passed > least + STUCK_SECONDS) throw new Error(`stuck after ${steps} steps`)
          // Whoever fails is not waited for.
          await Promise.race([lanes, pause(LOOK_MS)])
        }
      }
      await pass(seconds / 4)
      const before = { at: performance.now(), cpu: bed.cpu() }
      await pass(seconds)
      const took = (performance.now() - before.at) / 1_000
      const done = steps
      const cpu = ((bed.cpu() - before.cpu) / done) * 1_000
      const p50 = sessions === 1 && shape === 'sequential' ? median(gaps) : undefined
      over.abort()
      // Steps that never come must not be waited for, for ever.
      const isStuck = await Promise.race([lanes.then(() => false), pause(STUCK_SECONDS * 1_000, true, { ref: false })])
      if (isStuck) throw new Error(`stuck at the end, after ${steps} steps`)
      return { rate: done / took, cpu, ...(p50 !== undefined && { p50 }) }
    },
    close: () => contestant.close(),
  }
}

async function lane(contestant: Contestant, shape: Shape, over: AbortSignal): Promise<void> {
  while (!over.aborted) await contestant.session(shape)
}
