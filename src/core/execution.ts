import type { Amounts } from './budget.ts'
import type { CheckKind, Gate } from './gate.ts'
import type { Json } from './json.ts'
import type { ErrorClass } from './retry.ts'
import type { Done } from './undoable.ts'

export const EXECUTION_STATUSES = [
  'PENDING',
  'BLOCKED',
  'READY',
  'ASSIGNED',
  'RUNNING',
  'VALIDATING',
  'WAITING',
  'ACCEPTED',
  'FAILED',
  'SKIPPED',
  'CANCELED',
  'COMPENSATED',
] as const
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number]

export const ATTEMPT_STATUSES = ['RUNNING', 'OK', 'ERROR', 'TIMEOUT', 'LOST', 'CANCELED'] as const
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number]

/** QUEUE: no agent took it; ATTEMPT: one attempt took too long; IDLE: no activity; TOTAL: the session took too long. */
export type TimeoutKind = 'QUEUE' | 'ATTEMPT' | 'IDLE' | 'TOTAL'

/** What can be done to an execution. */
export const EXECUTION_MOVES = [
  'BLOCK',
  'READY',
  'ASSIGN',
  'START',
  'VALIDATE',
  'WAIT',
  'ACCEPT',
  'FAIL',
  'SKIP',
  'CANCEL',
  'COMPENSATE',
] as const
export type ExecutionMove = (typeof EXECUTION_MOVES)[number]

type Row = Record<ExecutionMove, ExecutionStatus | null>
const NOWHERE: Row = {
  BLOCK: null,
  READY: null,
  ASSIGN: null,
  START: null,
  VALIDATE: null,
  WAIT: null,
  ACCEPT: null,
  FAIL: null,
  SKIP: null,
  CANCEL: null,
  COMPENSATE: null,
}

/**
 * Where each move leads from each status; null: it can't be done there. Terminal rows lead nowhere but to rollback. There
 * is no move that no execution ever makes: the simulation reaches all of them.
 */
export const EXECUTION_TABLE: Record<ExecutionStatus, Row> = {
  // Planned; the session has not begun with it. ACCEPT: carried over from the session that this one goes on from.
  PENDING: { ...NOWHERE, BLOCK: 'BLOCKED', READY: 'READY', ACCEPT: 'ACCEPTED', SKIP: 'SKIPPED' },
  // Waits for the executions that it depends on.
  BLOCKED: { ...NOWHERE, READY: 'READY', SKIP: 'SKIPPED', CANCEL: 'CANCELED' },
  // Waits for an agent. ACCEPT: the coordinator does it itself. FAIL: it could not, or nobody took it in time; then READY
  // is another agent's turn, and WAIT a person's.
  READY: {
    ...NOWHERE,
    READY: 'READY',
    ASSIGN: 'ASSIGNED',
    WAIT: 'WAITING',
    ACCEPT: 'ACCEPTED',
    FAIL: 'FAILED',
    SKIP: 'SKIPPED',
    CANCEL: 'CANCELED',
  },
  // Never for longer than the step that claims it.
  ASSIGNED: { ...NOWHERE, START: 'RUNNING' },
  RUNNING: {
    ...NOWHERE,
    READY: 'READY',
    VALIDATE: 'VALIDATING',
    WAIT: 'WAITING',
    FAIL: 'FAILED',
    CANCEL: 'CANCELED',
  },
  // Its result passes its gates, one after the other.
  VALIDATING: {
    ...NOWHERE,
    READY: 'READY',
    WAIT: 'WAITING',
    ACCEPT: 'ACCEPTED',
    FAIL: 'FAILED',
    SKIP: 'SKIPPED',
    CANCEL: 'CANCELED',
  },
  // Waits for time (a retry) or for a person. WAIT: after that person's answer it waits for another one's.
  WAITING: {
    ...NOWHERE,
    READY: 'READY',
    VALIDATE: 'VALIDATING',
    WAIT: 'WAITING',
    FAIL: 'FAILED',
    SKIP: 'SKIPPED',
    CANCEL: 'CANCELED',
  },
  ACCEPTED: { ...NOWHERE, COMPENSATE: 'COMPENSATED' },
  FAILED: NOWHERE,
  SKIPPED: NOWHERE,
  CANCELED: NOWHERE,
  COMPENSATED: NOWHERE,
}

const SETTLED: ReadonlySet<ExecutionStatus> = new Set(['ACCEPTED', 'FAILED', 'SKIPPED', 'CANCELED', 'COMPENSATED'])
const HELD: ReadonlySet<ExecutionStatus> = new Set(['ASSIGNED', 'RUNNING'])

/** Whether an execution has come to its end. */
export function isSettled(status: ExecutionStatus): boolean {
  return SETTLED.has(status)
}

/** Whether an agent has it in hand, so that it takes up a slot. */
export function isHeld(status: ExecutionStatus): boolean {
  return HELD.has(status)
}

