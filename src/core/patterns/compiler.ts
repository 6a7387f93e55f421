import type { Json } from '../json.ts'
import type { Manager, NodeKind, PlanGroup, PlanNode, SubTask } from '../plan.ts'

/** A part and what a pattern says of it; the rest of a node is the same for all patterns. */
export interface Placed extends Pick<PlanNode, 'group' | 'after' | 'needs' | 'behind' | 'onceBegun' | 'item'> {
  part: SubTask
  kind?: NodeKind
}

interface Compiled {
  nodes: Placed[]
  /** The group at the top comes first. */
  groups: PlanGroup[]
}

/** What each stage of a PIPELINE does one after the other, instead of one thing. */
export interface Items {
  list: readonly Json[]
  /** Items that may stand finished between two stages. */
  buffer: number
  /** STOP: the first item that fails stops all. DEAD_LETTER: it is left out, the others go on. */
  onFailure: 'STOP' | 'DEAD_LETTER'
}

/** What patterns want to know beside the parts. */
export interface PatternOptions {
  /** Executions of a group at once. */
  concurrency: number
  items?: Items
  manager?: Manager
}

/** Gives the parts of a task, in an order that respects their dependencies, their places in the graph. */
export type PatternCompiler = (parts: readonly SubTask[], options: PatternOptions) => Compiled
