import { z } from 'zod'
import { AGENT_TYPES, DEFAULT_SLOTS, WORKSPACE_USES } from '../core/agent.ts'
import type { Json } from '../core/json.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { newId } from '../ids.ts'
import { registerAgent, type Registration } from '../store/agent.ts'
import { bounded } from './bound.ts'
import { builder } from './builder.ts'
import { connectionOf, pageCost } from './connection.ts'
import type { Context } from './context.ts'
import { AgentStatusEnum, AgentTypeEnum, enumOf, orderInput } from './enums.ts'
import { conflict, demandAll, invalid, limitReached, notFound } from './errors.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'
import { mutation, type SuccessFields } from './mutation.ts'
import * as rules from './rules.ts'
import { Timeouts, TimeoutsInput, timeoutsRules } from './timeouts.ts'

const WorkspaceUseEnum = enumOf('WorkspaceUse', 'What an agent does with the workspace.', WORKSPACE_USES, {
  READ: 'It only looks, and never writes there.',
  WRITE: 'It changes files, and gets a worktree for that unless the session says otherwise.',
  SHARED: 'It works in the folder itself unless the session has worktrees.',
})

export const Agent = builder.prismaNode('Agent', {
  description: 'Somebody who does executions: a command, a model, a remote agent, a worker.',
  id: { field: 'id', description: 'Global id.' },
  nullable: true,
  fields: (t) => ({
    project: t.relation('project', {
      nullable: true,
      description: 'The project that may use it; null: every project.',
    }),
    name: t.exposeString('name', { description: 'Unique among the agents of its project; 1 to 100 characters.' }),
    version: t.exposeInt('version', { description: 'Grows by one with every change of the registration, from 1.' }),
    type: t.expose('type', { type: AgentTypeEnum, description: 'What it is for.' }),
    description: t.exposeString('description', { description: 'What it does, on what, and what it leaves behind.' }),
    capabilities: t.exposeStringList('capabilities', { description: 'Its skills; a list of at most 50.' }),
    runtime: t.exposeString('runtime', { description: 'Name of the runtime that drives it.' }),
    runtimeConfig: t.expose('runtimeConfig', { type: 'JSON', description: 'What the runtime needs to know of it.' }),
    slots: t.exposeInt('slots', { description: 'How many executions it takes at once, at least 1.' }),
    running: t.int({
      description: 'How many executions it has in hand now.',
      select: { id: true },
      resolve: ({ id }, _args, { loaders }) => loaders.heldByAgent.load(id),
    }),
    timeouts: t.field({
      type: Timeouts,
      nullable: true,
      description: 'Limits of time of what it does; null: those of the task or the server.',
      select: { timeouts: true },
      resolve: ({ timeouts }) => timeouts as object | null,
    }),
    workspace: t.expose('workspace', {
      type: WorkspaceUseEnum,
      description: 'What it does with the workspace.',
    }),
    status: t.field({
      type: AgentStatusEnum,
      description: 'Whether it can take work.',
      select: { id: true, status: true, slots: true },
      resolve: async ({ id, status, slots }, _args, { loaders }) =>
        status === 'ONLINE' && (await loaders.heldByAgent.load(id)) >= slots ? 'BUSY' : status,
    }),
    reason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why it is OFFLINE, DEGRADED or DISABLED and what to do; null while it is well.',
    }),
    origin: t.exposeString('origin', {
      description: "Who keeps the registration: CONFIGURATION (built-in or the operator's file) or API.",
    }),
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was archived; null while it is in use.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was first registered.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When its registration or its health last changed.',
    }),
  }),
})

