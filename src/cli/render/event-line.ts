import cliTruncate from 'cli-truncate'
import {
  type EventFact,
  errorOf,
  type ExecutionView,
  interruptIn,
  numberOf,
  type SessionView,
  textOf,
} from '../view.ts'
import { count, duration, inWords, oneLine } from '../words.ts'
import type { Paint } from './paint.ts'

/** Characters of a gate's feedback that are shown; all of it is handed to the next attempt. */
const FEEDBACK = 300

/** A command with these arguments, as it has to be typed here. */
export type Typed = (args: string) => string

/** What answers an interrupt: the beginning of its id is enough. */
export const answering = ({ id }: { id: string }, typed: Typed): string => typed(`approve ${id.slice(0, 8)}`)

/** The line for an event; undefined for those that say nothing new to a person. */
export function eventLine(event: EventFact, view: SessionView, paint: Paint, typed: Typed): string | undefined {
  const { type } = event
  if (type.startsWith('SESSION_')) return sessionLine(event, view, paint, typed)
  const execution = view.executions.find(({ id }) => id === event.executionId)
  const says = (text: string): string => (execution ? `${paint('cyan', execution.key)} ${text}` : text)
  if (type.startsWith('INTERRUPT_')) {
    const line = interruptLine(event, view, typed)
    return line === undefined ? undefined : says(paint('yellow', line))
  }
  if (execution && type.startsWith('EXECUTION_')) return executionLine(event, execution, paint, says)
  const text = otherLine(event, execution, typed)
  return text === undefined ? undefined : says(text)
}

function executionLine(
  event: EventFact,
  { agent, attempts, title, startedAt, summary, error, cause, resumeAt, childId, asks }: ExecutionView,
  paint: Paint,
  says: (text: string) => string,
): string | undefined {
  const { type, at } = event
  const took = startedAt === null ? '' : ` in ${duration(at - startedAt)}`
  switch (type) {
    case 'EXECUTION_RUNNING':
      if (childId !== null) return says(`is done by a session of its own, ${childId}: ${oneLine(title)}`)
      return says(`${attempts > 1 ? `attempt ${attempts} ` : ''}starts with ${agent ?? 'its agent'}: ${oneLine(title)}`)
    case 'EXECUTION_ACCEPTED':
      return says(`${paint('green', 'accepted')}${took}${summary === null ? '' : `: ${oneLine(summary)}`}`)
    case 'EXECUTION_FAILED':
      return says(`${paint('red', 'failed')}${took}: ${oneLine(error ?? 'for no known reason')}`)
    case 'EXECUTION_SKIPPED':
      return says(`${paint('yellow', 'skipped')}${cause === null ? '' : ` because of ${cause}`}`)
    case 'EXECUTION_CANCELED':
      return says(`${paint('yellow', 'canceled')}: ${oneLine(textOf(event, 'reason') ?? 'the session was stopped')}`)
    case 'EXECUTION_COMPENSATED':
      return says(paint('yellow', 'undone'))
    case 'EXECUTION_WAITING':
      // What it asks has just been told.
      if (asks !== null) return undefined
      return says(resumeAt === null ? 'waits' : `is tried again in ${duration(resumeAt - at)}`)
    default:
      return undefined
  }
}

function interruptLine(event: EventFact, view: SessionView, typed: Typed): string | undefined {
  const choice = inWords(textOf(event, 'choice') ?? '')
  switch (event.type) {
    case 'INTERRUPT_RAISED':
    case 'INTERRUPT_ESCALATED': {
      const raised = interruptIn(view, event)
      const still = event.type === 'INTERRUPT_ESCALATED' ? 'still ' : ''
      return raised && `${still}waits for you: ${oneLine(raised.question)} Answer with: ${answering(raised, typed)}`
    }
    case 'INTERRUPT_ANSWERED':
      return `answered by ${oneLine(textOf(event, 'by') ?? 'somebody')}: ${choice}`
    case 'INTERRUPT_EXPIRED':
      return `nobody answered in time, which means: ${choice}`
    case 'INTERRUPT_VOID':
      return `needs no answer any more: ${oneLine(textOf(event, 'why') ?? 'it is no longer so')}`
    default:
      return undefined
  }
}

