import type { AgentType } from './agent.ts'
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
}

/** Limits of one execution, in milliseconds. */
export interface Timeouts {
  /** From READY until an agent takes it. */
  queueMs: number
  /** One attempt. */
  attemptMs: number
  /** Without any activity while running. */
  idleMs: number
}

/** TASK is done by an agent; COLLECT is done by the coordinator itself: it gathers what its branches put out. */
export type NodeKind = 'TASK' | 'COLLECT'

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
  /** ACCEPTED: every `after` was accepted. SETTLED: every `after` reached a terminal status, failures included. */
  join: 'ACCEPTED' | 'SETTLED'
  group: string
  timeouts: Timeouts
  retry: RetryPolicy
}

/** What a failure inside a group does to the rest of it. */
export type FailurePolicy = 'FAIL_FAST' | 'CONTINUE'

/** Nodes that follow one pattern; HIERARCHICAL plans have several, one below another. */
export interface PlanGroup {
  key: string
  parent?: string
  pattern: Pattern
  onFailure: FailurePolicy
  /** Executions of this group at once. */
  concurrency: number
}

/** The graph that all four patterns compile to. */
export interface Plan {
  pattern: Pattern
  nodes: readonly PlanNode[]
  groups: readonly PlanGroup[]
  /** Keys of the nodes whose outputs are the session's output. */
  outputs: readonly string[]
}
