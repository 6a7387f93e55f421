import { keyOf } from '../view.ts'
import { lastLine } from '../words.ts'
import { eventLine, type Typed } from './event-line.ts'
import { heading } from './heading.ts'
import type { Paint } from './paint.ts'
import type { Renderer } from './renderer.ts'

/** An agent's output is for glancing at: at most one line of each execution in this time, in milliseconds. */
const SPARSE_MS = 5_000

/**
 * One line for each event that a person wants to know of, with the time since the session was made in front. For logs,
 * pipes and wherever lines cannot be written over.
 *
 * @param now milliseconds since the epoch, for what the server has no time of
 */
export function plainRenderer(write: (line: string) => void, paint: Paint, now: () => number, typed: Typed): Renderer {
  let createdAt = now()
  const shownAt = new Map<string, number>()
  const stamped = (at: number, text: string): void => {
    write(`${paint('dim', `+${(Math.max(0, at - createdAt) / 1_000).toFixed(1)}s`.padEnd(7))} ${text}`)
  }
  return {
    begin(view) {
      createdAt = view.createdAt
      for (const line of heading(view, paint)) write(line)
    },
    event(event, view) {
      const line = eventLine(event, view, paint, typed)
      if (line !== undefined) stamped(event.at, line)
    },
    activity({ executionId, text, at }, view) {
      const line = lastLine(text)
      if (line === undefined || at - (shownAt.get(executionId) ?? -Infinity) < SPARSE_MS) return
      shownAt.set(executionId, at)
      stamped(at, paint('dim', `${keyOf(view, executionId) ?? executionId} | ${line}`))
    },
    notice: (text) => stamped(now(), paint('yellow', text)),
    end() {},
  }
}
