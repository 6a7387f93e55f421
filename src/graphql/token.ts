import { z } from 'zod'
import { ROLES } from '../core/gate.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { newId } from '../ids.ts'
import { createToken, revokeToken } from '../store/token.ts'
import { bounded } from './bound.ts'
import { builder } from './builder.ts'
import { connectionOf, pageCost } from './connection.ts'
import { byTime, TimeOrder } from './enums.ts'
import { demandAll, invalid, notFound } from './errors.ts'
import { encodeId, idOf } from './ids.ts'
import { mutation, type SuccessFields } from './mutation.ts'
import * as rules from './rules.ts'
import { RoleEnum } from './viewer.ts'

const Token = builder.prismaObject('Token', {
  description: 'Lets whoever holds its secret in. The secret itself is kept nowhere.',
  authScopes: { role: 'ADMIN' },
  fields: (t) => ({
    id: t.id({ description: 'Global id.', select: { id: true }, resolve: ({ id }) => encodeId('Token', id) }),
    name: t.exposeString('name', { description: 'Under which answers and inputs of its holder are kept.' }),
    roles: t.expose('roles', { type: [RoleEnum], description: 'What its holder may do; a list of at most 5.' }),
    project: t.relation('project', {
      nullable: true,
      description: 'The project that it is for, whose rows alone exist for its holder; null: all.',
    }),
    createdBy: t.exposeString('createdBy', { description: 'Who made it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'From when on it lets nobody in any more; null: never.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null: it was not.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, to the minute; null: never.',
    }),
  }),
})

const TokenFilter = builder.inputType('TokenFilter', {
  description: 'Which tokens are wanted; all conditions hold at once.',
  fields: (t) => ({
    project: t.id({ description: 'Those that are for the project with this id alone.' }),
    role: t.field({ type: RoleEnum, description: 'Those that have this role, whichever others they have.' }),
    name: t.string({ description: 'Those of exactly this name.' }),
    expired: t.boolean({ description: 'true: those whose time is over; false: those whose time is not.' }),
    revoked: t.boolean({ description: 'true: those that were revoked; false: those that were not.' }),
  }),
})

function whereOf(filter: typeof TokenFilter.$inferInput | null | undefined): Prisma.TokenWhereInput {
  const { project, role, name, expired, revoked } = filter ?? {}
  const now = new Date()
  return {
    ...(project != null && { projectId: idOf('Project', project) }),
    ...(role && { roles: { has: role } }),
    ...(name != null && { name }),
    ...(expired === true && { expiresAt: { lte: now } }),
    ...(expired === false && { OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] }),
    ...(revoked != null && { revokedAt: revoked ? { not: null } : null }),
  }
}

builder.queryField('tokens', (t) =>
  t.prismaConnection(
    {
      type: 'Token',
      authScopes: { role: 'ADMIN' },
      cursor: 'id',
      description: 'Tokens, also those that hold no more, the newest first unless ordered otherwise. For ADMIN.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: TokenFilter, description: 'Which ones; all if left out.' }),
        orderBy: t.arg({ type: TimeOrder, description: 'In which order; the newest first if left out.' }),
      },
      totalCount: (_root, { filter }, { database }) => database.prisma.token.count({ where: whereOf(filter) }),
      resolve: async (query, _root, { filter, orderBy: wanted }, { database }) => {
        const orderBy = byTime(wanted, 'createdAt')
        const where = await bounded(query, database.prisma.token, whereOf(filter), orderBy)
        return database.prisma.token.findMany({ ...query, where, orderBy })
      },
    },
    connectionOf(Token, 'tokens'),
  ),
)

/** The success of a mutation: the token, read after the deed. */
const withToken =
  (description: string): SuccessFields<{ id: string }> =>
  (t) => ({
    token: t.prismaField({
      type: 'Token',
      description,
      resolve: (query, { id }, _args, { database }) =>
        database.prisma.token.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  })

const withSecret: SuccessFields<{ id: string; secret: string }> = (t) => ({
  ...withToken('The new token.')(t as never),
  secret: t.exposeString('secret', {
    description: 'What its holder sends as `authorization: Bearer …`. It is shown now and never again.',
  }),
})

mutation('createToken', {
  needs: 'ADMIN',
  audited: 'Token',
  description:
    'Makes a token. Once there is one nobody comes in without: not even on the machine of the server, where everybody did before.',
  input: (t) => ({
    name: t.string({ required: true, description: 'Under which answers and inputs are kept; 1 to 100 characters.' }),
    roles: t.field({ type: [RoleEnum], required: true, description: 'What its holder may do; 1 to 5.' }),
    project: t.id({ description: 'Global id or UUID of the one project that it is for; all of them if left out.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'From when on it lets nobody in any more; never if left out.',
    }),
  }),
  rules: rules.object({
    name: rules.name,
    roles: z.array(z.enum(ROLES)).min(1, 'are none').max(ROLES.length, `are more than ${ROLES.length}`),
    project: rules.optional(rules.globalId),
    expiresAt: rules.optional(z.date()),
  }),
  success: withSecret,
  resolve: async ({ project, expiresAt, ...grant }, context) => {
    const { database, viewer } = context
    const projectId = project === undefined ? null : idOf('Project', project)
    if (projectId === null) demandAll(context, 'A token without a project is for all of them')
    else if ((await database.prisma.project.count({ where: { id: projectId } })) === 0) throw notFound('Project')
    if (expiresAt && expiresAt.getTime() <= Date.now()) {
      throw invalid([{ path: ['expiresAt'], message: 'is over already' }])
    }
    const made = await createToken(database.query, newId(), { ...grant, projectId, expiresAt, createdBy: viewer.name })
    context.tokensChanged()
    return made
  },
})

mutation('revokeToken', {
  needs: 'ADMIN',
  audited: 'Token',
  description:
    'Lets a token hold no more, for good: what is asked with it is refused within a second and its open streams end within five, on every server. Twice is once.',
  input: (t) => ({ id: t.id({ required: true, description: 'Global id or UUID of the token.' }) }),
  rules: rules.object({ id: rules.globalId }),
  success: withToken('The token, revoked.'),
  resolve: async ({ id: given }, { database, tokensChanged }) => {
    const id = idOf('Token', given)
    if (!(await revokeToken(database.query, id))) throw notFound('Token')
    tokensChanged()
    return { id }
  },
})
