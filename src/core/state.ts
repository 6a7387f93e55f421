import type { Budget } from './budget.ts'
import type { Event } from './event.ts'
import type { ExecutionState } from './execution.ts'
import type { CheckKind, Verdict } from './gate.ts'
import { DEFAULT_EXPIRY_MS, type InterruptState } from './interrupt.ts'
import type { Json } from './json.ts'
import type { ClosePolicy, Pattern, Plan } from './plan.ts'
import type { SessionStatus } from './session.ts'

/** Limits of one session. Durations in milliseconds. */
export interface SessionLimits {
  /** Executions at once. */
  concurrency: number
  /** From the session's start to its end. */
  totalMs: number
  /** How long stopped work may take to stop before it is fenced off. */
  cancelGraceMs: number
  /** Versions of its plan that people may make by editing it, the first one included: each is kept, and shown in full. */
  planVersions: number
}

/** Five executions at once, an hour in all, 30 s to stop; a hundred versions of a plan. */
export const DEFAULT_LIMITS: SessionLimits = {
  concurrency: 5,
  totalMs: 3_600_000,
  cancelGraceMs: 30_000,
  planVersions: 100,
}

/** What is done with input for a session that runs. */
export const INPUT_POLICIES = ['REJECT', 'ENQUEUE', 'INTERRUPT'] as const
export type InputPolicy = (typeof INPUT_POLICIES)[number]

/** Where attempts change the workspace. */
export const ISOLATIONS = ['NONE', 'WORKTREES'] as const
export type Isolation = (typeof ISOLATIONS)[number]

/** What becomes of a result that does not go together with those accepted before it. */
export const CONFLICT_POLICIES = ['RETRY', 'FAIL', 'ASK'] as const
export type ConflictPolicy = (typeof CONFLICT_POLICIES)[number]

/** How a session is to be carried out, beside its limits. */
export interface SessionPolicy {
  /** REJECT: refused. ENQUEUE: for whatever begins later. INTERRUPT: what runs begins anew with it. */
  input: InputPolicy
  /** A person approves the plan before anything begins. */
  review: boolean
  /** Instead of FAILED it is rolled back. */
  rollback: boolean
  /** The workspace is committed beside its branches after each accepted execution, so that it can be restored. */
  snapshots: boolean
  /** What becomes of its children when it is stopped. */
  close: ClosePolicy
  /** How long its interrupts wait for an answer, in milliseconds. */
  interruptMs: number
  /** NONE: in the workspace itself. WORKTREES: each in a folder of its own, and what they leave is merged. */
  isolation: Isolation
  /** RETRY: again on top of those. FAIL: it fails. ASK: a person says which. */
  onConflict: ConflictPolicy
}

/** Rejects input, asks nobody, keeps no commits, stops its children, waits a day for answers, works in the workspace. */
export const DEFAULT_POLICY: SessionPolicy = {
  input: 'REJECT',
  review: false,
  rollback: false,
  snapshots: false,
  close: 'CANCEL_CHILDREN',
  interruptMs: DEFAULT_EXPIRY_MS,
  isolation: 'NONE',
  onConflict: 'RETRY',
}

/** What somebody told a session while it ran. */
export interface SessionInput {
  text: string
  by: string
  /** Milliseconds since the epoch. */
  at: number
}

/** How far a managed session has come. */
export interface Ledger {
  round: number
  /** Rounds in a row without progress, less those with. */
  stalls: number
  replans: number
  /** Whether the manager has said that the task is done. */
  satisfied: boolean
  /** The limit that ended it, in words. */
  limit?: string
}

/** A managed session before its first round. */
export const NO_ROUNDS: Ledger = { round: 0, stalls: 0, replans: 0, satisfied: false }

/** A rollback that is under way. */
export interface Rollback {
  reason: string
  /** Number of the event of the checkpoint that it goes back to; 0: to the beginning. */
  toSeq: number
  phase: 'STOPPING' | 'COMPENSATING' | 'RESTORING'
  /** Ids of the executions that had been accepted by then. */
  keep: readonly string[]
  /** Commit of that checkpoint. */
  commit?: string
}

/** A session as the state machine knows it. Times are milliseconds since the epoch. */
export interface SessionState {
  id: string
  projectId: string
  taskId: string
  rootSessionId?: string
  parentSessionId?: string
  retryOfId?: string
  /** The server process that keeps its timers and runs its errands. No rule looks at it. */
  driver?: string
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
  policy: SessionPolicy
  budget: Budget
  /** 1: nobody's child. */
  depth: number
  /** All that were ever raised, in order. */
  interrupts: readonly InterruptState[]
  inputs: readonly SessionInput[]
  /** Milliseconds spent waiting for people so far, and since when it waits again. */
  waitedMs: number
  waitingSince?: number
  ledger?: Ledger
  rollback?: Rollback
  /** Commit of the workspace when it began. */
  baseCommit?: string
  /** With worktrees: commit that holds all that was accepted; undefined: nothing of it has changed anything. */
  headCommit?: string
  /** The branch that shows it to people. */
  branch?: string
  /** The session that this one was forked from. */
  forkOfId?: string
  output?: Json
  reason?: string
  createdAt: number
  startedAt?: number
  endedAt?: number
}

/** Why a session is being stopped. */
export interface Ending {
  /** LIMIT: a budget is used up; what was accepted stands, so PARTIAL or FAILED. */
  move: 'CANCEL' | 'TIME_OUT' | 'LIMIT'
  reason: string
  /** After this instant what still runs is fenced off. */
  graceUntil: number
}

/** What a gate said of a result, and what it saw. */
export interface GateVerdict {
  /** Number of the event that tells it. */
  seq: number
  executionId: string
  attemptId: string
  /** Place among the checks of the result, from 0. */
  gate: number
  kind: CheckKind
  verdict: Verdict['kind']
  /** Feedback of REJECT, message of ERROR. */
  text?: string
  evidence: Json
  /** Milliseconds since the epoch. */
  at: number
}

/** What has to be done once a transition is durable. All of it can be derived from the rows again. */
export type Effect =
  | { type: 'ENQUEUE'; executionId: string }
  | { type: 'ABORT'; executionId: string; attemptId: string; reason: string }
  /** The next gate of a result has to give its verdict. */
  | { type: 'VALIDATE'; executionId: string }
  /** A child session has to begin. */
  | { type: 'SPAWN'; executionId: string; childId: string }
  /** A child session has to stop. */
  | { type: 'CLOSE_CHILD'; childId: string; reason: string }
  /** The workspace has to go back to a commit. */
  | { type: 'RESTORE' }

/** One step of the machine. `refused` says why a happening changed nothing. */
export interface Step {
  state: SessionState
  events: Event[]
  verdicts: GateVerdict[]
  effects: Effect[]
  refused?: string
}