const AgentConnection = connectionOf(Agent, 'agents')
const order = orderInput(
  'Agent',
  { CREATED_AT: 'When they were registered.', NAME: 'Their names.' },
  { CREATED_AT: 'createdAt', NAME: 'name' },
)
const AgentFilter = builder.inputType('AgentFilter', {
  description: 'Which agents are wanted; all conditions hold at once.',
  fields: (t) => ({
    project: t.id({ description: 'Those that the project with this id may use: its own and those of all projects.' }),
    type: t.field({ type: AgentTypeEnum, description: 'Those of this type.' }),
    status: t.field({
      type: AgentStatusEnum,
      description: 'Those with this status, as the last health check found it; BUSY ones count as ONLINE here.',
    }),
    capability: t.string({ description: 'Those that offer exactly this skill.' }),
    runtime: t.string({ description: 'Those that this runtime drives.' }),
    archived: t.boolean({ description: 'true: archived ones only; false, also when left out: those in use.' }),
  }),
})

function whereOf(filter: typeof AgentFilter.$inferInput | null | undefined): Prisma.AgentWhereInput {
  const { project, type, status, capability, runtime, archived } = filter ?? {}
  return {
    archivedAt: archived ? { not: null } : null,
    ...(project != null && { OR: [{ projectId: idOf('Project', project) }, { projectId: null }] }),
    ...(type && { type }),
    ...(status && { status: status === 'BUSY' ? 'ONLINE' : status }),
    ...(capability && { capabilities: { has: capability } }),
    ...(runtime && { runtime }),
  }
}

builder.queryField('agents', (t) =>
  t.prismaConnection(
    {
      type: 'Agent',
      cursor: 'id',
      authScopes: LOOK,
      description: 'Agents, by name unless ordered otherwise.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: AgentFilter, description: 'Which ones; all that are in use if left out.' }),
        orderBy: t.arg({ type: order.input, description: 'In which order; by name if left out.' }),
      },
      totalCount: (_root, { filter }, { database }) => database.prisma.agent.count({ where: whereOf(filter) }),
      resolve: async (query, _root, { filter, orderBy: wanted }, { database }) => {
        const orderBy = order.orderBy(wanted ?? { field: 'NAME', direction: 'ASC' }, 'asc')
        const where = await bounded(query, database.prisma.agent, whereOf(filter), orderBy)
        return database.prisma.agent.findMany({ ...query, where, orderBy: orderBy as never })
      },
    },
    AgentConnection,
  ),
)

const slots = rules.whole(1, 1_000)

