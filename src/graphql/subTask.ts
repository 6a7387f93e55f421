import { z } from 'zod'
import { AGENT_TYPES } from '../core/agent.ts'
import { MAX_SESSION_DEPTH } from '../core/budget.ts'
import { MAX_SUB_TASKS } from '../core/check.ts'
import { AGGREGATES, type ChildSession, FAILURE_POLICIES, PATTERNS, type SubTask } from '../core/plan.ts'
import { builder } from './builder.ts'
import { AgentTypeEnum, AggregateEnum, FailurePolicyEnum, PatternEnum } from './enums.ts'
import { GateInput, gateRules } from './gate.ts'
import * as rules from './rules.ts'
import { TimeoutsInput, timeoutsRules } from './timeouts.ts'

const CompensationInput = builder.inputType('CompensationInput', {
  description: 'Work that undoes an accepted execution when its session is rolled back.',
  fields: (t) => ({
    title: t.string({ required: true, description: 'What is wanted, in one line of 1 to 200 characters.' }),
    description: t.string({ description: 'What is wanted, in full; at most 100,000 bytes.' }),
    capabilities: t.stringList({ description: 'Skills that are needed; at most 50.' }),
    agent: t.string({ description: 'Name of the one agent that may do it.' }),
    input: t.field({
      type: 'JSON',
      description: 'Data for the agent, beside the input and the output of what it undoes.',
    }),
  }),
})

const ReserveInput = builder.inputType('ReserveInput', {
  description: "What one attempt may use of the session's budget; an equal share of the limit where it is left out.",
  fields: (t) => ({
    tokens: t.int({ description: 'Tokens of models, in and out; 1 or more.' }),
    cost: t.float({ description: 'US dollars, more than 0.' }),
  }),
})

const SliceInput = builder.inputType('SliceInput', {
  description: "What a child session may use of its parent's budget; an equal share of the rest where it is left out.",
  fields: (t) => ({
    tokens: t.int({ description: 'Tokens of models, in and out; 1 or more.' }),
    cost: t.float({ description: 'US dollars, more than 0.' }),
    executions: t.int({ description: 'Executions that it may begin; 1 or more.' }),
  }),
})

/** They hold each other. */
export const SubTaskInput = builder.inputRef<object>('SubTaskInput')
const ChildSessionInput = builder.inputRef<object>('ChildSessionInput')

ChildSessionInput.implement({
  description: 'A part of a task that is a session of its own, with parts of its own.',
  fields: (t: InputBuilder) => ({
    pattern: t.field({ type: PatternEnum, required: true, description: 'How its executions work together.' }),
    parts: t.field({
      type: [SubTaskInput],
      required: true,
      description: `Its parts: 1 to ${MAX_SUB_TASKS}. Sessions may lie at most ${MAX_SESSION_DEPTH} deep.`,
    }),
    aggregate: t.field({
      type: AggregateEnum,
      description: 'How its results are brought together; as for a session of its own if left out.',
    }),
    votes: t.int({ description: 'With VOTE: branches that have to agree; more than half if left out.' }),
    onFailure: t.field({
      type: FailurePolicyEnum,
      description: 'What a failure does to the rest; as the pattern says if left out.',
    }),
    quorum: t.int({ description: 'With QUORUM: parts that have to be accepted.' }),
    slice: t.field({ type: SliceInput, description: "Its slice of the parent's budget." }),
  }),
} as never)

SubTaskInput.implement({
  description: 'A part of a task.',
  fields: (t: InputBuilder) => ({
    key: t.string({
      required: true,
      description: 'Unique within the task, what dependsOn names: 1 to 64 letters, digits, - and _.',
    }),
    title: t.string({ required: true, description: 'What is wanted, in one line of 1 to 200 characters.' }),
    description: t.string({ description: 'What is wanted, in full; at most 100,000 bytes.' }),
    type: t.field({ type: AgentTypeEnum, description: 'The kind of agent wanted.' }),
    capabilities: t.stringList({ description: 'Skills that are needed; at most 50.' }),
    dependsOn: t.stringList({ description: 'Keys of the parts that must be accepted before.' }),
    optional: t.boolean({ description: 'true: the session can be PARTIAL without it.' }),
    agent: t.string({ description: 'Name of the one agent that may do it.' }),
    input: t.field({
      type: 'JSON',
      description: 'Data for the agent, beside the outputs of the parts that it depends on.',
    }),
    timeouts: t.field({ type: TimeoutsInput, description: 'Its own limits of time.' }),
    maxAttempts: t.int({ description: 'Attempts in all, the first one included: 1 to 100.' }),
    gates: t.field({ type: [GateInput], description: 'What its result has to pass; at most 20.' }),
    fallback: t.stringList({
      description: 'Names of the agents that try it once all attempts have failed, in this order; at most 5.',
    }),
    evenIfSkipped: t.boolean({
      description: 'true: it also begins when a part that it depends on was SKIPPED; not when that FAILED.',
    }),
    inputSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema of what it wants from the stage before it; checked when the plan is made.',
    }),
    outputSchema: t.field({ type: 'JSON', description: 'JSON Schema of what it puts out: its first gate.' }),
    compensation: t.field({ type: CompensationInput, description: 'What undoes it when its session is rolled back.' }),
    reserve: t.field({ type: ReserveInput, description: 'What one attempt of it may use of the budget.' }),
    session: t.field({
      type: ChildSessionInput,
      description: 'It is not done by an agent but by a session of its own, with these parts.',
    }),
  }),
} as never)

