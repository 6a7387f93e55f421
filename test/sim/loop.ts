import type { Timers } from '../../src/coordinator/timers.ts'
import type { Random } from './random.ts'

/** Something that lives as long as its process: all that it has pending dies with it. */
export interface Life {
  readonly name: string
  /** Nothing of it happens before this instant of the loop: a process that is held up. */
  asleepUntil: number
  readonly dead: boolean
  /** Ends it: what it has pending never happens, and nobody hears any more what it asked for. */
  kill(): void
  /** Asks for something that happens when the loop picks it; the answer comes then, or later as an action of its own. */
  call<T>(name: string, apply: () => T | Promise<T>): Promise<T>
  readonly timers: Timers
}

/** Something that may happen next. */
interface Action {
  life: Life
  name: string
  run(): unknown
}

interface Timer extends Action {
  due: number
}

/** A failure that the simulation means: whoever asked hears of it. Any other error is a broken rule. */
export class Fault extends Error {
  override name = 'Fault'
  readonly code: string
  constructor(message: string, code = 'ECONNRESET') {
    super(message)
    this.code = code
  }
}

/** All that is pending, a clock that only this loop moves, and chance that picks what happens next. */
export interface Loop {
  /** Milliseconds since the loop began; never goes back. */
  readonly now: number
  /** How often time goes on though something is pending, as if the store were slow: 0 to 1. */
  haste: number
  /** What clocks on walls show, in milliseconds since the epoch. */
  wall(): number
  /** Sets the clocks on the walls forward, or back. */
  jump(ms: number): void
  born(name: string): Life
  /** Does the next thing. Undefined: nothing is pending, and no timer is set. */
  step(): Promise<{ life: Life; name: string } | undefined>
}

/** Everything that follows from what has been done happens now, however many promises it goes through. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** When every simulation begins. */
const BEGIN = Date.UTC(2026, 0, 1)
/** How far time goes on at once though something is pending, in milliseconds: no database is slower for long. */
const HASTE_MS = 10_000
/** Milliseconds that one action takes at most. */
const LATENCY_MS = 5

export function createLoop(random: Random, haste: number): Loop {
  let pending: Action[] = []
  let timers: Timer[] = []
  let now = 0
  let ahead = BEGIN
  const lives: Life[] = []

  function born(name: string): Life {
    let dead = false
    const push = (what: string, run: () => unknown): void => {
      if (!dead) pending.push({ life, name: what, run })
    }
    const life: Life = {
      name,
      asleepUntil: 0,
      get dead() {
        return dead
      },
      kill() {
        dead = true
        pending = pending.filter((action) => action.life !== life)
        timers = timers.filter((timer) => timer.life !== life)
        lives.splice(lives.indexOf(life), 1)
      },
      call: (what, apply) =>
        new Promise((resolve, reject) => {
          push(what, async () => {
            let answer: () => void
            try {
              const result = await apply()
              answer = () => resolve(result)
            } catch (error) {
              if (!(error instanceof Fault)) throw error
              answer = () => reject(error)
            }
            if (random.chance(0.5)) answer()
            else push(`${what}: answer`, answer)
          })
        }),
      timers: {
        after(ms, act) {
          const timer = { life, name: 'timer', run: act, due: now + ms }
          if (!dead) timers.push(timer)
          return () => {
            const at = timers.indexOf(timer)
            if (at >= 0) timers.splice(at, 1)
          }
        },
        pause: (ms) => new Promise((resolve) => void life.timers.after(ms, resolve)),
      },
    }
    lives.push(life)
    return life
  }

  const isAwake = ({ life }: Action): boolean => life.asleepUntil <= now

  function earliest(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of timers)
      if (!first || timer.due < first.due) first = timer.life.asleepUntil <= now ? timer : first
    return first
  }

  function next(): Action | undefined {
    const sleepers = lives.filter(({ asleepUntil }) => asleepUntil > now)
    const able = sleepers.length > 0 ? pending.filter(isAwake) : pending
    const timer = earliest()
    const wakes = Math.min(...sleepers.map(({ asleepUntil }) => asleepUntil))
    const isDue = timer !== undefined && timer.due <= now
    const isSoon = timer !== undefined && timer.due <= now + HASTE_MS
    const timerNext = isDue ? random.chance(1 / (able.length + 1)) : isSoon && random.chance(loop.haste)
    if (able.length > 0 && !(timer && timerNext)) {
      const action = able[random.below(able.length)] as Action
      const at = pending.indexOf(action)
      pending[at] = pending.at(-1) as Action
      pending.pop()
      now += random.below(LATENCY_MS + 1)
      return action
    }
    if (timer && timer.due <= wakes) {
      now = Math.max(now, timer.due)
      timers.splice(timers.indexOf(timer), 1)
      return timer
    }
    if (wakes === Number.POSITIVE_INFINITY) return undefined
    now = wakes
    return next()
  }

  const loop: Loop = {
    haste,
    get now() {
      return now
    },
    wall: () => now + ahead,
    jump(ms) {
      ahead += ms
    },
    born,
    async step() {
      let action = next()
      if (!action) {
        // What has just been asked from outside may have begun nothing yet.
        await settled()
        action = next()
      }
      if (!action) return undefined
      await action.run()
      await settled()
      return action
    },
  }
  return loop
}