/** Whether it takes up room: an agent has it in hand, or its result is being looked at. */
export function takesRoom(status: ExecutionStatus): boolean {
  return isHeld(status) || status === 'VALIDATING'
}

/** What is stored of a failure. */
export interface Failure {
  class: ErrorClass
  message: string
}

/** One try of an execution. Times are milliseconds since the epoch. */
export interface AttemptState {
  id: string
  number: number
  status: AttemptStatus
  agentId: string
  agentVersion: number
  fence: number
  owner: string
  leaseUntil: number
  startedAt: number
  endedAt?: number
  timeout?: TimeoutKind
  retryable?: boolean
  error?: Failure
  usage?: Json
  /** What it may use of the budget. */
  reserved?: Amounts
}

/** A result that has not passed all its gates yet. */
export interface Candidate {
  output: Json
  summary: string
  evidence: Json
  artifacts: number
  /** The artifacts by name and SHA-256, for whoever has to approve them. */
  files?: { name: string; sha256: string }[]
  /** Commits of the workspace as the attempt found it, and as it left it. */
  before?: string
  commit?: string
}

/** A result that is passing its gates. */
export interface Examined extends Candidate {
  /** What the judge that was asked may use of the budget. */
  judge?: Amounts
  /** The server that was to ask it has stopped in order: nobody had asked it by then. */
  handedBack?: boolean
}

/** Why a result was rejected, for the next attempt. */
export interface Feedback {
  attempt: number
  gate: CheckKind | 'LEDGER'
  text: string
  /** Fallback agents tried by then. */
  fallbacks?: number
}

/** What a person answered to an agent's question. */
export interface Reply {
  question: string
  text: string
  data: Json
  /** What was shown with the question. */
  shown?: Json
}

/** What was frozen when the execution became READY. The outputs themselves stand, immutable, in the executions named. */
export interface FrozenInput {
  data: Json
  upstream: { key: string; executionId: string; status: ExecutionStatus }[]
  /** How many of the session's inputs it was handed. */
  inputs?: number
}

/** An execution as the state machine knows it. Times are milliseconds since the epoch. */
export interface ExecutionState {
  id: string
  key: string
  position: number
  status: ExecutionStatus
  /** Attempts so far. */
  attempt: number
  /** Those that count against the retry policy; LOST ones do not. */
  counted: number
  /** Those that were LOST without our having meant it. */
  lost: number
  fence: number
  /** The last attempt. */
  current?: AttemptState
  agentId?: string
  selection?: Json
  input?: FrozenInput
  inputHash?: string
  output?: Json
  summary?: string
  evidence?: Json
  /** Artifacts of the accepted result, if it has any. */
  artifactCount?: number
  /** With worktrees: commit of the accepted result, if it has changed anything. */
  commit?: string
  error?: Failure
  /** Whose end made this one SKIPPED or CANCELED. */
  causeId?: string
  carriedId?: string
  /** Set once its running attempt has been told to stop. */
  aborting?: string
  /** Once it has stopped it begins anew instead of being CANCELED. */
  again?: boolean
  candidate?: Examined
  /** VALIDATING: place of the gate whose verdict is awaited, and its errors so far. */
  gate?: number
  gateErrors?: number
  feedback?: readonly Feedback[]
  replies?: readonly Reply[]
  /** Fallback agents tried so far, and the one whose turn it is. */
  fallbacks?: number
  /** WAITING: the interrupt whose answer it waits for. */
  interruptId?: string
  /** The child session that does it. */
  childId?: string
  /** What the child may use of the budget. */
  slice?: Amounts
  /** What its children that have ended did and left to be undone, in the order of its completion. */
  undo?: readonly Done[]
  /** Number of the event that told of its acceptance. Its checkpoint has the next one. */
  acceptedSeq?: number
  /** Commit of the workspace once it was accepted, where there is one: what its checkpoint goes back to. */
  head?: string
  readyAt?: number
  resumeAt?: number
  startedAt?: number
  endedAt?: number
}

/** The attempt that an agent has in hand, if one has. */
export function heldAttempt({ status, current }: ExecutionState): AttemptState | undefined {
  return isHeld(status) ? current : undefined
}

/** Whether a judge is next for its result. */
export function isJudged({ status, gate = 0 }: ExecutionState, gates: readonly Gate[] = []): boolean {
  return status === 'VALIDATING' && gates[gate]?.kind === 'JUDGE'
}

/** Whether that judge was not asked yet, since nothing was left of the budget. */
export function waitsForJudge(execution: ExecutionState, gates: readonly Gate[] | undefined): boolean {
  return isJudged(execution, gates) && execution.candidate?.judge === undefined
}

/** Whether a judge was asked and has not told its verdict. */
export function hasJudge({ status, candidate }: ExecutionState): boolean {
  return status === 'VALIDATING' && candidate?.judge !== undefined
}

/** A new execution of a plan's node. */
export function pendingExecution(id: string, key: string, position: number): ExecutionState {
  return { id, key, position, status: 'PENDING', attempt: 0, counted: 0, lost: 0, fence: 0 }
}