/** The success of a mutation: the agent, read after the deed. */
const withAgent =
  (description: string): SuccessFields<{ id: string }> =>
  (t) => ({
    agent: t.prismaField({
      type: 'Agent',
      description,
      resolve: (query, { id }, _args, { database }) =>
        database.prisma.agent.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  })

const withRegistration: SuccessFields<{ id: string; changed: boolean }> = (t) => ({
  ...withAgent('The agent as it is registered now.')(t as never),
  changed: t.exposeBoolean('changed', { description: 'Whether the registration is new or has changed.' }),
})

mutation('registerAgent', {
  needs: 'ADMIN',
  audited: 'Agent',
  description:
    'Registers an agent. The same name in the same project again: an equal registration changes nothing, another one replaces it and its version grows by one.',
  input: (t) => ({
    project: t.id({ description: 'Global id or UUID of the one project that may use it; every project if left out.' }),
    name: t.string({ required: true, description: 'Unique among the agents of its project; 1 to 100 characters.' }),
    type: t.field({ type: AgentTypeEnum, required: true, description: 'What it is for.' }),
    description: t.string({
      description: 'What it does, on what, and what it leaves behind; agents are picked by it too.',
    }),
    capabilities: t.stringList({ required: true, description: 'Its skills; at most 50.' }),
    runtime: t.string({ required: true, description: 'Name of a runtime of this server, see health.' }),
    runtimeConfig: t.field({
      type: 'JSON',
      required: true,
      description: 'What the runtime needs to know, for instance {"command": "analysis"}; the runtime checks it.',
    }),
    slots: t.int({ description: 'How many executions it takes at once: 1 to 1000, 5 unless told.' }),
    timeouts: t.field({ type: TimeoutsInput, description: 'Limits of time of what it does.' }),
    workspace: t.field({
      type: WorkspaceUseEnum,
      description:
        'What it does with the workspace; if left out, as is usual for its runtime: SHARED for command, WRITE for acp and for models that may write or run, else READ.',
    }),
  }),
  rules: rules.object({
    project: rules.optional(rules.globalId),
    name: rules.name,
    type: z.enum(AGENT_TYPES),
    description: rules.optional(rules.description),
    capabilities: rules.capabilities,
    runtime: rules.name,
    runtimeConfig: rules.json,
    slots: rules.optional(slots),
    timeouts: rules.optional(timeoutsRules),
    workspace: rules.optional(z.enum(WORKSPACE_USES)),
  }),
  success: withRegistration,
  resolve: async ({ project, ...input }, context) => {
    const { database, limits } = context
    const projectId = project === undefined ? null : idOf('Project', project)
    if (projectId === null) demandAll(context, 'An agent without a project is for all of them')
    if (projectId !== null) {
      const known = await database.prisma.project.count({ where: { id: projectId, archivedAt: null } })
      if (known === 0) throw notFound('Project')
    }
    const { description = '', slots = DEFAULT_SLOTS, timeouts = null } = input
    const workspace = input.workspace ?? usualUse(context, input)
    const registration: Registration = {
      ...input,
      projectId,
      description,
      slots,
      timeouts,
      workspace,
      origin: 'API',
    }
    await checkRuntime(context, registration)
    const others = await database.prisma.agent.count({
      where: { projectId, archivedAt: null, NOT: { name: input.name } },
    })
    if (others >= limits.agentsPerProject) {
      throw limitReached(`There are ${others} agents already: archive one first.`)
    }
    return register(context, registration)
  },
})

mutation('updateAgent', {
  needs: 'ADMIN',
  audited: 'Agent',
  description: 'Changes the registration of an agent; what is left out stays as it is. Its version grows by one.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the agent.' }),
    description: t.string({ description: 'Its new description.' }),
    capabilities: t.stringList({ description: 'Its skills from now on; replaces all of them.' }),
    runtimeConfig: t.field({
      type: 'JSON',
      description: 'What its runtime needs to know from now on; replaces all of it.',
    }),
    slots: t.int({ description: 'How many executions it takes at once from now on: 1 to 1000.' }),
    timeouts: t.field({ type: TimeoutsInput, description: 'Limits of time of what it does from now on.' }),
    workspace: t.field({ type: WorkspaceUseEnum, description: 'What it does with the workspace from now on.' }),
    disabled: t.boolean({
      description: 'true: it takes no more work; false: it may again. Its version stays the same.',
    }),
  }),
  rules: rules.object({
    id: rules.globalId,
    description: rules.optional(rules.description),
    capabilities: rules.optional(rules.capabilities),
    runtimeConfig: rules.optional(rules.json),
    slots: rules.optional(slots),
    timeouts: rules.optional(timeoutsRules),
    workspace: rules.optional(z.enum(WORKSPACE_USES)),
    disabled: rules.optional(z.boolean()),
  }),
  success: withAgent('The agent as it is now.'),
  resolve: async ({ id: given, disabled, ...change }, context) => {
    const id = idOf('Agent', given)
    const known = await context.database.prisma.agent.findFirst({ where: { id, archivedAt: null } })
    if (!known) throw notFound('Agent')
    if (known.projectId === null) demandAll(context, 'This agent is for all projects')
    if (Object.keys(change).length > 0) {
      const { projectId, name, type, description, capabilities, runtime, slots, workspace } = known
      const registration: Registration = {
        projectId,
        name,
        type,
        description,
        capabilities,
        runtime,
        slots,
        workspace,
        runtimeConfig: known.runtimeConfig as Json,
        timeouts: known.timeouts as Registration['timeouts'],
        origin: 'API',
        ...change,
      }
      await checkRuntime(context, registration)
      await register(context, registration)
    }
    if (disabled !== undefined) await setDisabled(context, id, disabled)
    return { id }
  },
})

