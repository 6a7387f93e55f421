import type { Activity } from '../../runtime.ts'

export interface ShownLimits {
  /** Activities that are shown; further ones are counted. */
  lines: number
  /** Activities in bytes that may wait for the reader before the agent is made to wait. */
  waitingBytes: number
}

/** What waits to be shown. Its memory is bounded as long as who adds waits for `room`. */
export interface Shown {
  add(activity: Activity): void
  /** The next one, or undefined once it has ended. One reader only. */
  next(): Promise<Activity | undefined>
  /** Resolves once there is room for more. */
  room(): Promise<void>
  /** Whether somebody waits for room. */
  isFull(): boolean
  /** From now on only counts. With `dropWaiting`, what waits for the reader is dropped as well. */
  mute(dropWaiting: boolean): void
  end(): void
  counts(): { lines: number; shown: number }
}

/** An activity costs about this much beside its text. */
const OVERHEAD = 64

export function createShown(limits: ShownLimits): Shown {
  const waiting: Activity[] = []
  let waitingBytes = 0
  let muted = false
  let ended = false
  let wake: (() => void) | undefined
  let free: PromiseWithResolvers<void> | undefined
  const counts = { lines: 0, shown: 0 }

  const push = (activity: Activity): void => {
    waiting.push(activity)
    waitingBytes += activity.text.length + OVERHEAD
    wake?.()
  }
  const makeRoom = (): void => {
    free?.resolve()
    free = undefined
  }

  return {
    add(activity) {
      counts.lines++
      if (muted || counts.shown > limits.lines) return
      counts.shown++
      if (counts.shown <= limits.lines) push(activity)
      else push({ kind: 'MESSAGE', text: `${limits.lines} lines shown; further ones are counted only.` })
    },
    async next() {
      while (waiting.length === 0) {
        if (ended) return undefined
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        await promise
      }
      const activity = waiting.shift()
      if (activity) waitingBytes -= activity.text.length + OVERHEAD
      if (waitingBytes <= limits.waitingBytes / 2) makeRoom()
      return activity
    },
    room() {
      if (muted || waitingBytes < limits.waitingBytes) return Promise.resolve()
      free ??= Promise.withResolvers()
      return free.promise
    },
    isFull: () => free !== undefined,
    mute(dropWaiting) {
      muted = true
      if (dropWaiting) {
        waiting.length = 0
        waitingBytes = 0
      }
      makeRoom()
    },
    end() {
      ended = true
      wake?.()
    },
    counts: () => ({ ...counts, shown: Math.min(counts.shown, limits.lines) }),
  }
}
