import type { ExecutionStatus } from './execution.ts'
import type { Json } from './json.ts'
import type { SessionStatus } from './session.ts'

/** Names of the facts of a session. Statuses name their own: EXECUTION_ACCEPTED, SESSION_RUNNING, … */
export type EventType =
  | `SESSION_${SessionStatus}`
  | `EXECUTION_${ExecutionStatus}`
  | 'PLAN_MADE'
  | 'PLAN_CHANGED'
  | 'ATTEMPT_STARTED'
  | 'ATTEMPT_ENDED'
  | 'ATTEMPT_LATE'
  | 'CHECKPOINT_MADE'
  | 'VERDICT_GIVEN'
  | 'INTERRUPT_RAISED'
  | 'INTERRUPT_ANSWERED'
  | 'INTERRUPT_EXPIRED'
  | 'INTERRUPT_ESCALATED'
  | 'INTERRUPT_VOID'
  | 'BUDGET_REACHED'
  | 'BUDGET_RAISED'
  | 'INPUT_RECEIVED'
  | 'ROUND_JUDGED'
  | 'CHILD_ENDED'
  | 'JUDGE_LOST'
  | 'COMPENSATION_FAILED'
  | 'WORKSPACE_RESTORED'

/** An ordered fact of a session. `at` is milliseconds since the epoch. */
export interface Event {
  seq: number
  type: EventType
  executionId?: string
  attemptId?: string
  data: { [key: string]: Json }
  at: number
}