mutation('archiveAgent', {
  needs: 'ADMIN',
  audited: 'Agent',
  description: 'Puts an agent away: it takes no more work. What it has in hand it may finish. Twice is once.',
  input: (t) => ({ id: t.id({ required: true, description: 'Global id or UUID of the agent.' }) }),
  rules: rules.object({ id: rules.globalId }),
  success: withAgent('The archived agent.'),
  resolve: async ({ id: given }, context) => {
    const { database } = context
    const id = idOf('Agent', given)
    const known = await database.prisma.agent.findUnique({ where: { id }, select: { origin: true, projectId: true } })
    if (!known) throw notFound('Agent')
    if (known.projectId === null) demandAll(context, 'This agent is for all projects')
    if (known.origin === 'CONFIGURATION') throw configured()
    await database.prisma.agent.updateMany({ where: { id, archivedAt: null }, data: { archivedAt: new Date() } })
    return { id }
  },
})

const configured = () =>
  conflict("This agent comes from the operator's configuration: change it there, or disable it with updateAgent.")

/** What agents like this one do with the workspace. */
function usualUse({ runtimes }: Context, { runtime, runtimeConfig }: Pick<Registration, 'runtime' | 'runtimeConfig'>) {
  const known = Object.hasOwn(runtimes, runtime) ? runtimes[runtime] : undefined
  return known?.uses?.(runtimeConfig) ?? 'SHARED'
}

async function checkRuntime({ runtimes }: Context, { runtime: name, runtimeConfig }: Registration): Promise<void> {
  const runtime = Object.hasOwn(runtimes, name) ? runtimes[name] : undefined
  if (!runtime) {
    const message = `this server has no runtime "${name}"; it has ${Object.keys(runtimes).join(', ')}`
    throw invalid([{ path: ['runtime'], message }])
  }
  const reason = await runtime.check(runtimeConfig)
  if (reason !== undefined) throw invalid([{ path: ['runtimeConfig'], message: reason }])
}

async function register(
  { database, runtimes }: Context,
  registration: Registration,
): Promise<{ id: string; changed: boolean }> {
  const registered = await database.transaction(async (query) => {
    const { projectId, name } = registration
    const kept = await query(
      `SELECT 1 FROM "Agent" WHERE name = $1 AND "projectId" IS NOT DISTINCT FROM $2::uuid
       AND "archivedAt" IS NULL AND origin = 'CONFIGURATION'`,
      [name, projectId],
    )
    if (kept.length > 0) throw configured()
    const result = await registerAgent(query, registration, newId(), Date.now())
    // Its runtime has just been asked.
    await query(
      `UPDATE "Agent" SET status = 'ONLINE', "statusReason" = NULL WHERE id = $1 AND status IN ('OFFLINE', 'DEGRADED')`,
      [result.id],
    )
    return result
  })
  // Whose health is a matter of who is there could not be asked before it had an id.
  const runtime = runtimes[registration.runtime]
  const reason = runtime?.watch && (await runtime.check(registration.runtimeConfig, registered.id))
  if (reason !== undefined) {
    await database.query(
      `UPDATE "Agent" SET status = 'OFFLINE', "statusReason" = $2 WHERE id = $1 AND status <> 'DISABLED'`,
      [registered.id, reason],
    )
  }
  return registered
}

async function setDisabled({ database }: Context, id: string, disabled: boolean): Promise<void> {
  const [from, to] = disabled
    ? ([
        { not: 'DISABLED' },
        { status: 'DISABLED', statusReason: 'Switched off by a person; updateAgent can undo it.' },
      ] as const)
    : (['DISABLED', { status: 'ONLINE', statusReason: null }] as const)
  await database.prisma.agent.updateMany({ where: { id, status: from }, data: to })
}
