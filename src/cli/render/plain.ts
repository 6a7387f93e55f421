import { type EventFact, errorOf, keyOf, type SessionView, textOf } from '../view.ts'
import { duration, inWords, lastLine, oneLine } from '../words.ts'
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
export function plainRenderer(write: (line: string) => void, paint: Paint, now: () => number): Renderer {
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
      const line = eventLine(event, view, paint)
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

/** The line for an event; undefined for those that say nothing new to a person. */
export function eventLine(event: EventFact, view: SessionView, paint: Paint): string | undefined {
  const { type } = event
  if (type.startsWith('SESSION_')) return sessionLine(event, view, paint)
  const execution = view.executions.find(({ id }) => id === event.executionId)
  if (!execution) return undefined
  const { key, title, agent, attempts, startedAt, summary, error, cause, resumeAt } = execution
  const says = (text: string): string => `${paint('cyan', key)} ${text}`
  const took = startedAt === null ? '' : ` in ${duration(event.at - startedAt)}`
  switch (type) {
    case 'EXECUTION_RUNNING':
      return says(`${attempts > 1 ? `attempt ${attempts} ` : ''}starts with ${agent ?? 'its agent'}: ${oneLine(title)}`)
    case 'EXECUTION_ACCEPTED':
      return says(`${paint('green', 'accepted')}${took}${summary === null ? '' : `: ${oneLine(summary)}`}`)
    case 'EXECUTION_FAILED':
      return says(`${paint('red', 'failed')}${took}: ${oneLine(error ?? 'for no known reason')}`)
    case 'EXECUTION_SKIPPED':
      return says(`${paint('yellow', 'skipped')}${cause === null ? '' : ` because of ${cause}`}`)
    case 'EXECUTION_CANCELED':
      return says(`${paint('yellow', 'canceled')}: ${oneLine(textOf(event, 'reason') ?? 'the session was stopped')}`)
    case 'EXECUTION_WAITING':
      return says(resumeAt === null ? 'waits' : `is tried again in ${duration(resumeAt - event.at)}`)
    case 'ATTEMPT_ENDED': {
      const message = errorOf(event)
      return message === undefined ? undefined : says(`attempt ${attempts} failed: ${oneLine(message)}`)
    }
    default:
      return undefined
  }
}

function sessionLine({ type, at }: EventFact, view: SessionView, paint: Paint): string | undefined {
  if (type === 'SESSION_CANCELING') return paint('yellow', `stopping: ${oneLine(view.reason ?? 'it was asked to')}`)
  if (view.endedAt === null) return undefined
  const style = view.status === 'SUCCEEDED' ? 'green' : view.status === 'PARTIAL' ? 'yellow' : 'red'
  return paint(style, `session ${inWords(view.status)} in ${duration(at - view.createdAt)}`)
}
