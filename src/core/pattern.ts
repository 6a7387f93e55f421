import { topological } from './graph.ts'
import { CLOSING, closingNode, endsOf } from './patterns/closing.ts'
import type { PatternCompiler, PatternOptions } from './patterns/compiler.ts'
import { hierarchical } from './patterns/hierarchical.ts'
import { makeNode, type NodeDefaults } from './patterns/node.ts'
import { parallel } from './patterns/parallel.ts'
import { pipeline } from './patterns/pipeline.ts'
import { sequential } from './patterns/sequential.ts'
import type { Aggregate, FailurePolicy, Pattern, Plan, PlanGroup, SubTask, Timeouts } from './plan.ts'
import { DEFAULT_RETRY } from './retry.ts'

/** How a task is planned; each has to fit the pattern, see `checkOptions`. */
export interface CompileOptions extends PatternOptions, NodeDefaults {
  aggregate: Aggregate
  /** VOTE: branches that have to agree; more than half of them unless it is said. */
  votes?: number
  /** What a failure does to the rest, instead of what the pattern says. */
  onFailure?: FailurePolicy
  /** QUORUM: how many have to be accepted. */
  quorum?: number
}

/** One attempt may take 10 minutes, be silent for 5, and wait an hour for an agent. */
export const DEFAULT_TIMEOUTS: Timeouts = { queueMs: 3_600_000, attemptMs: 600_000, idleMs: 300_000 }
export const DEFAULT_COMPILE: CompileOptions = {
  concurrency: 5,
  aggregate: 'NONE',
  timeouts: DEFAULT_TIMEOUTS,
  retry: DEFAULT_RETRY,
}

const COMPILERS: Record<Pattern, PatternCompiler> = {
  SEQUENTIAL: sequential,
  PARALLEL: parallel,
  PIPELINE: pipeline,
  HIERARCHICAL: hierarchical,
}

/**
 * Compiles the parts of a task to the one graph that the coordinator runs. The parts must have passed `checkSubTasks`
 * and the options `checkOptions`. SEQUENTIAL and PIPELINE put the parts into a total order that respects their
 * dependencies; HIERARCHICAL keeps the dependencies as they are; PARALLEL has none.
 */
export function compile(parts: readonly SubTask[], pattern: Pattern, options: CompileOptions): Plan {
  const placed = COMPILERS[pattern](inTurn(parts) as SubTask[], options)
  const nodes = placed.nodes.map((place) => makeNode(place, options))
  const groups = placed.groups.map((group) => withPolicy(group, options))
  if (options.manager) return { pattern, nodes, groups, outputs: [], manager: options.manager }
  const how = options.items ? 'ITEMS' : options.aggregate
  if (how === 'NONE') return { pattern, nodes, groups, outputs: endsOf(nodes).map(({ key }) => key) }
  const closing = closingNode(how, nodes, options)
  return { pattern, nodes: [...nodes, closing], groups: [...groups, CLOSING], outputs: [closing.key] }
}

/** COLLECT where several parts stand side by side. */
export function defaultAggregate(pattern: Pattern, parts: readonly SubTask[]): Aggregate {
  return parts.length > 1 && (pattern === 'PARALLEL' || pattern === 'HIERARCHICAL') ? 'COLLECT' : 'NONE'
}

/** The parts in an order that respects their dependencies; undefined if these go round in a circle. */
export function inTurn(parts: readonly SubTask[]): SubTask[] | undefined {
  return topological(parts.map((part) => ({ key: part.key, after: part.dependsOn, part })))?.map(({ part }) => part)
}

/** The caller's failure policy is that of the group at the top. */
function withPolicy(group: PlanGroup, { onFailure, quorum }: CompileOptions): PlanGroup {
  if (group.parent !== undefined || onFailure === undefined) return group
  return { ...group, onFailure, ...(quorum !== undefined && { quorum }) }
}
