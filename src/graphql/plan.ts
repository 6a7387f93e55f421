import type { Analysis as CoreAnalysis, Factor as CoreFactor } from '../core/analysis.ts'
import { remainingPath } from '../core/graph.ts'
import type { Plan as CorePlan, PlanGroup as CoreGroup, PlanNode as CoreNode } from '../core/plan.ts'
import { builder } from './builder.ts'
import { AgentTypeEnum, PatternEnum } from './enums.ts'
import { Timeouts } from './timeouts.ts'

const Factor = builder.objectRef<CoreFactor>('AnalysisFactor').implement({
  description: 'One reason why a task is hard or easy.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is.' }),
    value: t.exposeFloat('value', { description: 'How much of it there is: 0 to 1.' }),
    weight: t.exposeFloat('weight', {
      description: 'Points of complexity that a value of 1 gives; negative for what makes a task easier.',
    }),
    contribution: t.exposeFloat('contribution', {
      description: 'Points that it gives here; all of them add up to the complexity.',
    }),
    reason: t.exposeString('reason', { description: 'A sentence for people.' }),
  }),
})

const Risk = builder.enumType('Risk', {
  description: 'How much harm a task might do.',
  values: {
    LOW: { description: 'Nothing speaks of harm.' },
    MEDIUM: { description: 'One thing does.' },
    HIGH: { description: 'Several things do.' },
  } as const,
})

export const Analysis = builder.objectRef<CoreAnalysis>('Analysis').implement({
  description: 'What can be said of a task before anyone works on it.',
  fields: (t) => ({
    complexity: t.exposeFloat('complexity', { description: '0 to 10, to one decimal.' }),
    factors: t.expose('factors', { type: [Factor], description: 'What made the complexity; a short list.' }),
    pattern: t.expose('pattern', {
      type: PatternEnum,
      description: 'The pattern that fits how the parts hang together.',
    }),
    patternReason: t.exposeString('patternReason', { description: 'Why it does.' }),
    capabilities: t.stringList({
      description: 'Skills that some part or the caller demands; a list of at most as many as were named.',
      resolve: ({ capabilities }) => capabilities,
    }),
    risk: t.expose('risk', { type: Risk, description: 'How much harm it might do.' }),
    riskReasons: t.exposeStringList('riskReasons', { description: 'Why; a short list.' }),
  }),
})

const Node = builder.objectRef<CoreNode>('PlanNode').implement({
  description: 'One execution-to-be.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Unique within the plan.' }),
    kind: t.exposeString('kind', {
      description: 'TASK: done by an agent. COLLECT: the coordinator gathers the results itself.',
    }),
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
    join: t.exposeString('join', {
      description:
        'ACCEPTED: it waits until all before it are accepted. SETTLED: until they have settled, failures included.',
    }),
    group: t.exposeString('group', { description: 'Key of the group that it belongs to.' }),
    timeouts: t.expose('timeouts', { type: Timeouts, description: 'Its limits of time.' }),
    maxAttempts: t.int({
      description: 'Attempts in all, the first one included.',
      resolve: ({ retry }) => retry.maxAttempts,
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
    onFailure: t.exposeString('onFailure', {
      description: 'FAIL_FAST: a failure stops the rest of the group. CONTINUE: it does not.',
    }),
    concurrency: t.exposeInt('concurrency', { description: 'Executions of the group at once.' }),
  }),
})

interface PlanShape {
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
      description: 'Executions-to-be in their order; a list of at most 201.',
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
