import { topological } from './graph.ts'
import type { PatternCompiler } from './patterns/compiler.ts'
import { hierarchical } from './patterns/hierarchical.ts'
import { parallel } from './patterns/parallel.ts'
import { pipeline } from './patterns/pipeline.ts'
import { sequential } from './patterns/sequential.ts'
import type { Aggregate, Pattern, Plan, PlanNode, SubTask, Timeouts } from './plan.ts'
import { DEFAULT_RETRY, type RetryPolicy } from './retry.ts'

/** The capability that an aggregating agent must have. */
export const AGGREGATE_CAPABILITY = 'write-report'

export interface CompileOptions {
  /** Executions of a group at once. */
  concurrency: number
  aggregate: Aggregate
  timeouts: Timeouts
  retry: RetryPolicy
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
 * Compiles the parts of a task to the one graph that the coordinator runs. The parts must have passed `checkSubTasks`.
 * SEQUENTIAL and PIPELINE put them into a total order that respects their dependencies; HIERARCHICAL keeps the
 * dependencies as they are; PARALLEL has none.
 */
export function compile(parts: readonly SubTask[], pattern: Pattern, options: CompileOptions): Plan {
  const ordered = topological(parts.map((part) => ({ ...part, after: part.dependsOn }))) as SubTask[]
  const { nodes, groups } = COMPILERS[pattern](ordered, options)
  const compiled = nodes.map(({ part, group, after, needs }): PlanNode => ({
    key: part.key,
    kind: 'TASK',
    title: part.title,
    description: part.description,
    ...(part.type && { type: part.type }),
    capabilities: part.capabilities,
    ...(part.agent !== undefined && { agent: part.agent }),
    ...(part.input !== undefined && { input: part.input }),
    optional: part.optional ?? false,
    after,
    needs,
    join: 'ACCEPTED',
    group,
    timeouts: { ...options.timeouts, ...part.timeouts },
    retry: { ...options.retry, ...part.retry },
  }))
  const leaves = compiled.filter(({ key }) => !compiled.some(({ after }) => after.includes(key)))
  if (options.aggregate === 'NONE') return { pattern, nodes: compiled, groups, outputs: leaves.map(({ key }) => key) }
  const closing = aggregate(compiled, options)
  return {
    pattern,
    nodes: [...compiled, closing],
    groups: [...groups, { key: closing.group, pattern: 'SEQUENTIAL', onFailure: 'CONTINUE', concurrency: 1 }],
    outputs: [closing.key],
  }
}

/** The closing node: an execution of its own that is handed every branch in declared order, failures included. */
function aggregate(nodes: readonly PlanNode[], { aggregate, timeouts, retry }: CompileOptions): PlanNode {
  const byAgent = aggregate === 'AGENT'
  const taken = new Set(nodes.map(({ key }) => key))
  const free = (key: string): string => (taken.has(key) ? free(`${key}-`) : key)
  const keys = nodes.map(({ key }) => key)
  return {
    key: free(byAgent ? 'report' : 'collect'),
    kind: byAgent ? 'TASK' : 'COLLECT',
    title: byAgent ? 'Write the report' : 'Collect the results',
    description: byAgent ? 'Bring the results of all parts together in one report.' : '',
    capabilities: byAgent ? [AGGREGATE_CAPABILITY] : [],
    optional: false,
    after: keys,
    needs: keys,
    join: 'SETTLED',
    group: 'closing',
    timeouts,
    retry,
  }
}
