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

export const SILENT: Renderer = { begin() {}, event() {}, activity() {}, notice() {}, end() {} }
