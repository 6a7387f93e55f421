import { type Changes as CoreChanges, diffPlans, type PlanDiff as CoreDiff } from '../core/diff.ts'
import type { Plan as CorePlan } from '../core/plan.ts'
import { builder } from './builder.ts'
import { pageCost, pageOfLog } from './connection.ts'
import { Estimate } from './estimate.ts'
import { Plan } from './plan.ts'

const Change = builder.objectRef<CoreChanges['changed'][number]>('PlanChange').implement({
  description: 'Something that both plans have, but not alike.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Key of the node or the group.' }),
    fields: t.exposeStringList('fields', { description: 'Names of what differs, sorted; a short list.' }),
  }),
})

const PlanChanges = builder.objectRef<CoreChanges>('PlanChanges').implement({
  description: 'What distinguishes the nodes, or the groups, of two plans.',
  fields: (t) => ({
    added: t.exposeStringList('added', { description: 'Keys that only the later one has; a list by the plan.' }),
    removed: t.exposeStringList('removed', { description: 'Keys that only the earlier one has; a list by the plan.' }),
    changed: t.expose('changed', { type: [Change], description: 'What both have, but not alike; a list by the plan.' }),
  }),
})

const PlanDiff = builder.objectRef<CoreDiff>('PlanDiff').implement({
  description: 'What distinguishes two versions of a plan.',
  fields: (t) => ({
    nodes: t.field({ type: PlanChanges, description: 'Of the nodes.', resolve: (diff) => diff }),
    groups: t.expose('groups', { type: PlanChanges, description: 'Of the groups.' }),
    addedOutputs: t.stringList({
      description: "Keys of nodes that put out the session's output in the later one only; a list by the plan.",
      resolve: ({ outputs }) => outputs.added,
    }),
    removedOutputs: t.stringList({
      description: 'Those that do in the earlier one only; a list by the plan.',
      resolve: ({ outputs }) => outputs.removed,
    }),
    fields: t.exposeStringList('fields', {
      description:
        'Names of what else differs; nodes and groups: those that both have stand in another order. A short list.',
    }),
  }),
})

const PlanConnection = builder.connectionObject(
  {
    type: Plan,
    name: 'PlanVersionConnection',
    description: 'A page of versions of a plan.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many versions there are on all pages together: the number of the last one.',
        resolve: (page) => (page as unknown as { totalCount: () => number }).totalCount(),
      }),
    }),
  },
  { name: 'PlanVersionEdge', description: 'One version of a plan with its place in the order.' },
)

builder.prismaObjectFields('Session', (t) => ({
  plans: t.connection(
    {
      type: Plan,
      description: 'All versions of its plan, from the first. Cursors are the numbers of the versions.',
      complexity: pageCost,
      select: { id: true, planVersion: true },
      resolve: ({ id, planVersion }, args, { database }) =>
        pageOfLog(
          args,
          async ({ after, before, limit, descending }) => {
            const rows = await database.prisma.plan.findMany({
              where: { sessionId: id, version: { gt: after, lt: before } },
              orderBy: { version: descending ? 'desc' : 'asc' },
              take: limit,
            })
            return rows.map(({ version, graph }) => ({ seq: version, version, graph }))
          },
          () => planVersion,
        ) as never,
    },
    PlanConnection as never,
  ),
  planDiff: t.field({
    type: PlanDiff,
    nullable: true,
    description: 'What distinguishes two versions of its plan; null: one of them does not exist.',
    complexity: 10,
    args: {
      from: t.arg.int({ required: true, description: 'The earlier version, from 1.' }),
      to: t.arg.int({ required: true, description: 'The later version.' }),
    },
    select: { id: true },
    resolve: async ({ id }, { from, to }, { database }) => {
      const rows = await database.prisma.plan.findMany({ where: { sessionId: id, version: { in: [from, to] } } })
      const graphOf = (wanted: number) =>
        rows.find(({ version }) => version === wanted)?.graph as unknown as CorePlan | undefined
      const [before, after] = [graphOf(from), graphOf(to)]
      return before && after ? diffPlans(before, after) : null
    },
  }),
  estimate: t.field({
    type: Estimate,
    nullable: true,
    description: 'What its plan takes with the agents that would be picked now, from what they took before.',
    // Asks for every session by itself.
    complexity: 250,
    select: { id: true },
    resolve: ({ id }, _args, { coordinator }) => coordinator.estimate(id),
  }),
}))
