import type { Activity } from '../../runtime.ts'

/** What a worker shows, on its way to the reader of an attempt. */
export interface Shown {
  /** Puts activities behind those that wait; beyond the limit they are dropped. */
  put(activities: readonly Activity[]): void
  /** Puts something of the runtime's own there, which counts for no limit. */
  say(activity: Activity): void
  /** Whether nothing waits for the reader. As long as something does, nothing more is to be put. */
  isRead(): boolean
  /** The next activity, or undefined once all is over. One reader only. */
  next(): Promise<Activity | undefined>
  /** Nothing more comes. What waits is still read. */
  end(): void
}

/**
 * @param most activities that are shown; a last one then says so
 * @param read is called whenever the reader has taken the last one that waited
 */
export function createShown(most: number, read: () => void): Shown {
  let waiting: Activity[] = []
  let at = 0
  let count = 0
  let isOver = false
  let wake: (() => void) | undefined
  const say = (activity: Activity): void => {
    waiting.push(activity)
    wake?.()
  }
  return {
    put(activities) {
      for (const activity of activities) {
        count += 1
        if (count <= most) say(activity)
        else if (count === most + 1) say(tooMany(most))
        else return
      }
    },
    say,
    isRead: () => at === waiting.length,
    async next() {
      while (at === waiting.length) {
        if (isOver) return undefined
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const activity = waiting[at]
      at += 1
      if (at === waiting.length) {
        waiting = []
        at = 0
        read()
      }
      return activity
    },
    end() {
      isOver = true
      wake?.()
    },
  }
}

const tooMany = (most: number): Activity => ({
  kind: 'MESSAGE',
  text: `${most} lines shown; further ones are counted only. Leave large output as a file.`,
})
