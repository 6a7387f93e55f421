import { Prisma } from '../generated/prisma/client.ts'
import { newId } from '../ids.ts'
import { bounded } from './bound.ts'
import { builder } from './builder.ts'
import { connectionOf, pageCost } from './connection.ts'
import { orderInput, SessionStatusEnum } from './enums.ts'
import { conflict, demandAll, limitReached, notFound } from './errors.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'
import { mutation, type SuccessFields } from './mutation.ts'
import * as rules from './rules.ts'
import { workspaceAt } from './workspace.ts'

const StatusCount = builder.objectRef<{ status: string; count: number }>('SessionStatusCount').implement({
  description: 'How many sessions have a status.',
  fields: (t) => ({
    status: t.field({ type: SessionStatusEnum, description: 'The status.', resolve: ({ status }) => status as never }),
    count: t.exposeInt('count', { description: 'How many sessions have it.' }),
  }),
})

export const Project = builder.prismaNode('Project', {
  description: 'Owns tasks, agents, limits and a workspace.',
  id: { field: 'id', description: 'Global id.' },
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'Unique among all projects, archived ones included; 1 to 100 characters.',
    }),
    description: t.exposeString('description', { description: 'What the project is about; may be empty.' }),
    workspace: t.exposeString('workspace', {
      description: 'Absolute path, on the server, of the repository or folder that agents work on.',
    }),
    concurrency: t.exposeInt('concurrency', { description: "Executions at once over all of the project's sessions." }),
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was archived; null while it is in use.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
    sessionCounts: t.field({
      type: [StatusCount],
      description: "How many of the project's sessions have each status; a list of at most 14, without zeros.",
      select: { id: true },
      resolve: async ({ id }, _args, { loaders }) =>
        Object.entries(await loaders.sessionsOfProject.load(id)).map(([status, count]) => ({ status, count })),
    }),
  }),
})

export const ProjectConnection = connectionOf(Project, 'projects')
const order = orderInput(
  'Project',
  { CREATED_AT: 'When they were made.', NAME: 'Their names.' },
  { CREATED_AT: 'createdAt', NAME: 'name' },
)
const ProjectFilter = builder.inputType('ProjectFilter', {
  description: 'Which projects are wanted; all conditions hold at once.',
  fields: (t) => ({
    archived: t.boolean({ description: 'true: archived ones only; false, also when left out: those in use.' }),
    search: t.string({ description: 'Part of the name or of the description; upper and lower case are the same.' }),
  }),
})

builder.queryFields((t) => ({
  projects: t.prismaConnection(
    {
      type: 'Project',
      cursor: 'id',
      authScopes: LOOK,
      description: 'Projects, the newest first unless ordered otherwise.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: ProjectFilter, description: 'Which ones; all that are in use if left out.' }),
        orderBy: t.arg({ type: order.input, description: 'In which order; the newest first if left out.' }),
      },
      totalCount: (_root, { filter }, { database }) => database.prisma.project.count({ where: whereOf(filter) }),
      resolve: async (query, _root, { filter, orderBy: wanted }, { database }) => {
        const orderBy = order.orderBy(wanted, 'desc')
        const where = await bounded(query, database.prisma.project, whereOf(filter), orderBy)
        return database.prisma.project.findMany({ ...query, where, orderBy: orderBy as never })
      },
    },
    ProjectConnection,
  ),
  project: t.prismaField({
    type: 'Project',
    authScopes: LOOK,
    nullable: true,
    description: 'One project, by id or by name; null if there is none.',
    args: {
      id: t.arg.id({ description: 'Its global id or UUID.' }),
      name: t.arg.string({ description: 'Its exact name; of no account if an id is given.' }),
    },
    resolve: (query, _root, { id, name }, { database }) => {
      if (id == null && name == null) return null
      return database.prisma.project.findUnique({
        ...query,
        where: id == null ? { name: name as string } : { id: idOf('Project', id) },
      })
    },
  }),
}))

function whereOf(filter: typeof ProjectFilter.$inferInput | null | undefined): Prisma.ProjectWhereInput {
  const { archived, search } = filter ?? {}
  return {
    archivedAt: archived ? { not: null } : null,
    ...(search && {
      OR: [
        { name: { contains: search, mode: 'insensitive' } },
        { description: { contains: search, mode: 'insensitive' } },
      ],
    }),
  }
}

const concurrency = rules.whole(1, 1_000)
const workspace = rules.text(1, 4_096)

