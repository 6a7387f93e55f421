import { z } from 'zod'
import { AGGREGATES, FAILURE_POLICIES, PATTERNS } from '../core/plan.ts'
import type { DryRun, Refusal, StartInput } from '../coordinator/coordinator.ts'
import { Agent } from './agent.ts'
import { Analysis } from './analysis.ts'
import { builder } from './builder.ts'
import { BudgetInput, budgetRules } from './budget.ts'
import { AggregateEnum, FailurePolicyEnum, PatternChoiceEnum } from './enums.ts'
import { refusedBy, type Refused } from './errors.ts'
import { Estimate } from './estimate.ts'
import { pathInInput } from './gate.ts'
import { idOf } from './ids.ts'
import { dryRun, mutation } from './mutation.ts'
import { Plan } from './plan.ts'
import { policyRules, SessionPolicyInput } from './policy.ts'
import * as rules from './rules.ts'
import { checkLoad, started, startedBy } from './started.ts'
import { TaskInput, taskRules } from './task.ts'

const LimitsInput = builder.inputType('LimitsInput', {
  description: 'Limits of a session; what is left out has the default of the server.',
  fields: (t) => ({
    concurrency: t.int({ description: 'Executions at once: 1 to 1000, 5 unless told.' }),
    totalMs: t.field({
      type: 'Duration',
      description: 'Milliseconds from its start to its end: at most 30 days, 1 hour unless told.',
    }),
    cancelGraceMs: t.field({
      type: 'Duration',
      description: 'Milliseconds that stopped work may take to stop: at most 10 minutes, 30 seconds unless told.',
    }),
    planVersions: t.int({
      description: 'Versions of its plan that people may make by editing it: 1 to 1000, 100 unless told.',
    }),
    attemptMs: t.field({
      type: 'Duration',
      description:
        'Milliseconds that one attempt may take where the sub-task does not say: at most 7 days, 10 minutes unless told.',
    }),
    maxAttempts: t.int({
      description: 'Attempts of one execution where the sub-task does not say: 1 to 100, 3 unless told.',
    }),
  }),
})

const ItemFailure = builder.enumType('ItemFailure', {
  description: 'What a failed item of a pipeline does.',
  values: {
    STOP: { description: 'It stops all other items.' },
    DEAD_LETTER: { description: 'It is left out, and told with the output; the others go on.' },
  } as const,
})

const ItemsInput = builder.inputType('ItemsInput', {
  description: 'Items that go through the stages of a PIPELINE; every stage works on one after the other.',
  fields: (t) => ({
    list: t.field({
      type: ['JSON'],
      required: true,
      description: 'The items: 1 to 1,000; with all stages at most 2,000 executions.',
    }),
    buffer: t.int({ description: 'Items that may stand finished between two stages: 1 to 1,000, 4 unless told.' }),
    onFailure: t.field({ type: ItemFailure, description: 'What a failed item does; STOP if left out.' }),
  }),
})

const ManagerInput = builder.inputType('ManagerInput', {
  description: 'An agent that delegates round by round, in a HIERARCHICAL session.',
  fields: (t) => ({
    agent: t.string({ description: 'Name of the one agent that may do it; any that can plan if left out.' }),
    maxRounds: t.int({ required: true, description: 'Rounds in all: 1 to 100.' }),
    maxReplans: t.int({ required: true, description: 'Times that it may begin anew after a stall: 0 to 20.' }),
    maxStalls: t.int({
      description: 'Rounds without progress that are borne, one more is a stall: 1 to 20, 3 unless told.',
    }),
    maxChildren: t.int({ description: 'Parts that all rounds may delegate: 1 to 20, 20 unless told.' }),
  }),
})

const startRules = rules
  .object({
    project: rules.globalId,
    taskId: rules.optional(rules.globalId),
    task: rules.optional(taskRules),
    pattern: rules.optional(z.enum(['AUTO', ...PATTERNS])),
    aggregate: rules.optional(z.enum(AGGREGATES)),
    votes: rules.optional(rules.whole(1, 2_000)),
    onFailure: rules.optional(z.enum(FAILURE_POLICIES)),
    quorum: rules.optional(rules.whole(1, 2_000)),
    items: rules.optional(
      rules.object({
        list: z.array(rules.json).min(1, 'are none').max(1_000, 'are more than 1,000'),
        buffer: rules.optional(rules.whole(1, 1_000)),
        onFailure: rules.optional(z.enum(['STOP', 'DEAD_LETTER'])),
      }),
    ),
    manager: rules.optional(
      rules.object({
        agent: rules.optional(rules.name),
        maxRounds: rules.whole(1, 100),
        maxReplans: rules.whole(0, 20),
        maxStalls: rules.optional(rules.whole(1, 20)),
        maxChildren: rules.optional(rules.whole(1, 20)),
      }),
    ),
    policy: rules.optional(policyRules),
    budget: rules.optional(budgetRules),
    limits: rules.optional(
      rules.object({
        concurrency: rules.optional(rules.whole(1, 1_000)),
        totalMs: rules.optional(rules.whole(1, 30 * 86_400_000)),
        cancelGraceMs: rules.optional(rules.whole(0, 600_000)),
        planVersions: rules.optional(rules.whole(1, 1_000)),
        attemptMs: rules.optional(rules.whole(1, 7 * 86_400_000)),
        maxAttempts: rules.optional(rules.whole(1, 100)),
      }),
    ),
  })
  .refine((input) => (input.task === undefined) !== (input.taskId === undefined), {
    path: ['task'],
    message: 'give either task or taskId',
  })
  .transform((input): StartInput => {
    const { project, taskId = '', task, pattern = 'AUTO', limits: given = {}, ...rest } = input
    const { attemptMs, maxAttempts, ...limits } = given
    return {
      ...rest,
      projectId: idOf('Project', project),
      task: task ?? { id: idOf('Task', taskId) },
      pattern,
      ...(Object.keys(limits).length > 0 && { limits }),
      ...(attemptMs !== undefined && { attemptTimeoutMs: attemptMs }),
      ...(maxAttempts !== undefined && { maxAttempts }),
    }
  })

