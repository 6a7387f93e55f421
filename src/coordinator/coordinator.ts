import type { Analysis } from '../core/analysis.ts'
import type { Problem } from '../core/check.ts'
import type { Decomposition } from '../core/decompose.ts'
import type { Json } from '../core/json.ts'
import type { Aggregate, Pattern, Plan, SubTask } from '../core/plan.ts'
import type { SessionLimits } from '../core/state.ts'

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
}

/** What doors see: the verbs that move sessions. Reads are theirs. */
export interface Coordinator {
  /** Makes a session of a task, plans it and hands what is ready to the engine. */
  start(input: StartInput): Promise<StartResult>
  /** What `start` would do with the same input. */
  analyze(input: StartInput): Promise<DryRun | Refusal>
  /** Stops a session: nothing new starts, what runs is told to stop and fenced off after the grace. */
  cancel(sessionId: string, reason: string): Promise<{ kind: 'CANCELING' } | Refusal>
  /** Makes a new session that goes on from the accepted results of an ended one. */
  retry(sessionId: string, idempotencyKey?: string): Promise<StartResult>
  /** Goes on with every session that a server left unfinished. Call once, before doors open. */
  recover(): Promise<{ sessions: number; lost: number }>
  /** Waits until a session of this server has ended; for tests and for a server that is about to stop. */
  ended(sessionId: string): Promise<void>
  /** Takes no more work and stops what runs; unfinished sessions go on with the next server. */
  stop(): Promise<void>
}
