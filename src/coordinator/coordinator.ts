import type { Analysis } from '../core/analysis.ts'
import type { Answering } from '../core/answer.ts'
import type { Unit, UnitLimits } from '../core/budget.ts'
import type { Problem } from '../core/check.ts'
import type { Decomposition } from '../core/decompose.ts'
import type { PlanEdit } from '../core/edit.ts'
import type { Estimate } from '../core/estimate.ts'
import type { Json } from '../core/json.ts'
import type { Aggregate, FailurePolicy, Pattern, Plan, SubTask } from '../core/plan.ts'
import type { SessionLimits, SessionPolicy } from '../core/state.ts'

/** A task as a caller words it. */
export interface TaskInput {
  title: string
  description: string
  input?: Json
  /** -100..100; the higher the sooner. */
  priority?: number
  capabilities?: readonly string[]
  /** The caller's own parts; without them the description is decomposed. */
  subTasks?: readonly SubTask[]
}

export interface StartInput {
  projectId: string
  /** An existing task by its id, or a new one. */
  task: { id: string } | TaskInput
  pattern: Pattern | 'AUTO'
  /** Undefined: COLLECT for PARALLEL and HIERARCHICAL, NONE for SEQUENTIAL and PIPELINE. */
  aggregate?: Aggregate
  /** VOTE: branches that have to agree. */
  votes?: number
  onFailure?: FailurePolicy
  /** QUORUM: parts that have to be accepted. */
  quorum?: number
  /** PIPELINE: every stage works on one item after the other. */
  items?: { list: readonly Json[]; buffer?: number; onFailure?: 'STOP' | 'DEAD_LETTER' }
  /** HIERARCHICAL: an agent delegates round by round. */
  manager?: { agent?: string; maxRounds: number; maxReplans: number; maxStalls?: number; maxChildren?: number }
  policy?: Partial<SessionPolicy>
  /** What it, with all below it, may use, by unit. */
  budget?: Partial<Record<Unit, UnitLimits>>
  limits?: Partial<SessionLimits>
  /** Of every execution that does not say otherwise; milliseconds. */
  attemptTimeoutMs?: number
  maxAttempts?: number
  /** The same key and input always answer with the same session. */
  idempotencyKey?: string
}

/** Why something can't be done, as doors tell it. */
export type Refusal =
  | { kind: 'INVALID'; problems: Problem[] }
  | { kind: 'NOT_FOUND'; what: string; id: string }
  | { kind: 'CONFLICT'; message: string }
  | { kind: 'FORBIDDEN'; message: string }
  | { kind: 'LIMIT'; message: string }

/** A session has been moved. */
export type Moved = { kind: 'MOVED'; sessionId: string } | Refusal

/** A caller's key for what it asks: with the same input it counts once, with another one it is refused. */
export interface Idempotency {
  /** What is asked. */
  operation: string
  key: string
  input: unknown
}

/** From where a new session goes on. */
export interface Fork {
  sessionId: string
  /** Number of the event of the checkpoint; undefined: all that has been accepted. */
  seq?: number
  /** Changes of the plan; what they touch, and what comes after it, is done anew. */
  edits?: readonly PlanEdit[]
  idempotencyKey?: string
}

export type StartResult = { kind: 'STARTED'; sessionId: string; replayed: boolean } | Refusal

/** What a task would become, without starting anything. */
export interface DryRun {
  kind: 'ANALYZED'
  analysis: Analysis
  decomposition: Decomposition
  plan: Plan
  /** For each node of the plan the agent that would be picked now, if any. */
  selections: { key: string; agentId: string | null; agentName: string | null; reasons: string[] }[]
  /** Longest chain of executions, and how many there are. */
  criticalPath: number
  /** What it will take, as far as earlier executions of the same agents tell. */
  estimate: Estimate
}

/** What doors see: the verbs that move sessions. Reads are theirs. */
export interface Coordinator {
  /** Makes a session of a task, plans it and hands what is ready to the engine. */
  start(input: StartInput): Promise<StartResult>
  /** What `start` would do with the same input. */
  analyze(input: StartInput): Promise<DryRun | Refusal>
  /** What a session's plan would take with the agents that would be picked now; undefined: there is no such session. */
  estimate(sessionId: string): Promise<Estimate | undefined>
  /** Stops a session: nothing new starts, what runs is told to stop and fenced off after the grace. */
  cancel(sessionId: string, reason: string, once?: Idempotency): Promise<{ kind: 'CANCELING' } | Refusal>
  /**
   * Makes a new session that goes on from the accepted results of an ended one.
   *
   * @param seq number of the event of a checkpoint: only what was accepted by then counts
   */
  retry(sessionId: string, idempotencyKey?: string, seq?: number): Promise<StartResult>
  /** Makes a new session that goes on from a checkpoint of any session, its plan changed or not. */
  fork(fork: Fork): Promise<StartResult>
  /** Answers an interrupt, exactly once. */
  answer(answering: Answering, once?: Idempotency): Promise<Moved>
  /** Nothing new begins until `resume`; what runs goes on. */
  pause(sessionId: string, reason: string, once?: Idempotency): Promise<Moved>
  resume(sessionId: string, once?: Idempotency): Promise<Moved>
  /** Tells a session something while it runs: what comes of it is its policy's. */
  input(sessionId: string, text: string, by: string, once?: Idempotency): Promise<Moved>
  /** Changes a plan that waits for approval; an approval of the earlier version is void. */
  edit(sessionId: string, edits: readonly PlanEdit[], by: string, once?: Idempotency): Promise<Moved>
  /** Stops a session and undoes what it did since a checkpoint; 0: since its beginning. */
  rollBack(sessionId: string, to: { toSeq: number; reason: string }, once?: Idempotency): Promise<Moved>
  /**
   * What came of a verb that moves a session, asked with the same key before: MOVED if it was done then, CONFLICT if the
   * key stands for another input, undefined if it stands for nothing. A verb whose key is taken moves nothing.
   */
  moved(once: Idempotency): Promise<Moved | undefined>
  /**
   * Takes its place among the servers of the database, and goes on with every session that nobody living has. Call once,
   * before doors open.
   */
  recover(): Promise<{ sessions: number; lost: number }>
  /**
   * Takes no more work, hands its sessions on if there are others who could go on with them, and waits until what runs
   * has come to its end.
   */
  drain(): Promise<void>
  /** Waits until a session of this server has ended; for tests and for a server that is about to stop. */
  ended(sessionId: string): Promise<void>
  /** Takes no more work and stops what runs; unfinished sessions go on with the next server. */
  stop(): Promise<void>
}