const StartInputType = mutation('startOrchestration', {
  needs: 'OPERATOR',
  keyed: 'STARTS',
  description: 'Makes a session of a task, plans it and starts it. It is stored before this answers.',
  input: (t) => ({
    project: t.id({ required: true, description: 'Global id or UUID of the project.' }),
    taskId: t.id({ description: 'Global id or UUID of a task that exists; or else give task.' }),
    task: t.field({ type: TaskInput, description: 'A new task; or else give taskId.' }),
    pattern: t.field({
      type: PatternChoiceEnum,
      description: 'How its executions are to work together; AUTO if left out.',
    }),
    aggregate: t.field({
      type: AggregateEnum,
      description:
        'How the results are brought together; if left out, COLLECT for PARALLEL and HIERARCHICAL, else NONE.',
    }),
    votes: t.int({ description: 'With VOTE: branches that have to agree; more than half if left out.' }),
    onFailure: t.field({
      type: FailurePolicyEnum,
      description: 'What a failure does to the rest; as the pattern says if left out.',
    }),
    quorum: t.int({ description: 'With QUORUM: parts that have to be accepted.' }),
    items: t.field({ type: ItemsInput, description: 'With PIPELINE: items that go through its stages.' }),
    manager: t.field({ type: ManagerInput, description: 'With HIERARCHICAL: who delegates round by round.' }),
    policy: t.field({ type: SessionPolicyInput, description: 'How it is to be carried out.' }),
    budget: t.field({ type: BudgetInput, description: 'What it may use, with all sessions below it.' }),
    limits: t.field({ type: LimitsInput, description: 'What it may take.' }),
  }),
  rules: startRules,
  success: started,
  resolve: async (given, context, once) => {
    const input = { ...given, ...(once && { idempotencyKey: once.key }) }
    await checkLoad(context, once)
    return startedBy(await context.coordinator.start(input), (refusal) => refusedIn(input, refusal))
  },
})

/** A refusal with the places of its problems in the input as it was given. */
function refusedIn({ task }: StartInput, refusal: Refusal): Refused {
  if (refusal.kind !== 'INVALID') return refusedBy(refusal)
  const problems = refusal.problems.map(({ path, message }) => {
    const isPart = path[0] === 'subTasks'
    if ('id' in task) return { path: isPart || path[0] === 'task' ? ['taskId'] : path, message }
    return { path: isPart ? ['task', ...pathInInput(path, task)] : path, message }
  })
  return refusedBy({ kind: 'INVALID', problems })
}

const SelectionPreview = builder.objectRef<DryRun['selections'][number]>('SelectionPreview').implement({
  description: 'Who would be picked now for one node of a plan.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Node of the plan.' }),
    agent: t.field({
      type: Agent,
      nullable: true,
      description: 'Who; null: nobody is free, or the coordinator does it itself.',
      resolve: ({ agentId }, _args, { loaders }) => (agentId === null ? null : loaders.agent.load(agentId)),
    }),
    reasons: t.exposeStringList('reasons', { description: 'Short phrases for people; a short list.' }),
  }),
})

const METHODS = {
  CALLER: 'You gave the parts.',
  LIST: 'The text is a list.',
  STEPS: 'The text tells steps.',
  CLAUSES: 'The text asks for several things.',
  SINGLE: 'The text asks for one thing.',
}
const DecompositionMethod = builder.enumType('DecompositionMethod', {
  description: 'Where the parts of a task come from.',
  values: Object.fromEntries(
    Object.entries(METHODS).map(([value, description]) => [value, { value, description }]),
  ) as {
    [Method in keyof typeof METHODS]: { value: Method; description: string }
  },
})

dryRun<StartInput, DryRun>(
  'analyzeTask',
  {
    needs: 'VIEWER',
    keyed: 'STARTS',
    description: 'What startOrchestration would do with the same input. Starts and stores nothing.',
    rules: startRules,
    success: (t) => ({
      analysis: t.expose('analysis', { type: Analysis, description: 'What can be said of the task.' }),
      plan: t.field({
        type: Plan,
        description: 'The graph that would run.',
        resolve: ({ plan }) => ({ version: 0, graph: plan }),
      }),
      decomposition: t.field({
        type: DecompositionMethod,
        description: 'Where the parts come from.',
        resolve: ({ decomposition }) => decomposition.method,
      }),
      decompositionReasons: t.stringList({
        description: 'How the text was read, in sentences; a short list.',
        resolve: ({ decomposition }) => decomposition.reasons,
      }),
      estimate: t.expose('estimate', {
        type: Estimate,
        description: 'What it will take, as far as earlier executions of the same agents tell.',
      }),
      selections: t.expose('selections', {
        type: [SelectionPreview],
        description: 'Who would be picked now; one per node, a list of at most 201.',
      }),
    }),
    resolve: async (input, { coordinator }) => {
      const result = await coordinator.analyze(input)
      if (result.kind === 'ANALYZED') return result
      throw refusedIn(input, result)
    },
  },
  StartInputType,
)
