import { eventLine, type Typed } from './event-line.ts'
import { noColours } from './paint.ts'
import { type ActivityFact, type EventFact, interruptIn, type SessionView } from '../view.ts'

/** Shows a session while it runs. */
export interface Renderer {
  /** The session as it is found when following begins. */
  begin(view: SessionView): void
  /** @param view with the event in it */
  event(event: EventFact, view: SessionView): void
  /** @param view with the activity in it */
  activity(activity: ActivityFact, view: SessionView): void
  /** Something about the following itself, for instance that the connection was lost. */
  notice(text: string): void
  /** Nothing more comes. */
  end(): void
}

/**
 * How long a question has to stand before it is told, in milliseconds: when a session is looked at later, answers that
 * were given long ago come right behind it.
 */
const STANDS_MS = 500

/** Shows nothing but that somebody is waited for: without an answer the end would not come. */
export function quietRenderer(write: (line: string) => void, typed: Typed): Renderer {
  let latest: SessionView | undefined
  const timers = new Set<NodeJS.Timeout>()
  return {
    begin() {},
    event(event, view) {
      latest = view
      if (event.type !== 'INTERRUPT_RAISED') return
      const line = eventLine(event, view, noColours, typed) ?? ''
      const timer = setTimeout(() => {
        timers.delete(timer)
        if (latest && interruptIn(latest, event)) write(line)
      }, STANDS_MS)
      timers.add(timer)
    },
    activity() {},
    notice() {},
    end() {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
