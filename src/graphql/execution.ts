import type { FrozenInput } from '../core/execution.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import type { Evidence as RuntimeEvidence } from '../runtime.ts'
import { Activity, ActivityConnection } from './activity.ts'
import { ArtifactConnection } from './artifact.ts'
import { Failure } from './attempt.ts'
import { builder } from './builder.ts'
import { connectionOf, pageCost, pageOfLog } from './connection.ts'
import { ExecutionStatusEnum, orderInput } from './enums.ts'
import type { ActivityRow } from './follow.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'
import { listOf } from './list.ts'
import { rowOf } from './rows.ts'

export const Evidence = builder.objectRef<RuntimeEvidence>('Evidence').implement({
  description: 'Something that was checked and a person may want to look at. A finding is not a failure.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What was checked, in a few words.' }),
    kind: t.exposeString('kind', {
      description: 'The kind of check, for instance EXIT_CODE, TEST_REPORT, ARTIFACT, COUNT.',
    }),
    passed: t.exposeBoolean('passed', { description: 'Whether it is as it should be.' }),
    detail: t.field({ type: 'JSON', nullable: true, description: 'What was found.', resolve: ({ detail }) => detail }),
  }),
})

interface SelectionShape {
  score: number | null
  reasons: string[]
  runnersUp: { name: string; score: number }[]
}

const RunnerUp = builder.objectRef<{ name: string; score: number }>('RunnerUp').implement({
  description: 'An agent that could have done it too.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    score: t.exposeFloat('score', { description: 'How well it fits: 0 to 1.' }),
  }),
})

const Selection = builder.objectRef<SelectionShape>('Selection').implement({
  description: 'Why an agent was picked.',
  fields: (t) => ({
    score: t.float({ nullable: true, description: 'How well it fits: 0 to 1.', resolve: ({ score }) => score }),
    reasons: t.exposeStringList('reasons', { description: 'Short phrases for people; a short list.' }),
    runnersUp: t.expose('runnersUp', { type: [RunnerUp], description: 'Who came next; a list of at most 3.' }),
  }),
})

const Upstream = builder.objectRef<FrozenInput['upstream'][number]>('UpstreamResult').implement({
  description: 'An earlier result that an execution was handed.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Node of the plan that it comes from.' }),
    executionId: t.globalID({
      description: 'Global id of the execution that it comes from.',
      resolve: ({ executionId }) => ({ type: 'Execution', id: executionId }),
    }),
    status: t.field({
      type: ExecutionStatusEnum,
      description: 'How that execution had settled.',
      resolve: ({ status }) => status,
    }),
  }),
})

const Input = builder.objectRef<FrozenInput>('ExecutionInput').implement({
  description: 'What an execution was handed. Frozen when it became READY, so that it can be replayed.',
  fields: (t) => ({
    data: t.field({ type: 'JSON', nullable: true, description: "The caller's own data.", resolve: ({ data }) => data }),
    upstream: t.expose('upstream', {
      type: [Upstream],
      description: 'Earlier results in declared order; a list of at most 200.',
    }),
  }),
})

export const Execution = builder.prismaNode('Execution', {
  description: 'One sub-task given to one agent within a session.',
  id: { field: 'id', description: 'Global id.' },
  nullable: true,
  fields: (t) => ({
    session: t.relation('session', { description: 'The session that it belongs to.' }),
    key: t.exposeString('key', { description: 'Node of the plan.' }),
    position: t.exposeInt('position', { description: 'Place in the plan, from 0.' }),
    title: t.exposeString('title', { description: 'What is wanted, in one line.' }),
    status: t.expose('status', { type: ExecutionStatusEnum, description: 'How far it has come.' }),
    agent: t.relation('agent', { nullable: true, description: 'Who does it; null until one has been picked.' }),
    selection: t.field({
      type: Selection,
      nullable: true,
      description: 'Why this agent was picked; null until one has been.',
      select: { selection: true },
      resolve: ({ selection }) => selection as never,
    }),
    attempt: t.exposeInt('attempt', { description: 'Number of attempts so far.' }),
    attempts: t.relation('attempts', {
      description: 'All of its attempts, the first one first; a list, since a retry policy allows at most 100.',
      query: { orderBy: { number: 'asc' } },
      complexity: { field: 2, multiplier: 3 },
    }),
    input: t.field({
      type: Input,
      nullable: true,
      description: 'What it was handed; null until it is READY.',
      select: { input: true },
      resolve: ({ input }) => input as never,
    }),
    inputHash: t.exposeString('inputHash', {
      nullable: true,
      description: 'SHA-256 of all that it was handed, in hexadecimal; null until it is READY.',
    }),
    output: t.expose('output', {
      type: 'JSON',
      nullable: true,
      description: 'What the agent put out; null until ACCEPTED.',
    }),
    summary: t.exposeString('summary', { nullable: true, description: 'The result in one line for a person.' }),
    evidence: t.field({
      type: [Evidence],
      description: 'What was checked of the result; a short list.',
      select: { evidence: true },
      resolve: ({ evidence }) => (evidence ?? []) as unknown as RuntimeEvidence[],
    }),
    error: t.field({
      type: Failure,
      nullable: true,
      description: 'Why it FAILED; null otherwise.',
      select: { error: true },
      resolve: ({ error }) => error as never,
    }),
    stopping: t.exposeString('aborting', {
      nullable: true,
      description: 'Why its running attempt has been told to stop; null otherwise.',
    }),
    artifacts: t.relatedConnection(
      'artifacts',
      {
        cursor: 'id',
        totalCount: true,
        description: 'Results that it left behind, by name.',
        complexity: pageCost,
        query: { orderBy: [{ name: 'asc' }, { id: 'asc' }] },
      },
      ArtifactConnection,
    ),
    readyAt: t.expose('readyAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it last became READY; null before.',
    }),
    resumeAt: t.expose('resumeAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a WAITING execution goes on with its next attempt; null if it never waited.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its first attempt began; null before.',
    }),
    endedAt: t.expose('endedAt', { type: 'DateTime', nullable: true, description: 'When it settled; null before.' }),
    durationMs: t.field({
      type: 'Duration',
      nullable: true,
      description:
        'Milliseconds from its first attempt to its end, pauses included, or until now; null if it never started.',
      select: { startedAt: true, endedAt: true },
      resolve: ({ startedAt, endedAt }) => startedAt && (endedAt ?? new Date()).getTime() - startedAt.getTime(),
    }),
  }),
})

