import type { PlanGroup, SubTask } from '../plan.ts'

/** What a pattern says of its parts; the rest of a node is the same for all patterns. */
interface Compiled {
  nodes: { part: SubTask; group: string; after: readonly string[]; needs: readonly string[] }[]
  groups: PlanGroup[]
}

/** Gives the parts of a task, in an order that respects their dependencies, their places in the graph. */
export type PatternCompiler = (parts: readonly SubTask[], options: { concurrency: number }) => Compiled
