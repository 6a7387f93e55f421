import { remainingPath } from '../core/graph.ts'
import {
  type ChildSession as CoreChild,
  type Compensation as CoreCompensation,
  type Manager as CoreManager,
  NODE_KINDS,
  type Plan as CorePlan,
  type PlanGroup as CoreGroup,
  type PlanNode as CoreNode,
  type Reserve as CoreReserve,
} from '../core/plan.ts'
import { builder } from './builder.ts'
import { AgentTypeEnum, enumOf, FailurePolicyEnum, PatternEnum } from './enums.ts'
import { Gate } from './gate.ts'
import { Timeouts } from './timeouts.ts'

const NodeKindEnum = enumOf('NodeKind', 'Who does a node of a plan.', NODE_KINDS, {
  TASK: 'An agent does it.',
  MANAGE: 'An agent does it, and its result makes the plan grow by what it delegates.',
  UNDO: 'An agent does it; it undoes another node.',
  SESSION: 'A child session does it.',
  COLLECT: 'The coordinator gathers what all branches put out, failures included.',
  REDUCE: 'The coordinator merges the objects that accepted branches put out.',
  VOTE: 'The coordinator takes the output that enough branches agree on.',
  FIRST: 'The coordinator takes the output of the branch that was accepted first.',
  ITEMS: 'The coordinator puts the items of a pipeline back into their order.',
})

const JOINS = ['ACCEPTED', 'ACCEPTED_OR_SKIPPED', 'SETTLED', 'ENOUGH'] as const
const JoinEnum = enumOf('Join', 'When what comes before a node has come far enough for it to begin.', JOINS, {
  ACCEPTED: 'All of it was accepted.',
  ACCEPTED_OR_SKIPPED: 'All of it was accepted or skipped.',
  SETTLED: 'All of it has settled, failures included.',
  ENOUGH: 'The node has what it needs, at the latest when all of it has settled.',
})

const Compensation = builder.objectRef<CoreCompensation>('Compensation').implement({
  description: 'Work that undoes an accepted execution when its session is rolled back.',
  fields: (t) => ({
    title: t.exposeString('title', { description: 'What is wanted, in one line.' }),
    description: t.string({
      description: 'What is wanted, in full; may be empty.',
      resolve: ({ description }) => description ?? '',
    }),
    capabilities: t.stringList({
      description: 'Skills that are needed; a short list.',
      resolve: ({ capabilities = [] }) => [...capabilities],
    }),
    agent: t.string({
      nullable: true,
      description: 'Name of the one agent that may do it; null: any.',
      resolve: ({ agent }) => agent,
    }),
    input: t.field({
      type: 'JSON',
      nullable: true,
      description: "The caller's own data for it.",
      resolve: ({ input }) => input,
    }),
  }),
})

const Reserve = builder.objectRef<CoreReserve>('Reserve').implement({
  description: "What one attempt may use of the session's budget; null: an equal share of the limit.",
  fields: (t) => ({
    tokens: t.float({
      nullable: true,
      description: 'Tokens of models, in and out.',
      resolve: ({ tokens }) => tokens,
    }),
    cost: t.float({ nullable: true, description: 'US dollars.', resolve: ({ cost }) => cost }),
  }),
})

const PlannedSession = builder.objectRef<CoreChild>('PlannedSession').implement({
  description: 'What a child session is to do.',
  fields: (t) => ({
    pattern: t.expose('pattern', { type: PatternEnum, description: 'How its executions work together.' }),
    keys: t.stringList({
      description: 'Keys of its parts; a list of at most 200.',
      resolve: ({ parts }) => parts.map(({ key }) => key),
    }),
    settings: t.field({
      type: 'JSON',
      description: 'All that was said of it, as its input has it.',
      resolve: (session) => session,
    }),
  }),
})