const COURSES: Record<string, string> = {
  DONE: 'the task is done',
  GO_ON: 'it goes on',
  REPLAN: 'no progress, so it plans anew',
  LIMIT: 'its limit is reached',
}

/** Whatever else happens to an execution or to the session. */
function otherLine(event: EventFact, execution: ExecutionView | undefined, typed: Typed): string | undefined {
  const text = (name: string): string => oneLine(textOf(event, name) ?? '')
  switch (event.type) {
    case 'ATTEMPT_ENDED': {
      const message = errorOf(event)
      return message === undefined ? undefined : `attempt ${execution?.attempts} failed: ${oneLine(message)}`
    }
    case 'VERDICT_GIVEN': {
      const verdict = textOf(event, 'verdict')
      if (verdict === 'REJECT') {
        // A rejection that no gate had to ask for has no place among them.
        const by = (numberOf(event, 'gate') ?? 0) < 0 ? '' : ` by its gate ${text('kind')}`
        return `rejected${by}: ${cliTruncate(text('text'), FEEDBACK)}`
      }
      return verdict === 'ERROR' ? `has no verdict of its gate ${text('kind')}: ${text('text')}` : undefined
    }
    case 'PLAN_CHANGED': {
      const added = listOf(event, 'added')
      const grown = added.length === 0 ? 'the plan was changed' : `the plan grows by ${added.join(', ')}`
      return `${grown}: ${text('why')}`
    }
    case 'ROUND_JUDGED': {
      const reasons = listOf(event, 'reasons').map(oneLine).join(' ')
      return `judged round ${numberOf(event, 'round')}: ${COURSES[text('course')] ?? text('course')}${reasons && `. ${reasons}`}`
    }
    case 'CHILD_ENDED':
      return `is through with its session: ${inWords(text('status'))}. Show it with: ${typed(`watch ${text('childId')}`)}`
    case 'BUDGET_REACHED': {
      const limit = text('limit')
      const of = numberOf(event, limit)
      return `${limit} limit reached: ${numberOf(event, 'used')} of ${of} ${text('unit')} are used`
    }
    case 'BUDGET_RAISED':
      return `the budget of ${text('unit')} was changed by ${text('by')}`
    case 'INPUT_RECEIVED':
      return `${text('by')} says: ${text('text')}`
    case 'COMPENSATION_FAILED':
      return `${execution ? '' : `${text('key')} `}could not be undone: ${oneLine(errorOf(event) ?? '')}`
    case 'WORKSPACE_RESTORED':
      return `the workspace is as it was at ${text('commit')}`
    default:
      return undefined
  }
}

function listOf({ data }: EventFact, name: string): string[] {
  const value = data !== null && typeof data === 'object' ? (data as Record<string, unknown>)[name] : undefined
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function sessionLine(event: EventFact, view: SessionView, paint: Paint, typed: Typed): string | undefined {
  const why = textOf(event, 'reason')
  const because = why === undefined ? '' : `: ${oneLine(why)}`
  switch (event.type) {
    case 'SESSION_RUNNING':
      // With the beginning comes how long it may take.
      return numberOf(event, 'totalMs') === undefined ? 'it goes on' : undefined
    case 'SESSION_AWAITING_APPROVAL':
      return paint('yellow', 'the plan waits for approval before anything begins')
    case 'SESSION_CANCELING':
      return paint('yellow', `stopping: ${oneLine(view.reason ?? 'it was asked to')}`)
    case 'SESSION_PAUSED':
      return paint('yellow', `paused${because}. Go on with: ${typed(`resume ${view.id}`)}`)
    case 'SESSION_INTERRUPTED':
      return paint('yellow', `nothing is left to do but to wait for ${count(view.interrupts.length, 'answer')}`)
    case 'SESSION_ROLLING_BACK':
      return paint('yellow', `rolling back${because}`)
    default:
  }
  if (view.endedAt === null) return undefined
  const style = view.status === 'SUCCEEDED' ? 'green' : view.status === 'PARTIAL' ? 'yellow' : 'red'
  return paint(style, `session ${inWords(view.status)} in ${duration(event.at - view.createdAt)}`)
}
