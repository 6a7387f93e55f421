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
  /** What waits for a person now, the oldest first. */
  interrupts: readonly InterruptView[]
}

/** A question to a person that has no answer yet. */
export interface InterruptView {
  id: string
  kind: string
  question: string
  /** Key of the execution that it concerns; null: the session as a whole. */
  key: string | null
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
  /** Why a gate rejected its last result; null once another one was accepted. */
  rejected: string | null
  /** What a person is asked before it goes on. */
  asks: string | null
  /** The child session that does it. */
  childId: string | null
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
    interrupts: interruptsAfter(view, event),
    executions: view.executions.map((execution) =>
      execution.id === event.executionId ? changed(execution, event, view) : execution,
    ),
  }
}

/** What a child session asks of people is asked for the execution that it does. */
export const applyChildEvent = (view: SessionView, event: EventFact): SessionView => ({
  ...view,
  interrupts: interruptsAfter(view, event),
})

/** The question that an event is about, as it is told while it is open. */
export const interruptIn = (view: SessionView, event: EventFact): InterruptView | undefined =>
  view.interrupts.find(({ id }) => id === textOf(event, 'interruptId'))

function interruptsAfter(view: SessionView, event: EventFact): readonly InterruptView[] {
  const id = textOf(event, 'interruptId')
  if (id === undefined) return view.interrupts
  if (event.type === 'INTERRUPT_RAISED') {
    const [kind = '', question = ''] = [textOf(event, 'kind'), textOf(event, 'question')]
    return [...view.interrupts, { id, kind, question, key: keyOf(view, event.executionId) ?? null }]
  }
  return OVER.has(event.type) ? view.interrupts.filter((one) => one.id !== id) : view.interrupts
}

/** Events after which nobody is asked any more. */
const OVER = new Set(['INTERRUPT_ANSWERED', 'INTERRUPT_EXPIRED', 'INTERRUPT_VOID'])

/** Whether an event speaks of an execution that the view does not have: the plan has grown. */
export const isUnknown = (view: SessionView, { executionId }: EventFact): boolean =>
  executionId !== null && !view.executions.some(({ id }) => id === executionId)

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
  if (event.type === 'VERDICT_GIVEN' && textOf(event, 'verdict') === 'REJECT') {
    return { ...execution, rejected: textOf(event, 'text') ?? 'no reason given' }
  }
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
    rejected: status === 'ACCEPTED' ? null : execution.rejected,
    asks: status === 'WAITING' ? (interruptIn(view, event)?.question ?? null) : null,
    childId: textOf(event, 'childId') ?? execution.childId,
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

/** A number that the event carries under this name. */
export function numberOf(event: EventFact, name: string): number | undefined {
  const value = member(event, name)
  return typeof value === 'number' ? value : undefined
}

function dateOf(event: EventFact, name: string): number | null {
  const at = Date.parse(textOf(event, name) ?? '')
  return Number.isNaN(at) ? null : at
}
