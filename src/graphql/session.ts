import type { SessionLimits as CoreLimits } from '../core/state.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { Analysis } from './analysis.ts'
import { ArtifactConnection } from './artifact.ts'
import { eventsBetween, hasEvents } from '../store/journal.ts'
import { builder } from './builder.ts'
import { Checkpoint } from './checkpoint.ts'
import { connectionOf, pageCost, pageOfLog } from './connection.ts'
import { byTime, ExecutionStatusEnum, orderInput, PatternEnum, SessionStatusEnum, TimeOrder } from './enums.ts'
import { unknown } from './errors.ts'
import { Event, EventConnection } from './event.ts'
import { Execution, ExecutionConnection } from './execution.ts'
import type { Change } from './follow.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'
import { listOf } from './list.ts'
import { pageOf } from './page.ts'
import { Plan } from './plan.ts'

const SessionLimits = builder.objectRef<CoreLimits>('SessionLimits').implement({
  description: 'Limits of one session.',
  fields: (t) => ({
    concurrency: t.exposeInt('concurrency', { description: 'Executions at once.' }),
    totalMs: t.expose('totalMs', { type: 'Duration', description: 'Milliseconds from its start to its end.' }),
    cancelGraceMs: t.expose('cancelGraceMs', {
      type: 'Duration',
      description: 'Milliseconds that stopped work may take to stop before it is fenced off.',
    }),
    planVersions: t.exposeInt('planVersions', {
      description: 'Versions of its plan that people may make by editing it, the first one included.',
    }),
  }),
})

const ExecutionCount = builder.objectRef<{ status: string; count: number }>('ExecutionStatusCount').implement({
  description: 'How many executions have a status.',
  fields: (t) => ({
    status: t.field({
      type: ExecutionStatusEnum,
      description: 'The status.',
      resolve: ({ status }) => status as never,
    }),
    count: t.exposeInt('count', { description: 'How many executions have it.' }),
  }),
})

