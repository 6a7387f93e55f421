import type { Plan, PlanGroup, PlanNode } from './plan.ts'

/** What follows from a plan alone and is asked for at every step. */
export interface PlanIndex {
  nodes: ReadonlyMap<string, PlanNode>
  /** Its group and those above it, by the key of a node. */
  groupsOf: ReadonlyMap<string, readonly PlanGroup[]>
  /** Keys of the nodes in a group and in the groups below it. */
  membersOf: ReadonlyMap<PlanGroup, readonly string[]>
  /** The aggregators that go on as soon as they have enough, by the key of a branch. */
  aggregatorsOf: ReadonlyMap<string, readonly PlanNode[]>
}

// A plan never changes: a new version of it is another one.
const known = new WeakMap<Plan, PlanIndex>()

/** The index of a plan. Plans have up to thousands of nodes, and a step looks at each of them. */
export function indexOf(plan: Plan): PlanIndex {
  let index = known.get(plan)
  if (!index) {
    index = makeIndex(plan)
    known.set(plan, index)
  }
  return index
}

function makeIndex({ nodes, groups }: Plan): PlanIndex {
  const groupsOf = new Map<string, readonly PlanGroup[]>()
  const membersOf = new Map<PlanGroup, string[]>(groups.map((group) => [group, []]))
  const aggregatorsOf = new Map<string, PlanNode[]>()
  for (const node of nodes) {
    const chain = chainOf(groups, node.group)
    groupsOf.set(node.key, chain)
    for (const group of chain) (membersOf.get(group) as string[]).push(node.key)
    if (node.join !== 'ENOUGH') continue
    for (const branch of node.after) aggregatorsOf.set(branch, [...(aggregatorsOf.get(branch) ?? []), node])
  }
  return { nodes: new Map(nodes.map((node) => [node.key, node])), groupsOf, membersOf, aggregatorsOf }
}

function chainOf(groups: readonly PlanGroup[], key: string | undefined): PlanGroup[] {
  const group = groups.find((one) => one.key === key)
  return group ? [group, ...chainOf(groups, group.parent)] : []
}
