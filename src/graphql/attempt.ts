import { Amounts } from './budget.ts'
import { builder } from './builder.ts'
import { AttemptStatusEnum, ErrorClassEnum } from './enums.ts'

/** What is stored of a failure; see core/execution. */
export const Failure = builder.objectRef<{ class: string; message: string }>('Failure').implement({
  description: 'Why an attempt or an execution failed.',
  fields: (t) => ({
    class: t.field({
      type: ErrorClassEnum,
      description: 'What kind of failure it is; decides whether another attempt can help.',
      resolve: (failure) => failure.class as never,
    }),
    message: t.exposeString('message', { description: 'What happened, for people.' }),
  }),
})

interface UsageShape {
  inputTokens?: number
  outputTokens?: number
  cost?: number
  cpuMs?: number
}

const Usage = builder.objectRef<UsageShape>('Usage').implement({
  description: 'What an attempt used, as far as its runtime knows; null: not known.',
  fields: (t) => ({
    inputTokens: t.int({ nullable: true, description: 'Tokens that a model read.', resolve: (u) => u.inputTokens }),
    outputTokens: t.int({ nullable: true, description: 'Tokens that a model wrote.', resolve: (u) => u.outputTokens }),
    cost: t.float({ nullable: true, description: 'US dollars.', resolve: (u) => u.cost }),
    cpuMs: t.field({
      type: 'Duration',
      nullable: true,
      description: 'Milliseconds of processor time of all its processes together.',
      resolve: (u) => u.cpuMs,
    }),
  }),
})

builder.prismaNode('Attempt', {
  description: 'One try of an execution.',
  id: { field: 'id', description: 'Global id.' },
  nullable: true,
  fields: (t) => ({
    execution: t.relation('execution', { description: 'What was tried.' }),
    number: t.exposeInt('number', { description: 'From 1, within the execution.' }),
    status: t.expose('status', { type: AttemptStatusEnum, description: 'How it went.' }),
    agent: t.relation('agent', { description: 'Who did it.' }),
    agentVersion: t.exposeInt('agentVersion', { description: "Version of the agent's registration at that time." }),
    timeout: t.exposeString('timeout', {
      nullable: true,
      description: 'With status TIMEOUT: ATTEMPT (it took too long) or IDLE (it showed nothing for too long).',
    }),
    retryable: t.exposeBoolean('retryable', {
      nullable: true,
      description: 'Whether another attempt follows its failure; null unless it failed.',
    }),
    error: t.field({
      type: Failure,
      nullable: true,
      description: 'Why it failed; null unless it did.',
      select: { error: true },
      resolve: ({ error }) => error as never,
    }),
    usage: t.field({
      type: Usage,
      nullable: true,
      description: 'What it used; null while it runs.',
      select: { usage: true },
      resolve: ({ usage }) => usage as never,
    }),
    reserved: t.field({
      type: Amounts,
      nullable: true,
      description: 'What it may use of the budget; null: there is no limit.',
      select: { reserved: true },
      resolve: ({ reserved }) => reserved as never,
    }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it began.' }),
    endedAt: t.expose('endedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended; null while it runs.',
    }),
    durationMs: t.field({
      type: 'Duration',
      description: 'Milliseconds from its beginning to its end, or until now while it runs.',
      select: { startedAt: true, endedAt: true },
      resolve: ({ startedAt, endedAt }) => (endedAt ?? new Date()).getTime() - startedAt.getTime(),
    }),
  }),
})