export const Session = builder.prismaNode('Session', {
  description: 'One orchestration of a task.',
  id: { field: 'id', description: 'Global id.' },
  nullable: true,
  fields: (t) => ({
    project: t.relation('project', { description: 'The project that it belongs to.' }),
    task: t.relation('task', { description: 'The task that it orchestrates.' }),
    status: t.expose('status', { type: SessionStatusEnum, description: 'How far it has come.' }),
    pattern: t.expose('pattern', { type: PatternEnum, description: 'How its executions work together.' }),
    priority: t.exposeInt('priority', { description: '-100 to 100; the higher the sooner.' }),
    version: t.exposeInt('version', { description: 'Grows by one with every transition.' }),
    seq: t.exposeInt('seq', { description: 'Number of its last event.' }),
    limits: t.field({
      type: SessionLimits,
      description: 'What it may take.',
      select: { limits: true },
      resolve: ({ limits }) => limits as unknown as CoreLimits,
    }),
    plan: t.field({
      type: Plan,
      description: 'What it does, as a graph: the latest version of its plan.',
      complexity: 5,
      select: { plans: { orderBy: { version: 'desc' }, take: 1 } },
      resolve: ({ plans: [plan] }) => ({ version: plan?.version ?? 0, graph: plan?.graph }) as never,
    }),
    analysis: t.field({
      type: Analysis,
      description: 'What was said of the task before anyone worked on it; of a child session: of that of its root.',
      complexity: 5,
      select: { id: true, rootSessionId: true },
      resolve: ({ id, rootSessionId }, _args, { loaders }) => loaders.analysis.load(rootSessionId ?? id),
    }),
    executions: t.connection(
      {
        type: Execution,
        description: "Its executions in the plan's order.",
        complexity: pageCost,
        args: {
          status: t.arg({
            type: [ExecutionStatusEnum],
            description: 'Those with one of these statuses; all if left out.',
          }),
        },
        select: { id: true },
        resolve: ({ id }, { status, ...args }, context, info) =>
          pageOf(context, info, args, id, {
            model: 'Execution',
            parent: 'sessionId',
            orderBy: ['position'],
            only: status ? { column: 'status', values: status } : undefined,
          }) as never,
      },
      ExecutionConnection,
    ),
    executionCounts: t.field({
      type: [ExecutionCount],
      description: 'How many of its executions have each status; a list of at most 12, without zeros.',
      select: { id: true },
      resolve: async ({ id }, _args, { loaders }) =>
        Object.entries(await loaders.executionsOfSession.load(id)).map(([status, count]) => ({ status, count })),
    }),
    artifacts: t.relatedConnection(
      'artifacts',
      {
        cursor: 'id',
        totalCount: true,
        description: 'What its executions left behind, the oldest first.',
        complexity: pageCost,
        query: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
      },
      ArtifactConnection,
    ),
    checkpoints: t.field({
      type: [Checkpoint],
      description:
        'One after each accepted execution, the first one first; a list of at most as many as there are executions.',
      complexity: { field: 2, multiplier: 20 },
      select: (_args, _context, nested) => ({ checkpoints: nested({ orderBy: { seq: 'asc' } } as never) }) as never,
      resolve: (session) => (session as unknown as { checkpoints: never[] }).checkpoints,
    }),
    output: t.expose('output', {
      type: 'JSON',
      nullable: true,
      description: 'What it put out; null until it has ended.',
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why it ended as it did; null if it runs or SUCCEEDED.',
    }),
    stopping: t.string({
      nullable: true,
      description: 'Why it is being stopped; null otherwise.',
      select: { ending: true },
      resolve: ({ ending }) => (ending as { reason?: string } | null)?.reason,
    }),
    retryOf: t.relation('retryOf', { nullable: true, description: 'The session that it tries again; null: none.' }),
    retries: t.relation('retries', {
      description: 'Sessions that try this one again, the oldest 100; a list, since a person starts each of them.',
      query: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }], take: 100 },
      complexity: { field: 2, multiplier: 3 },
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was accepted.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it began to run; null before.',
    }),
    endedAt: t.expose('endedAt', { type: 'DateTime', nullable: true, description: 'When it ended; null before.' }),
    queuedMs: t.field({
      type: 'Duration',
      description: 'Milliseconds from its acceptance until it began to run, or until now.',
      select: { createdAt: true, startedAt: true, endedAt: true },
      resolve: ({ createdAt, startedAt, endedAt }) =>
        (startedAt ?? endedAt ?? new Date()).getTime() - createdAt.getTime(),
    }),
    durationMs: t.field({
      type: 'Duration',
      nullable: true,
      description: 'Milliseconds from its start to its end, or until now; null if it never started.',
      select: { startedAt: true, endedAt: true },
      resolve: ({ startedAt, endedAt }) => startedAt && (endedAt ?? new Date()).getTime() - startedAt.getTime(),
    }),
  }),
})

builder.prismaObjectField('Session', 'events', (t) =>
  t.connection(
    {
      type: Event,
      description:
        'Its events in order, 1, 2, 3, … without gaps. Cursors are the numbers of the events. Empty with a totalCount of 0 once the operator has had the events of old sessions removed.',
      complexity: pageCost,
      select: { id: true, seq: true },
      resolve: ({ id, seq }, args, { database }) =>
        pageOfLog(
          args,
          (range) => eventsBetween(database.query, id, range),
          async () => ((await hasEvents(database.query, id)) ? seq : 0),
        ) as never,
    },
    EventConnection as never,
  ),
)

export const SessionConnection = connectionOf(Session, 'sessions')
const order = orderInput(
  'Session',
  { CREATED_AT: 'When they were accepted.', PRIORITY: 'Their priorities.' },
  { CREATED_AT: 'createdAt', PRIORITY: 'priority' },
)
const SessionFilter = builder.inputType('SessionFilter', {
  description: 'Which sessions are wanted; all conditions hold at once.',
  fields: (t) => ({
    project: t.id({ description: 'Those of the project with this id.' }),
    task: t.id({ description: 'Those of the task with this id.' }),
    status: t.field({ type: [SessionStatusEnum], description: 'Those with one of these statuses.' }),
    pattern: t.field({ type: [PatternEnum], description: 'Those with one of these patterns.' }),
    ended: t.boolean({ description: 'true: those that have ended; false: those that have not.' }),
    since: t.field({ type: 'DateTime', description: 'Those accepted at this time or later.' }),
    until: t.field({ type: 'DateTime', description: 'Those accepted before this time.' }),
  }),
})

