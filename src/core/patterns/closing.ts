import { freeKey } from '../freeKey.ts'
import type { Aggregate, NodeKind, PlanGroup, PlanNode } from '../plan.ts'
import type { NodeDefaults } from './node.ts'

/** The capability that an aggregating agent must have. */
export const AGGREGATE_CAPABILITY = 'write-report'

/** The group of a plan's closing node, which no failure of another group stops. */
export const CLOSING: PlanGroup = { key: 'closing', pattern: 'SEQUENTIAL', onFailure: 'CONTINUE', concurrency: 1 }

/** ITEMS: not asked for, but how a pipeline of items ends. */
type Closing = Exclude<Aggregate, 'NONE'> | 'ITEMS'

const WORDS: Record<Closing, { key: string; title: string }> = {
  COLLECT: { key: 'collect', title: 'Collect the results' },
  REDUCE: { key: 'reduce', title: 'Merge the results' },
  VOTE: { key: 'vote', title: 'Count the votes' },
  FIRST: { key: 'first', title: 'Take the first result' },
  AGENT: { key: 'report', title: 'Write the report' },
  ITEMS: { key: 'items', title: 'Put the items in order' },
}

/** Whether the coordinator does it itself, at once and for nothing. */
export function isDoneByCoordinator(kind: NodeKind): boolean {
  return kind in WORDS
}

/** The closing node: an execution of its own that is handed every branch in declared order, failures included. */
export function closingNode(
  how: Closing,
  nodes: readonly PlanNode[],
  { votes, timeouts, retry }: NodeDefaults & { votes?: number },
): PlanNode {
  const byAgent = how === 'AGENT'
  const kind: NodeKind = byAgent ? 'TASK' : how
  const branches = (how === 'ITEMS' ? endsOf(nodes) : nodes).map(({ key }) => key)
  const enough = how === 'FIRST' ? 1 : how === 'VOTE' ? (votes ?? majority(branches.length)) : undefined
  return {
    key: freeKey(WORDS[how].key, nodes),
    kind,
    title: WORDS[how].title,
    description: byAgent ? 'Bring the results of all parts together in one report.' : '',
    capabilities: byAgent ? [AGGREGATE_CAPABILITY] : [],
    optional: false,
    after: branches,
    needs: branches,
    join: enough === undefined ? 'SETTLED' : 'ENOUGH',
    group: CLOSING.key,
    timeouts,
    retry,
    ...(enough !== undefined && { votes: enough }),
  }
}

/** The nodes that nothing waits for. */
export function endsOf(nodes: readonly PlanNode[]): PlanNode[] {
  const awaited = new Set(nodes.flatMap(({ after }) => after))
  return nodes.filter(({ key }) => !awaited.has(key))
}

/** More than half. */
function majority(branches: number): number {
  return Math.floor(branches / 2) + 1
}
