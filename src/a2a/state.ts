import { TaskState } from '@a2a-js/sdk'
import type { SessionStatus } from '../core/session.ts'

/** What a session is for those who gave it as a task. */
const STATES: Readonly<Record<SessionStatus, TaskState>> = {
  QUEUED: TaskState.TASK_STATE_SUBMITTED,
  ANALYZING: TaskState.TASK_STATE_SUBMITTED,
  AWAITING_APPROVAL: TaskState.TASK_STATE_INPUT_REQUIRED,
  RUNNING: TaskState.TASK_STATE_WORKING,
  INTERRUPTED: TaskState.TASK_STATE_INPUT_REQUIRED,
  PAUSED: TaskState.TASK_STATE_WORKING,
  CANCELING: TaskState.TASK_STATE_WORKING,
  ROLLING_BACK: TaskState.TASK_STATE_WORKING,
  SUCCEEDED: TaskState.TASK_STATE_COMPLETED,
  PARTIAL: TaskState.TASK_STATE_COMPLETED,
  FAILED: TaskState.TASK_STATE_FAILED,
  CANCELED: TaskState.TASK_STATE_CANCELED,
  TIMED_OUT: TaskState.TASK_STATE_FAILED,
  ROLLED_BACK: TaskState.TASK_STATE_CANCELED,
}

/**
 * The state of a task.
 *
 * @param asks kinds of interrupts that are open, in the session or below it
 * @param waits nothing is left to do in the session and below it but to wait for people
 */
export function stateOf(status: SessionStatus, asks: readonly string[], waits: boolean): TaskState {
  const state = STATES[status]
  const isAsking = state === TaskState.TASK_STATE_INPUT_REQUIRED || (waits && status === 'RUNNING')
  if (!isAsking) return state
  // What it waited for has been answered, and it is about to go on.
  if (asks.length === 0) return TaskState.TASK_STATE_WORKING
  return asks.every((kind) => kind === 'AUTH')
    ? TaskState.TASK_STATE_AUTH_REQUIRED
    : TaskState.TASK_STATE_INPUT_REQUIRED
}

/** Statuses that are told as this state. */
export const statusesOf = (state: TaskState): SessionStatus[] =>
  (Object.keys(STATES) as SessionStatus[]).filter((status) => STATES[status] === state)

/** Whether a stream has nothing more to tell until somebody does something. */
export const isSettled = (state: TaskState): boolean => SETTLED.has(state)

const SETTLED: ReadonlySet<TaskState> = new Set([
  TaskState.TASK_STATE_COMPLETED,
  TaskState.TASK_STATE_FAILED,
  TaskState.TASK_STATE_CANCELED,
  TaskState.TASK_STATE_INPUT_REQUIRED,
  TaskState.TASK_STATE_AUTH_REQUIRED,
])