function whereOf(filter: typeof SessionFilter.$inferInput | null | undefined): Prisma.SessionWhereInput {
  const { project, task, status, pattern, ended, since, until } = filter ?? {}
  return {
    ...(project != null && { projectId: idOf('Project', project) }),
    ...(task != null && { taskId: idOf('Task', task) }),
    ...(status && { status: { in: status } }),
    ...(pattern && { pattern: { in: pattern } }),
    ...(ended != null && { endedAt: ended ? { not: null } : null }),
    ...((since || until) && { createdAt: { ...(since && { gte: since }), ...(until && { lt: until }) } }),
  }
}

builder.queryFields((t) => ({
  sessions: t.prismaConnection(
    {
      type: 'Session',
      cursor: 'id',
      authScopes: LOOK,
      description: 'Sessions, the newest first unless ordered otherwise.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: SessionFilter, description: 'Which ones; all if left out.' }),
        orderBy: t.arg({ type: order.input, description: 'In which order; the newest first if left out.' }),
      },
      totalCount: (_root, { filter }, { database }) => database.prisma.session.count({ where: whereOf(filter) }),
      resolve: (query, _root, { filter, orderBy }, context, info) =>
        listOf(context, info, 'Session', query, whereOf(filter), order.orderBy(orderBy, 'desc')),
    },
    SessionConnection,
  ),
  session: t.prismaField({
    type: 'Session',
    authScopes: LOOK,
    nullable: true,
    description: 'One session; null if there is none.',
    args: { id: t.arg.id({ required: true, description: 'Its global id or UUID.' }) },
    resolve: (query, _root, { id }, { database }) =>
      database.prisma.session.findUnique({ ...query, where: { id: idOf('Session', id) } }),
  }),
}))

builder.prismaObjectFields('Project', (t) => ({
  sessions: t.relatedConnection(
    'sessions',
    {
      cursor: 'id',
      totalCount: true,
      description: 'Its sessions, the newest first unless ordered otherwise.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: SessionFilter, description: 'Which ones; all if left out.' }),
        orderBy: t.arg({ type: TimeOrder, description: 'In which order; the newest first if left out.' }),
      },
      query: ({ filter, orderBy }) => ({ where: whereOf(filter), orderBy: byTime(orderBy, 'createdAt') }),
    },
    SessionConnection,
  ),
}))

builder.prismaObjectFields('Task', (t) => ({
  sessions: t.relatedConnection(
    'sessions',
    {
      cursor: 'id',
      totalCount: true,
      description: 'Its sessions, the newest first unless ordered otherwise.',
      complexity: pageCost,
      args: { orderBy: t.arg({ type: TimeOrder, description: 'In which order; the newest first if left out.' }) },
      query: ({ orderBy }) => ({ orderBy: byTime(orderBy, 'createdAt') }),
    },
    SessionConnection,
  ),
}))

builder.subscriptionField('sessionUpdated', (t) =>
  t.prismaField({
    type: 'Session',
    authScopes: LOOK,
    description:
      'The state of a session now and whenever it has changed. States that a slow reader has no time for are left out, the last one never; none comes twice, and it completes after the last.',
    args: { sessionId: t.arg.id({ required: true, description: 'Global id or UUID of the session.' }) },
    subscribe: async (_root, { sessionId }, { follower }) => {
      const log = await follower.sessionLog(idOf('Session', sessionId))
      if (!log) throw unknown('Session')
      return follower.changes(log) as never
    },
    resolve: async (query, change, { sessionId }, { database }) => {
      const session = await database.prisma.session.findUniqueOrThrow({
        ...query,
        where: { id: idOf('Session', sessionId) },
      })
      ;(change as never as Change).sent(session.version)
      return session
    },
  }),
)
