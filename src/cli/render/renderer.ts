import { eventLine, type Typed } from './event-line.ts'
import { noColours } from './paint.ts'
import type { ActivityFact, EventFact, SessionView } from '../view.ts'

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

/** Shows nothing but that somebody is waited for: without an answer the end would not come. */
export const quietRenderer = (write: (line: string) => void, typed: Typed): Renderer => ({
  begin() {},
  event(event, view) {
    if (event.type === 'INTERRUPT_RAISED') write(eventLine(event, view, noColours, typed) ?? '')
  },
  activity() {},
  notice() {},
  end() {},
})