builder.objectField(Activity, 'execution', (t) =>
  t.field({
    type: Execution,
    description: 'The execution that it belongs to.',
    resolve: ({ executionId }, _args, context, info) => rowOf<never>(context, info, 'Execution', executionId),
  }),
)

builder.prismaObjectFields('Execution', (t) => ({
  cause: t.field({
    type: Execution,
    nullable: true,
    description: 'The execution whose end made this one SKIPPED or CANCELED; null otherwise.',
    select: { causeId: true },
    resolve: ({ causeId }, _args, context, info) =>
      causeId === null ? null : rowOf<never>(context, info, 'Execution', causeId),
  }),
  carriedFrom: t.field({
    type: Execution,
    nullable: true,
    description:
      'The execution of an earlier session whose accepted result stands here; its attempts and artifacts are there. Null: done in this session.',
    select: { carriedId: true },
    resolve: ({ carriedId }, _args, context, info) =>
      carriedId === null ? null : rowOf<never>(context, info, 'Execution', carriedId),
  }),
  activities: t.connection(
    {
      type: Activity,
      description:
        'What its agents showed, in order. Cursors are the numbers of the activities. Empty once the operator has had the activities of old sessions removed.',
      complexity: pageCost,
      select: { id: true },
      resolve: ({ id }, args, { database }) =>
        pageOfLog(
          args,
          ({ after, before, limit, descending }) =>
            database.query<ActivityRow>(
              `SELECT * FROM "Activity" WHERE "executionId" = $1 AND seq > $2 AND seq < $3
               ORDER BY seq ${descending ? 'DESC' : 'ASC'} LIMIT $4`,
              [id, after, before, limit],
            ),
          () => database.prisma.activity.count({ where: { executionId: id } }),
        ) as never,
    },
    ActivityConnection as never,
  ),
}))

export const ExecutionConnection = connectionOf(Execution, 'executions')
const order = orderInput(
  'Execution',
  { CREATED_AT: 'When they were planned.', POSITION: 'Their places in the plan.' },
  { CREATED_AT: 'createdAt', POSITION: 'position' },
)
const ExecutionFilter = builder.inputType('ExecutionFilter', {
  description: 'Which executions are wanted; all conditions hold at once.',
  fields: (t) => ({
    project: t.id({ description: 'Those of the project with this id.' }),
    session: t.id({ description: 'Those of the session with this id.' }),
    agent: t.id({ description: 'Those that the agent with this id was picked for.' }),
    status: t.field({ type: [ExecutionStatusEnum], description: 'Those with one of these statuses.' }),
  }),
})

function whereOf(filter: typeof ExecutionFilter.$inferInput | null | undefined): Prisma.ExecutionWhereInput {
  const { project, session, agent, status } = filter ?? {}
  return {
    ...(project != null && { session: { projectId: idOf('Project', project) } }),
    ...(session != null && { sessionId: idOf('Session', session) }),
    ...(agent != null && { agentId: idOf('Agent', agent) }),
    ...(status && { status: { in: status } }),
  }
}

builder.queryField('executions', (t) =>
  t.prismaConnection(
    {
      type: 'Execution',
      cursor: 'id',
      authScopes: LOOK,
      description: 'Executions of all sessions, the newest first unless ordered otherwise.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: ExecutionFilter, description: 'Which ones; all if left out.' }),
        orderBy: t.arg({ type: order.input, description: 'In which order; the newest first if left out.' }),
      },
      totalCount: (_root, { filter }, { database }) => database.prisma.execution.count({ where: whereOf(filter) }),
      resolve: (query, _root, { filter, orderBy }, context, info) =>
        listOf(context, info, 'Execution', query, whereOf(filter), order.orderBy(orderBy, 'desc')),
    },
    ExecutionConnection,
  ),
)
