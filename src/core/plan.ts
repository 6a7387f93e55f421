import type { AgentType } from './agent.ts'
import type { Gate } from './gate.ts'
import type { Json } from './json.ts'
import type { RetryPolicy } from './retry.ts'

export const PATTERNS = ['SEQUENTIAL', 'PARALLEL', 'PIPELINE', 'HIERARCHICAL'] as const
export type Pattern = (typeof PATTERNS)[number]

/** A part of a task, before a pattern has given it its place in the plan. */
export interface SubTask {
  /** Unique within the task: letters, digits, `-` and `_`, at most 64 characters. */
  key: string
  title: string
  description: string
  /** The kind of agent wanted, when it is known. */
  type?: AgentType
  /** Every one of them is needed (fuzzily matched against what agents offer). */
  capabilities: readonly string[]
  /** Keys of sub-tasks that must be ACCEPTED before. */
  dependsOn: readonly string[]
  /** Data for the agent, beside the outputs of the sub-tasks that it depends on. */
  input?: Json
  /** The session can be PARTIAL without it. */
  optional?: boolean
  /** Name of the one agent that may do it. */
  agent?: string
  timeouts?: Partial<Timeouts>
  retry?: Partial<RetryPolicy>
  /** What its result has to pass, in this order within each kind; kinds have an order of their own (E36). */
  gates?: readonly Gate[]
  /** Names of the agents that try it once the retry policy has given up, in this order. */
  fallback?: readonly string[]
  /** It also starts when a sub-task that it depends on was SKIPPED; one that FAILED still makes it SKIPPED. */
  evenIfSkipped?: boolean
  /** JSON Schema of what it wants from the stage before it; checked when the plan is made. */
  inputSchema?: Json
  /** JSON Schema of what it puts out: its first gate. */
  outputSchema?: Json
  /** What undoes it when its session is rolled back. */
  compensation?: Compensation
  /** What one attempt may use of the session's budget. */
  reserve?: Reserve
  /** It is not done by an agent but by a session of its own, with these parts. */
  session?: ChildSession
}

/** Work that undoes an accepted execution; it is handed that one's input and output. */
export interface Compensation {
  title: string
  description?: string
  capabilities?: readonly string[]
  agent?: string
  input?: Json
}

/** Tokens and US dollars that one attempt may use. */
export interface Reserve {
  tokens?: number
  cost?: number
}

/** What becomes of a child session when its parent is stopped. */
export type ClosePolicy = 'CANCEL_CHILDREN' | 'WAIT' | 'ABANDON'

/** A part of a session that is a session itself. */
export interface ChildSession {
  pattern: Pattern
  parts: readonly SubTask[]
  aggregate?: Aggregate
  votes?: number
  onFailure?: FailurePolicy
  quorum?: number
  /** Its slice of the parent's budget. */
  slice?: Reserve & { executions?: number }
}

/**
 * How a plan closes. NONE: with its last part. COLLECT: the coordinator gathers what all parts put out. REDUCE: it merges
 * their objects; a key with two values is an error. VOTE: the output that enough branches agree on. FIRST: that of the
 * branch that is accepted first. AGENT: an agent that can write reports brings them together.
 */
export const AGGREGATES = ['NONE', 'COLLECT', 'REDUCE', 'VOTE', 'FIRST', 'AGENT'] as const
export type Aggregate = (typeof AGGREGATES)[number]

/** Limits of one execution, in milliseconds. */
export interface Timeouts {
  /** From READY until an agent takes it. */
  queueMs: number
  /** One attempt. */
  attemptMs: number
  /** Without any activity while running. */
  idleMs: number
}

/**
 * TASK is done by an agent. MANAGE too: its output is a ledger, which makes the plan grow. UNDO too: it compensates
 * another node. SESSION is done by a child session. The others the coordinator does itself: COLLECT, REDUCE, VOTE and
 * FIRST bring branches together, ITEMS puts the items of a pipeline back into their order.
 */
export const NODE_KINDS = ['TASK', 'MANAGE', 'UNDO', 'SESSION', 'COLLECT', 'REDUCE', 'VOTE', 'FIRST', 'ITEMS'] as const
export type NodeKind = (typeof NODE_KINDS)[number]

/** One execution-to-be in a plan. */
export interface PlanNode {
  key: string
  kind: NodeKind
  title: string
  description: string
  type?: AgentType
  capabilities: readonly string[]
  agent?: string
  input?: Json
  optional: boolean
  /** Order edges: the node becomes READY once all of them have come far enough for `join`. */
  after: readonly string[]
  /** Data edges, in declared order: whose outputs the node is handed. Order edges lead there, directly or by way of others. */
  needs: readonly string[]
  /** When what comes before has come far enough: see `Join`. */
  join: Join
  /** Keys of nodes that must have settled before, whatever their end: bounded buffers are made of this. */
  behind?: readonly string[]
  /** Keys of nodes that must have begun before, or settled without: a place between two stages is free then. */
  onceBegun?: readonly string[]
  group: string
  timeouts: Timeouts
  retry: RetryPolicy
  gates?: readonly Gate[]
  fallback?: readonly string[]
  compensation?: Compensation
  reserve?: Reserve
  /** VOTE: branches that have to agree. */
  votes?: number
  /** SESSION: what the child session does. */
  session?: ChildSession
  /** UNDO: key of the node that it compensates; `child/key` if the child session of the node `child` did that one. */
  undoes?: string
  /** Place of the item that it works on, from 0. */
  item?: number
}

/**
 * ACCEPTED: every `after` was accepted. ACCEPTED_OR_SKIPPED: or skipped. SETTLED: every `after` reached a terminal
 * status, failures included. ENOUGH: as soon as the aggregator has what it needs, at the latest when all have settled.
 */
export type Join = 'ACCEPTED' | 'ACCEPTED_OR_SKIPPED' | 'SETTLED' | 'ENOUGH'

/**
 * What a failure inside a group does to the rest of it. FAIL_FAST: stops it. CONTINUE: nothing. QUORUM: stops it once no
 * longer enough of it can be accepted.
 */
export const FAILURE_POLICIES = ['FAIL_FAST', 'CONTINUE', 'QUORUM'] as const
export type FailurePolicy = (typeof FAILURE_POLICIES)[number]

/** Nodes that follow one pattern; HIERARCHICAL plans have several, one below another. */
export interface PlanGroup {
  key: string
  parent?: string
  pattern: Pattern
  onFailure: FailurePolicy
  /** QUORUM: how many of the group, with the groups below it, have to be accepted. */
  quorum?: number
  /** Executions of this group at once. */
  concurrency: number
}

/** Who manages a HIERARCHICAL session round by round, and for how long. */
export interface Manager {
  /** Name of the one agent that may do it; else any that can plan. */
  agent?: string
  /** Rounds in all. */
  maxRounds: number
  /** Times that it may begin anew after a stall. */
  maxReplans: number
  /** Rounds without progress that are borne; one more is a stall. */
  maxStalls: number
  /** Sub-tasks that all rounds may delegate. */
  maxChildren: number
}

/** The graph that all four patterns compile to. */
export interface Plan {
  pattern: Pattern
  nodes: readonly PlanNode[]
  groups: readonly PlanGroup[]
  /** Keys of the nodes whose outputs are the session's output. */
  outputs: readonly string[]
  manager?: Manager
}