/** The success of a mutation: the project, read after the deed. */
const withProject =
  (description: string): SuccessFields<{ id: string }> =>
  (t) => ({
    project: t.prismaField({
      type: 'Project',
      description,
      resolve: (query, { id }, _args, { database }) =>
        database.prisma.project.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  })

mutation('createProject', {
  needs: 'ADMIN',
  everywhere: true,
  audited: 'Project',
  description: 'Makes a project.',
  input: (t) => ({
    id: t.string({ description: 'UUID that the project is to have; made by the server if left out.' }),
    name: t.string({ required: true, description: 'Unique among all projects; 1 to 100 characters.' }),
    description: t.string({ description: 'What the project is about; at most 100,000 bytes.' }),
    workspace: t.string({
      required: true,
      description: 'Absolute path, on the server, of the repository or folder that agents are to work on.',
    }),
    concurrency: t.int({
      description: "Executions at once over all of the project's sessions: 1 to 1000, 8 unless told.",
    }),
  }),
  rules: rules.object({
    id: rules.optional(rules.clientId),
    name: rules.name,
    description: rules.optional(rules.description),
    workspace,
    concurrency: rules.optional(concurrency),
  }),
  success: withProject('The new project.'),
  resolve: async (input, context) => {
    const { database, limits } = context
    const workspace = await workspaceAt(input.workspace, context)
    if ((await database.prisma.project.count({ where: { archivedAt: null } })) >= limits.projects) {
      throw limitReached(`There are ${limits.projects} projects already: archive one first.`)
    }
    try {
      return await database.prisma.project.create({
        data: { ...input, workspace, id: input.id ?? newId() },
        select: { id: true },
      })
    } catch (error) {
      throw isTaken(error) ? conflict(`The name "${input.name}" or the id is taken: choose another one.`) : error
    }
  },
})

mutation('updateProject', {
  needs: 'ADMIN',
  audited: 'Project',
  description: 'Changes a project; what is left out stays as it is.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the project.' }),
    name: t.string({ description: 'Its new name.' }),
    description: t.string({ description: 'Its new description.' }),
    workspace: t.string({ description: 'Its new workspace; sessions that run keep working where they are.' }),
    concurrency: t.int({ description: 'Executions at once from now on: 1 to 1000.' }),
  }),
  rules: rules.object({
    id: rules.globalId,
    name: rules.optional(rules.name),
    description: rules.optional(rules.description),
    workspace: rules.optional(workspace),
    concurrency: rules.optional(concurrency),
  }),
  success: withProject('The project as it is now.'),
  resolve: async ({ id: given, ...change }, context) => {
    const { database } = context
    const id = idOf('Project', given)
    // A workspace can hold what belongs to other projects, and a name can be one of theirs.
    if (change.workspace !== undefined) demandAll(context, 'To choose a workspace')
    if (change.name !== undefined) demandAll(context, 'To choose a name')
    if (change.workspace !== undefined) change.workspace = await workspaceAt(change.workspace, context)
    try {
      const { count } = await database.prisma.project.updateMany({ where: { id, archivedAt: null }, data: change })
      if (count === 0) throw notFound('Project')
    } catch (error) {
      throw isTaken(error) ? conflict(`The name "${change.name}" is taken: choose another one.`) : error
    }
    return { id }
  },
})

mutation('archiveProject', {
  needs: 'ADMIN',
  audited: 'Project',
  description: 'Puts a project away: it starts nothing more and is no longer listed. Its history stays. Twice is once.',
  input: (t) => ({ id: t.id({ required: true, description: 'Global id or UUID of the project.' }) }),
  rules: rules.object({ id: rules.globalId }),
  success: withProject('The archived project.'),
  resolve: async ({ id: given }, { database }) => {
    const id = idOf('Project', given)
    const [row] = await database.query<{ known: boolean; busy: number }>(
      `WITH busy AS (SELECT count(*)::int AS n FROM "Session" WHERE "projectId" = $1 AND "endedAt" IS NULL),
       done AS (UPDATE "Project" SET "archivedAt" = coalesce("archivedAt", now()), "updatedAt" = now()
                WHERE id = $1 AND (SELECT n FROM busy) = 0 RETURNING id)
       SELECT EXISTS (SELECT 1 FROM "Project" WHERE id = $1) AS known, (SELECT n FROM busy) AS busy`,
      [id],
    )
    if (!row?.known) throw notFound('Project')
    if (row.busy > 0) throw conflict(`${row.busy} of its sessions have not ended: cancel them or wait for them first.`)
    return { id }
  },
})

/** Whether a unique column has that value already. */
export const isTaken = (error: unknown): boolean =>
  error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002'