const Node = builder.objectRef<CoreNode>('PlanNode').implement({
  description: 'One execution-to-be.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Unique within the plan.' }),
    kind: t.expose('kind', { type: NodeKindEnum, description: 'Who does it.' }),
    title: t.exposeString('title', { description: 'What is wanted, in one line.' }),
    description: t.exposeString('description', { description: 'What is wanted, in full; may be empty.' }),
    type: t.field({
      type: AgentTypeEnum,
      nullable: true,
      description: 'The kind of agent wanted; null: any.',
      resolve: (n) => n.type,
    }),
    capabilities: t.stringList({
      description: 'Skills that are needed; a short list.',
      resolve: (n) => [...n.capabilities],
    }),
    agent: t.string({
      nullable: true,
      description: 'Name of the one agent that may do it; null: any.',
      resolve: (n) => n.agent,
    }),
    input: t.field({ type: 'JSON', nullable: true, description: "The caller's own data.", resolve: (n) => n.input }),
    optional: t.exposeBoolean('optional', { description: 'Whether the session can be PARTIAL without it.' }),
    join: t.expose('join', { type: JoinEnum, description: 'When what comes before it has come far enough.' }),
    behind: t.stringList({
      description: 'Keys of nodes that must have settled before, whatever their end; a short list.',
      resolve: ({ behind = [] }) => [...behind],
    }),
    onceBegun: t.stringList({
      description: 'Keys of nodes that must have begun before, or settled without; a short list.',
      resolve: ({ onceBegun = [] }) => [...onceBegun],
    }),
    group: t.exposeString('group', { description: 'Key of the group that it belongs to.' }),
    timeouts: t.expose('timeouts', { type: Timeouts, description: 'Its limits of time.' }),
    maxAttempts: t.int({
      description: 'Attempts in all, the first one included.',
      resolve: ({ retry }) => retry.maxAttempts,
    }),
    gates: t.field({
      type: [Gate],
      description: 'What its result has to pass, in the order in which they run; a list of at most 21.',
      resolve: ({ gates = [] }) => [...gates],
    }),
    fallback: t.stringList({
      description: 'Names of the agents that try it once all attempts have failed, in this order; a list of at most 5.',
      resolve: ({ fallback = [] }) => [...fallback],
    }),
    compensation: t.field({
      type: Compensation,
      nullable: true,
      description: 'What undoes it when its session is rolled back; null: nothing does.',
      resolve: ({ compensation }) => compensation,
    }),
    reserve: t.field({
      type: Reserve,
      nullable: true,
      description: 'What one attempt of it may use of the budget; null: an equal share of the limit.',
      resolve: ({ reserve }) => reserve,
    }),
    votes: t.int({
      nullable: true,
      description: 'VOTE: branches that have to agree; else null.',
      resolve: ({ votes }) => votes,
    }),
    session: t.field({
      type: PlannedSession,
      nullable: true,
      description: 'SESSION: what the child session is to do; else null.',
      resolve: ({ session }) => session,
    }),
    undoes: t.string({
      nullable: true,
      description:
        'UNDO: key of the node that it undoes, as child/key if the child session of the node child did that one; else null.',
      resolve: ({ undoes }) => undoes,
    }),
    item: t.int({
      nullable: true,
      description: 'Place of the item that it works on, from 0; null: it works on none.',
      resolve: ({ item }) => item,
    }),
  }),
})

interface EdgeShape {
  from: string
  to: string
  data: boolean
}

const Edge = builder.objectRef<EdgeShape>('PlanEdge').implement({
  description: 'One node waits for another.',
  fields: (t) => ({
    from: t.exposeString('from', { description: 'Key of the node that comes first.' }),
    to: t.exposeString('to', { description: 'Key of the node that waits.' }),
    data: t.exposeBoolean('data', { description: 'Whether the waiting one is handed the output of the first.' }),
  }),
})

