import { checkSubTasks, MAX_SUB_TASKS } from '../core/check.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { newId } from '../ids.ts'
import { insertTask } from '../store/task.ts'
import { bounded } from './bound.ts'
import { builder } from './builder.ts'
import { connectionOf, pageCost } from './connection.ts'
import { AgentTypeEnum, orderInput } from './enums.ts'
import { conflict, invalid, notFound } from './errors.ts'
import { pathInInput } from './gate.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'
import { mutation, type SuccessFields } from './mutation.ts'
import { isTaken } from './project.ts'
import * as rules from './rules.ts'
import { SubTaskInput, subTasksRules } from './subTask.ts'
import { Timeouts } from './timeouts.ts'

export const Task = builder.prismaNode('Task', {
  description: 'Wanted work. A sub-task has a parent.',
  id: { field: 'id', description: 'Global id.' },
  nullable: true,
  fields: (t) => ({
    project: t.relation('project', { description: 'The project that it belongs to.' }),
    parent: t.relation('parent', {
      nullable: true,
      description: 'The task that it is a part of; null: it stands for itself.',
    }),
    key: t.exposeString('key', {
      nullable: true,
      description: 'Unique within the parent, what dependencies name; null for a task that stands for itself.',
    }),
    title: t.exposeString('title', { description: 'What is wanted, in one line of at most 200 characters.' }),
    description: t.exposeString('description', { description: 'What is wanted, in full; may be empty.' }),
    type: t.expose('type', {
      type: AgentTypeEnum,
      nullable: true,
      description: 'The kind of agent wanted; null: any.',
    }),
    input: t.expose('input', {
      type: 'JSON',
      nullable: true,
      description: "The caller's own data for whoever does it.",
    }),
    priority: t.exposeInt('priority', { description: '-100 to 100; the higher the sooner.' }),
    capabilities: t.exposeStringList('capabilities', { description: 'Skills that are needed; a list of at most 50.' }),
    agent: t.exposeString('agent', { nullable: true, description: 'Name of the one agent that may do it; null: any.' }),
    optional: t.exposeBoolean('optional', { description: 'Whether a session can be PARTIAL without it.' }),
    timeouts: t.field({
      type: Timeouts,
      nullable: true,
      description: 'Its own limits of time; null: those of the session.',
      select: { policy: true },
      resolve: ({ policy }) => (policy as { timeouts?: object } | null)?.timeouts ?? null,
    }),
    policy: t.expose('policy', {
      type: 'JSON',
      nullable: true,
      description:
        'What else was said of it, as a plan takes it: gates, fallback, evenIfSkipped, inputSchema, outputSchema, compensation, reserve, session, retry, timeouts; null: nothing.',
    }),
    subTasks: t.relation('subTasks', {
      description: `Its parts in the order in which they were given; a list, since there are at most ${MAX_SUB_TASKS}.`,
      query: { where: { archivedAt: null }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
      complexity: { field: 2, multiplier: 20 },
    }),
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was archived; null while it is in use.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
})

builder.prismaObjectField('Task', 'dependsOn', (t) =>
  t.field({
    type: [Task],
    description: `Sub-tasks of the same parent that must be accepted before; a list of less than ${MAX_SUB_TASKS}.`,
    complexity: { field: 2, multiplier: 5 },
    select: (_args, _context, nested) => ({ dependsOn: { select: { dependsOn: nested(true as never) } } }) as never,
    resolve: (task) =>
      (task as unknown as { dependsOn: { dependsOn: never }[] }).dependsOn.map(({ dependsOn }) => dependsOn),
  }),
)

export const TaskConnection = connectionOf(Task, 'tasks')
const order = orderInput(
  'Task',
  { CREATED_AT: 'When they were made.', PRIORITY: 'Their priorities.', TITLE: 'Their titles.' },
  { CREATED_AT: 'createdAt', PRIORITY: 'priority', TITLE: 'title' },
)
const TaskFilter = builder.inputType('TaskFilter', {
  description: 'Which tasks are wanted; all conditions hold at once. Sub-tasks are found at their parents.',
  fields: (t) => ({
    project: t.id({ description: 'Those of the project with this id.' }),
    archived: t.boolean({ description: 'true: archived ones only; false, also when left out: those in use.' }),
    search: t.string({ description: 'Part of the title or of the description; upper and lower case are the same.' }),
  }),
})
function whereOf(filter: typeof TaskFilter.$inferInput | null | undefined): Prisma.TaskWhereInput {
  const { project, archived, search } = filter ?? {}
  return {
    parentId: null,
    archivedAt: archived ? { not: null } : null,
    ...(project != null && { projectId: idOf('Project', project) }),
    ...(search && {
      OR: [
        { title: { contains: search, mode: 'insensitive' } },
        { description: { contains: search, mode: 'insensitive' } },
      ],
    }),
  }
}

builder.queryField('tasks', (t) =>
  t.prismaConnection(
    {
      type: 'Task',
      cursor: 'id',
      authScopes: LOOK,
      description: 'Tasks without parents, the newest first unless ordered otherwise.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: TaskFilter, description: 'Which ones; all that are in use if left out.' }),
        orderBy: t.arg({ type: order.input, description: 'In which order; the newest first if left out.' }),
      },
      totalCount: (_root, { filter }, { database }) => database.prisma.task.count({ where: whereOf(filter) }),
      resolve: async (query, _root, { filter, orderBy: wanted }, { database }) => {
        const orderBy = order.orderBy(wanted, 'desc')
        const where = await bounded(query, database.prisma.task, whereOf(filter), orderBy)
        return database.prisma.task.findMany({ ...query, where, orderBy: orderBy as never })
      },
    },
    TaskConnection,
  ),
)

const taskShape = {
  title: rules.title,
  description: rules.optional(rules.description),
  input: rules.optional(rules.json),
  priority: rules.optional(rules.whole(-100, 100)),
  capabilities: rules.optional(rules.capabilities),
  subTasks: rules.optional(subTasksRules),
}

/** The fields of a task as a caller words it, for createTask and for startOrchestration. */
const TASK_FIELDS = (t: Parameters<Parameters<typeof builder.inputType>[1]['fields']>[0]) => ({
  title: t.string({ required: true, description: 'What is wanted, in one line of 1 to 200 characters.' }),
  description: t.string({
    description:
      'What is wanted, in full; at most 100,000 bytes. Without subTasks it is split into parts by its words.',
  }),
  input: t.field({ type: 'JSON', description: 'Your own data for whoever does it; at most 256 KiB.' }),
  priority: t.int({ description: '-100 to 100; the higher the sooner; 0 unless told.' }),
  capabilities: t.stringList({ description: 'Skills that are needed; at most 50.' }),
  subTasks: t.field({
    type: [SubTaskInput],
    description: `Your own parts, taken as they are; at most ${MAX_SUB_TASKS}.`,
  }),
})

export const TaskInput = builder.inputType('TaskInput', { description: 'A new task.', fields: TASK_FIELDS })
export const taskRules = rules.object(taskShape).transform((task) => ({ ...task, description: task.description ?? '' }))

/** The success of a mutation: the task, read after the deed. */
const withTask =
  (description: string): SuccessFields<{ id: string }> =>
  (t) => ({
    task: t.prismaField({
      type: 'Task',
      description,
      resolve: (query, { id }, _args, { database }) =>
        database.prisma.task.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  })

mutation('createTask', {
  needs: 'OPERATOR',
  description: 'Writes down a task; startOrchestration starts it.',
  input: (t) => ({
    id: t.string({ description: 'UUID that the task is to have; made by the server if left out.' }),
    project: t.id({ required: true, description: 'Global id or UUID of the project.' }),
    ...TASK_FIELDS(t),
  }),
  rules: rules.object({ id: rules.optional(rules.clientId), project: rules.globalId, ...taskShape }),
  success: withTask('The new task.'),
  resolve: async (input, { database }) => {
    const { id = newId(), project, description = '', priority = 0, capabilities = [], subTasks = [], ...rest } = input
    const problems = checkSubTasks(subTasks, 'AUTO')
    if (problems.length > 0) {
      throw invalid(problems.map(({ path, message }) => ({ path: pathInInput(path, { subTasks }), message })))
    }
    const projectId = idOf('Project', project)
    const known = await database.prisma.project.count({ where: { id: projectId, archivedAt: null } })
    if (known === 0) throw notFound('Project')
    if ((await database.prisma.task.count({ where: { id } })) > 0)
      throw conflict('The id is taken: choose another one.')
    const task = { ...rest, id, projectId, description, priority, capabilities, subTasks }
    try {
      await database.transaction((query) => insertTask(query, task, newId, Date.now()))
    } catch (error) {
      throw isTaken(error) ? conflict('The id is taken: choose another one.') : error
    }
    return { id }
  },
})

mutation('updateTask', {
  needs: 'OPERATOR',
  description:
    'Changes the words of a task; what is left out stays. Sessions that have begun keep what they were given.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the task.' }),
    title: t.string({ description: 'Its new title.' }),
    description: t.string({ description: 'Its new description.' }),
    priority: t.int({ description: 'Its new priority: -100 to 100.' }),
    capabilities: t.stringList({ description: 'The skills that are needed from now on; replaces all of them.' }),
  }),
  rules: rules.object({
    id: rules.globalId,
    title: rules.optional(rules.title),
    description: rules.optional(rules.description),
    priority: rules.optional(rules.whole(-100, 100)),
    capabilities: rules.optional(rules.capabilities),
  }),
  success: withTask('The task as it is now.'),
  resolve: async ({ id: given, ...change }, { database }) => {
    const id = idOf('Task', given)
    const { count } = await database.prisma.task.updateMany({ where: { id, archivedAt: null }, data: change })
    if (count === 0) throw notFound('Task')
    return { id }
  },
})

mutation('archiveTask', {
  needs: 'OPERATOR',
  description: 'Puts a task away: it can no longer be started. Its sessions stay. Twice is once.',
  input: (t) => ({ id: t.id({ required: true, description: 'Global id or UUID of the task.' }) }),
  rules: rules.object({ id: rules.globalId }),
  success: withTask('The archived task.'),
  resolve: async ({ id: given }, { database }) => {
    const id = idOf('Task', given)
    await database.prisma.task.updateMany({ where: { id, archivedAt: null }, data: { archivedAt: new Date() } })
    if ((await database.prisma.task.count({ where: { id } })) === 0) throw notFound('Task')
    return { id }
  },
})
