import { isSettled, type ExecutionStatus } from '../core/execution.ts'
import { isEnded, type SessionStatus } from '../core/session.ts'
import { uuidOf } from './result.ts'
import { lastLine } from './words.ts'

/** A session as it is shown while it runs. Times are milliseconds since the epoch. */
export interface SessionView {
  id: string
  title: string
  status: SessionStatus
  pattern: string
  /** 0-10. */
  complexity: number | null
  /** What made the complexity, the weightiest first. */
  reasons: readonly string[]
  createdAt: number
  endedAt: number | null
  /** Why it ended as it did. */
  reason: string | null
  /** Number of the last event that is in here; 0: none. */
  seq: number
  /** In the plan's order. */
  executions: readonly ExecutionView[]
}

export interface ExecutionView {
  id: string
  key: string
  title: string
  status: ExecutionStatus
  agent: string | null
  /** Attempts so far. */
  attempts: number
  startedAt: number | null
  endedAt: number | null
  /** When a WAITING one goes on. */
  resumeAt: number | null
  summary: string | null
  /** Why it failed, or why its last attempt did. */
  error: string | null
  /** Key of the execution whose end made this one SKIPPED. */
  cause: string | null
  /** The last line that its agent showed. */
  line: string | null
}

/** An event as the server sends it. */
export interface EventFact {
  seq: number
  type: string
  executionId: string | null
  /** Name of the agent that has the execution. */
  agent: string | null
  data: unknown
  at: number
}

/** An activity as the server sends it. */
export interface ActivityFact {
  executionId: string
  /** Number of the attempt, from 1. */
  attempt: number
  text: string
  at: number
}

/** What an event makes of a view. Events that are in it already change nothing, so a stream can be taken up again. */
export function applyEvent(view: SessionView, event: EventFact): SessionView {
  if (event.seq <= view.seq) return view
  const next = { ...view, seq: event.seq }
  const status = event.type.startsWith('SESSION_') ? (event.type.slice('SESSION_'.length) as SessionStatus) : undefined
  if (status !== undefined) {
    return {
      ...next,
      status,
      reason: textOf(event, 'reason') ?? view.reason,
      endedAt: isEnded(status) ? event.at : null,
    }
  }
  return {
    ...next,
    executions: view.executions.map((execution) =>
      execution.id === event.executionId ? changed(execution, event, view) : execution,
    ),
  }
}

/** What an activity makes of a view: the line that is shown below its execution. */
export function applyActivity(view: SessionView, { executionId, text }: ActivityFact): SessionView {
  const line = lastLine(text)
  if (line === undefined) return view
  return { ...view, executions: view.executions.map((e) => (e.id === executionId ? { ...e, line } : e)) }
}

function changed(execution: ExecutionView, event: EventFact, view: SessionView): ExecutionView {
  if (event.type === 'ATTEMPT_STARTED') {
    return { ...execution, attempts: numberOf(event, 'number') ?? execution.attempts + 1, line: null }
  }
  if (event.type === 'ATTEMPT_ENDED') return { ...execution, error: errorOf(event) ?? execution.error }
  if (!event.type.startsWith('EXECUTION_')) return execution
  const status = event.type.slice('EXECUTION_'.length) as ExecutionStatus
  const causeId = textOf(event, 'causeId')
  return {
    ...execution,
    status,
    agent: event.agent ?? execution.agent,
    startedAt: status === 'RUNNING' ? (execution.startedAt ?? event.at) : execution.startedAt,
    endedAt: isSettled(status) ? event.at : null,
    resumeAt: status === 'WAITING' ? dateOf(event, 'resumeAt') : null,
    summary: textOf(event, 'summary') ?? execution.summary,
    error: status === 'ACCEPTED' ? null : (errorOf(event) ?? execution.error),
    cause: causeId === undefined ? execution.cause : (causeOf(view, causeId) ?? null),
  }
}

export const keyOf = (view: SessionView, executionId: string | null): string | undefined =>
  view.executions.find(({ id }) => id === executionId)?.key

/** Facts name executions by their bare ids, the API by global ones. */
const causeOf = (view: SessionView, causeId: string): string | undefined =>
  view.executions.find(({ id }) => uuidOf(id) === uuidOf(causeId))?.key

const member = ({ data }: EventFact, name: string): unknown =>
  data !== null && typeof data === 'object' ? (data as Record<string, unknown>)[name] : undefined

/** A text that the event carries under this name. */
export function textOf(event: EventFact, name: string): string | undefined {
  const value = member(event, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The message of the error that the event carries. */
export function errorOf(event: EventFact): string | undefined {
  const error = member(event, 'error')
  const message =
    error !== null && typeof error === 'object' ? (error as Record<string, unknown>)['message'] : undefined
  return typeof message === 'string' ? message : undefined
}

function numberOf(event: EventFact, name: string): number | undefined {
  const value = member(event, name)
  return typeof value === 'number' ? value : undefined
}

function dateOf(event: EventFact, name: string): number | null {
  const at = Date.parse(textOf(event, name) ?? '')
  return Number.isNaN(at) ? null : at
}