const Group = builder.objectRef<CoreGroup>('PlanGroup').implement({
  description: 'Nodes that follow one pattern together.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Unique within the plan.' }),
    parent: t.string({ nullable: true, description: 'Key of the group above; null: none.', resolve: (g) => g.parent }),
    pattern: t.expose('pattern', { type: PatternEnum, description: 'The pattern that they follow.' }),
    onFailure: t.expose('onFailure', {
      type: FailurePolicyEnum,
      description: 'What a failure does to the rest of the group.',
    }),
    quorum: t.int({
      nullable: true,
      description: 'QUORUM: how many of the group, with the groups below it, have to be accepted; else null.',
      resolve: ({ quorum }) => quorum,
    }),
    concurrency: t.exposeInt('concurrency', { description: 'Executions of the group at once.' }),
  }),
})

const Manager = builder.objectRef<CoreManager>('Manager').implement({
  description: 'Who manages a HIERARCHICAL session round by round, and for how long.',
  fields: (t) => ({
    agent: t.string({
      nullable: true,
      description: 'Name of the one agent that may do it; null: any that can plan.',
      resolve: ({ agent }) => agent,
    }),
    maxRounds: t.exposeInt('maxRounds', { description: 'Rounds in all.' }),
    maxReplans: t.exposeInt('maxReplans', { description: 'Times that it may begin anew after a stall.' }),
    maxStalls: t.exposeInt('maxStalls', {
      description: 'Rounds without progress that are borne; one more is a stall.',
    }),
    maxChildren: t.exposeInt('maxChildren', { description: 'Parts that all rounds may delegate.' }),
  }),
})

export interface PlanShape {
  version: number
  graph: CorePlan
}

export const Plan = builder.objectRef<PlanShape>('Plan').implement({
  description: 'The graph of the sub-tasks. All patterns compile to it.',
  fields: (t) => ({
    version: t.exposeInt('version', { description: 'From 1; 0: a dry run that was not stored.' }),
    pattern: t.field({
      type: PatternEnum,
      description: 'The pattern as a whole.',
      resolve: ({ graph }) => graph.pattern,
    }),
    nodes: t.field({
      type: [Node],
      description: 'Executions-to-be in their order; a list of at most 2,001.',
      complexity: { field: 2, multiplier: 20 },
      resolve: ({ graph }) => [...graph.nodes],
    }),
    edges: t.field({
      type: [Edge],
      description: 'Who waits for whom; a list bounded by the number of nodes.',
      complexity: { field: 2, multiplier: 20 },
      resolve: ({ graph }) =>
        graph.nodes.flatMap((node) =>
          node.after.map((from) => ({ from, to: node.key, data: node.needs.includes(from) })),
        ),
    }),
    groups: t.field({
      type: [Group],
      description: 'Nodes that follow one pattern together; a list bounded by the number of nodes.',
      resolve: ({ graph }) => [...graph.groups],
    }),
    outputs: t.stringList({
      description: "Keys of the nodes whose outputs are the session's output; a list bounded by the number of nodes.",
      resolve: ({ graph }) => [...graph.outputs],
    }),
    manager: t.field({
      type: Manager,
      nullable: true,
      description: 'Who manages it round by round; null: nobody does.',
      resolve: ({ graph }) => graph.manager,
    }),
    criticalPath: t.stringList({
      description: 'Keys along the longest chain of nodes, the first one first: no session is done in fewer steps.',
      resolve: ({ graph }) => longestChain(graph),
    }),
  }),
})

/** Each step goes to the follower from which the way to the end is longest. */
function longestChain({ nodes }: CorePlan): string[] {
  const remaining = remainingPath(nodes, () => 1)
  const longest = (keys: string[]): string | undefined =>
    keys.toSorted((a, b) => (remaining.get(b) ?? 0) - (remaining.get(a) ?? 0))[0]
  const chain: string[] = []
  let next = longest(nodes.filter(({ after }) => after.length === 0).map(({ key }) => key))
  while (next !== undefined) {
    chain.push(next)
    const from: string = next
    next = longest(nodes.filter(({ after }) => after.includes(from)).map(({ key }) => key))
  }
  return chain
}
