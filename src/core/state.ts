import type { Event } from './event.ts'
import type { ExecutionState } from './execution.ts'
import type { Json } from './json.ts'
import type { Pattern, Plan } from './plan.ts'
import type { SessionStatus } from './session.ts'

/** Limits of one session. Durations in milliseconds. */
export interface SessionLimits {
  /** Executions at once. */
  concurrency: number
  /** From the session's start to its end. */
  totalMs: number
  /** How long stopped work may take to stop before it is fenced off. */
  cancelGraceMs: number
}

/** Rule 5's and rule 8's defaults. */
export const DEFAULT_LIMITS: SessionLimits = { concurrency: 5, totalMs: 3_600_000, cancelGraceMs: 30_000 }

/** A session as the state machine knows it. Times are milliseconds since the epoch. */
export interface SessionState {
  id: string
  projectId: string
  taskId: string
  rootSessionId?: string
  parentSessionId?: string
  retryOfId?: string
  status: SessionStatus
  pattern: Pattern
  priority: number
  /** Grows by one with every transition that is written. */
  version: number
  /** Number of the last event. */
  seq: number
  planVersion: number
  plan: Plan
  limits: SessionLimits
  /** By the key of their node. */
  executions: Readonly<Record<string, ExecutionState>>
  /** How it will end once its last attempts have stopped. */
  ending?: Ending
  output?: Json
  reason?: string
  createdAt: number
  startedAt?: number
  endedAt?: number
}

/** Why a session is being stopped. */
export interface Ending {
  move: 'CANCEL' | 'TIME_OUT'
  reason: string
  /** After this instant what still runs is fenced off. */
  graceUntil: number
}

/** Context after an accepted execution, by reference: outputs are immutable where they stand. */
export interface Checkpoint {
  seq: number
  executionId: string
  accepted: string[]
}

/** What has to be done once a transition is durable. All of it can be derived from the rows again. */
export type Effect =
  { type: 'ENQUEUE'; executionId: string } | { type: 'ABORT'; executionId: string; attemptId: string; reason: string }

/** One step of the machine. `refused` says why a happening changed nothing. */
export interface Step {
  state: SessionState
  events: Event[]
  checkpoints: Checkpoint[]
  effects: Effect[]
  refused?: string
}
