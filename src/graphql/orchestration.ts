import { z } from 'zod'
import { AGGREGATES, PATTERNS } from '../core/plan.ts'
import type { DryRun, StartInput, StartResult } from '../coordinator/coordinator.ts'
import { Agent } from './agent.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { AggregateEnum, PatternChoiceEnum } from './enums.ts'
import { limitReached, refusedBy } from './errors.ts'
import { idOf } from './ids.ts'
import { dryRun, mutation, type SuccessFields } from './mutation.ts'
import { Analysis, Plan } from './plan.ts'
import * as rules from './rules.ts'
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

const startRules = rules
  .object({
    project: rules.globalId,
    taskId: rules.optional(rules.globalId),
    task: rules.optional(taskRules),
    pattern: rules.optional(z.enum(['AUTO', ...PATTERNS])),
    aggregate: rules.optional(z.enum(AGGREGATES)),
    limits: rules.optional(
      rules.object({
        concurrency: rules.optional(rules.whole(1, 1_000)),
        totalMs: rules.optional(rules.whole(1, 30 * 86_400_000)),
        cancelGraceMs: rules.optional(rules.whole(0, 600_000)),
        attemptMs: rules.optional(rules.whole(1, 7 * 86_400_000)),
        maxAttempts: rules.optional(rules.whole(1, 100)),
      }),
    ),
    idempotencyKey: rules.optional(rules.idempotencyKey),
  })
  .refine((input) => (input.task === undefined) !== (input.taskId === undefined), {
    path: ['task'],
    message: 'give either task or taskId',
  })
  .transform((input): StartInput => {
    const { attemptMs, maxAttempts, ...limits } = input.limits ?? {}
    return {
      projectId: idOf('Project', input.project),
      task: input.task ?? { id: idOf('Task', input.taskId ?? '') },
      pattern: input.pattern ?? 'AUTO',
      ...(input.aggregate && { aggregate: input.aggregate }),
      ...(Object.keys(limits).length > 0 && { limits }),
      ...(attemptMs !== undefined && { attemptTimeoutMs: attemptMs }),
      ...(maxAttempts !== undefined && { maxAttempts }),
      ...(input.idempotencyKey !== undefined && { idempotencyKey: input.idempotencyKey }),
    }
  })

interface Started {
  id: string
  replayed: boolean
}

const started: SuccessFields<Started> = (t) => ({
  session: t.prismaField({
    type: 'Session',
    description: 'The session.',
    resolve: (query, { id }, _args, { database }) =>
      database.prisma.session.findUniqueOrThrow({ ...query, where: { id } }),
  }),
  replayed: t.exposeBoolean('replayed', {
    description: 'true: the idempotency key and the input were known, and this is the session that they made before.',
  }),
})

const StartInputType = mutation('startOrchestration', {
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
    limits: t.field({ type: LimitsInput, description: 'What it may take.' }),
    idempotencyKey: t.string({
      description: 'Any text of at most 200 characters: the same key and input always answer with the same session.',
    }),
  }),
  rules: startRules,
  success: started,
  resolve: async (input, context) => {
    await checkLoad(context)
    return startedBy(await context.coordinator.start(input))
  },
})

mutation('cancelSession', {
  description:
    'Stops a session: nothing new starts, what runs is told to stop and fenced off after the grace. Twice is once.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the session.' }),
    reason: t.string({ description: 'Why, for people; at most 1000 characters.' }),
  }),
  rules: rules.object({ id: rules.globalId, reason: rules.optional(rules.text(0, 1_000)) }),
  success: ((t) => ({
    session: t.prismaField({
      type: 'Session',
      description: 'The session: CANCELING while something still has to stop, else CANCELED.',
      resolve: (query, { id }, _args, { database }) =>
        database.prisma.session.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  })) satisfies SuccessFields<{ id: string }>,
  resolve: async ({ id: given, reason }, { coordinator }) => {
    const id = idOf('Session', given)
    const result = await coordinator.cancel(id, reason?.trim() || 'canceled by a client')
    if (result.kind !== 'CANCELING') throw refusedBy(result)
    return { id }
  },
})

mutation('retrySession', {
  description: 'Makes a new session that goes on from the accepted results of one that has ended without success.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the session that has ended.' }),
    idempotencyKey: t.string({
      description:
        'Any text of at most 200 characters: the same key and session always answer with the same new session.',
    }),
  }),
  rules: rules.object({ id: rules.globalId, idempotencyKey: rules.optional(rules.idempotencyKey) }),
  success: started,
  resolve: async ({ id, idempotencyKey }, context) => {
    await checkLoad(context)
    return startedBy(await context.coordinator.retry(idOf('Session', id), idempotencyKey))
  },
})

function startedBy(result: StartResult): Started {
  if (result.kind !== 'STARTED') throw refusedBy(result)
  return { id: result.sessionId, replayed: result.replayed }
}

async function checkLoad({ database, limits }: Context): Promise<void> {
  const unfinished = await database.prisma.session.count({ where: { endedAt: null } })
  if (unfinished >= limits.unfinishedSessions) {
    throw limitReached(`${unfinished} sessions have not ended, which is the limit: wait for some of them.`)
  }
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
      selections: t.expose('selections', {
        type: [SelectionPreview],
        description: 'Who would be picked now; one per node, a list of at most 201.',
      }),
    }),
    resolve: async (input, { coordinator }) => {
      const result = await coordinator.analyze(input)
      if (result.kind === 'ANALYZED') return result
      throw refusedBy(result)
    },
  },
  StartInputType,
)