type InputBuilder = Parameters<Parameters<typeof builder.inputType>[1]['fields']>[0]

const wholeAmount = rules.whole(1, 2 ** 31 - 1)
const cost = z.number().positive('must be more than 0').max(1e9, 'must be at most 1,000,000,000')
const reserve = { tokens: rules.optional(wholeAmount), cost: rules.optional(cost) }

const compensationRules = rules.object({
  title: rules.title,
  description: rules.optional(rules.description),
  capabilities: rules.optional(rules.capabilities),
  agent: rules.optional(rules.name),
  input: rules.optional(rules.json),
})

/** The members of a part that can be said anew of one that is in a plan, but for its agent. */
export const CHANGEABLE = {
  title: rules.title,
  description: rules.description,
  capabilities: rules.capabilities,
  input: rules.json,
  optional: z.boolean(),
  timeouts: timeoutsRules,
  gates: z.array(gateRules).max(20, 'are more than 20'),
} as const
const attempts = rules.whole(1, 100)
export const retryOf = (maxAttempts: number | undefined) => maxAttempts !== undefined && { retry: { maxAttempts } }

/** @param level of the session that the part is for; 1: it is nobody's child */
function partRules(level: number): z.ZodType<SubTask> {
  return rules
    .object({
      key: rules.text(1, 64),
      title: CHANGEABLE.title,
      description: rules.optional(CHANGEABLE.description),
      type: rules.optional(z.enum(AGENT_TYPES)),
      capabilities: rules.optional(CHANGEABLE.capabilities),
      dependsOn: rules.optional(z.array(rules.text(1, 64)).max(MAX_SUB_TASKS)),
      optional: rules.optional(CHANGEABLE.optional),
      agent: rules.optional(rules.name),
      input: rules.optional(CHANGEABLE.input),
      timeouts: rules.optional(CHANGEABLE.timeouts),
      maxAttempts: rules.optional(attempts),
      gates: rules.optional(CHANGEABLE.gates),
      fallback: rules.optional(z.array(rules.name).max(5, 'are more than 5')),
      evenIfSkipped: rules.optional(z.boolean()),
      inputSchema: rules.optional(rules.json),
      outputSchema: rules.optional(rules.json),
      compensation: rules.optional(compensationRules),
      reserve: rules.optional(rules.object(reserve)),
      session: rules.optional(level < MAX_SESSION_DEPTH ? childRules(level + 1) : tooDeep),
    })
    .transform(({ maxAttempts, ...part }): SubTask => ({
      ...part,
      description: part.description ?? '',
      capabilities: part.capabilities ?? [],
      dependsOn: [...new Set(part.dependsOn)],
      ...retryOf(maxAttempts),
    }))
}

const tooDeep = z.custom<ChildSession>(() => false, `sessions may lie at most ${MAX_SESSION_DEPTH} deep`)

function childRules(level: number): z.ZodType<ChildSession> {
  return rules.object({
    pattern: z.enum(PATTERNS),
    parts: partsRules(level),
    aggregate: rules.optional(z.enum(AGGREGATES)),
    votes: rules.optional(wholeAmount),
    onFailure: rules.optional(z.enum(FAILURE_POLICIES)),
    quorum: rules.optional(wholeAmount),
    slice: rules.optional(rules.object({ ...reserve, executions: rules.optional(wholeAmount) })),
  })
}

const partsRules = (level: number) => z.array(partRules(level)).max(MAX_SUB_TASKS, `are more than ${MAX_SUB_TASKS}`)

export const subTaskRules = partRules(1)
export const subTasksRules = partsRules(1)
