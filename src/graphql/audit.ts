import type { Prisma } from '../generated/prisma/client.ts'
import { bounded } from './bound.ts'
import { builder } from './builder.ts'
import { connectionOf, pageCost } from './connection.ts'
import { byTime, enumOf, TimeOrder } from './enums.ts'
import { encodeId, idOf } from './ids.ts'

const OUTCOMES = ['DONE', 'REFUSED'] as const
const AuditOutcome = enumOf('AuditOutcome', 'What came of it.', OUTCOMES, {
  DONE: 'It was done, with a right that only few have.',
  REFUSED: 'It was refused, and nothing changed.',
})

const AuditEntry = builder.prismaObject('AuditEntry', {
  description: 'Something that was refused, or done with a right that only few have. It never holds a secret.',
  authScopes: { role: 'ADMIN' },
  fields: (t) => ({
    id: t.id({ description: 'Global id.', select: { id: true }, resolve: ({ id }) => encodeId('AuditEntry', id) }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    lastAt: t.expose('lastAt', { type: 'DateTime', description: 'The last time, where it stands for many.' }),
    count: t.exposeInt('count', {
      description: 'How many it stands for: more than 1 only for refusals of one address that came in a flood.',
    }),
    outcome: t.expose('outcome', { type: AuditOutcome, description: 'What came of it.' }),
    act: t.exposeString('act', { description: 'Name of the operation, or method and path of the request.' }),
    code: t.exposeString('code', {
      nullable: true,
      description:
        'Why it was refused: NO_TOKEN, WRONG_TOKEN, FORBIDDEN, FOREIGN_PROJECT, FOREIGN_ORIGIN, FOREIGN_HOST; OTHERS for a flood from many addresses. Null: it was done.',
    }),
    viewer: t.exposeString('viewer', { nullable: true, description: 'Name of who asked; null: nobody that is known.' }),
    tokenId: t.id({
      nullable: true,
      description: 'Global id of the token that let them in; null: it was something else.',
      select: { tokenId: true },
      resolve: ({ tokenId }) => tokenId && encodeId('Token', tokenId),
    }),
    peer: t.exposeString('peer', { description: 'Address that it came from; cli: the command line on the database.' }),
    subject: t.exposeString('subject', {
      nullable: true,
      description: 'Global id of what it was about; null: nothing that has one.',
    }),
    projectId: t.id({
      nullable: true,
      description: 'Global id of the project whose ADMIN can read this too; null: none.',
      select: { projectId: true },
      resolve: ({ projectId }) => projectId && encodeId('Project', projectId),
    }),
    detail: t.exposeString('detail', { nullable: true, description: 'What was answered; null: nothing to say.' }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: "Id of the request, as in the header x-request-id and in the server's log; null: many requests.",
    }),
  }),
})

const AuditFilter = builder.inputType('AuditFilter', {
  description: 'Which entries are wanted; all conditions hold at once.',
  fields: (t) => ({
    outcome: t.field({ type: AuditOutcome, description: 'Those that came to this.' }),
    act: t.string({ description: 'Those of exactly this operation or request.' }),
    viewer: t.string({ description: 'Those of exactly this name.' }),
    project: t.id({ description: 'Those of the project with this id.' }),
    since: t.field({ type: 'DateTime', description: 'Those at this time or later.' }),
    until: t.field({ type: 'DateTime', description: 'Those before this time.' }),
  }),
})

function whereOf(filter: typeof AuditFilter.$inferInput | null | undefined): Prisma.AuditEntryWhereInput {
  const { outcome, act, viewer, project, since, until } = filter ?? {}
  return {
    ...(outcome && { outcome }),
    ...(act != null && { act }),
    ...(viewer != null && { viewer }),
    ...(project != null && { projectId: idOf('Project', project) }),
    ...((since || until) && { at: { ...(since && { gte: since }), ...(until && { lt: until }) } }),
  }
}

builder.queryField('auditLog', (t) =>
  t.prismaConnection(
    {
      type: 'AuditEntry',
      authScopes: { role: 'ADMIN' },
      cursor: 'id',
      description:
        'What was refused, and what was done with rights that only few have, the newest first unless ordered otherwise. For ADMIN.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: AuditFilter, description: 'Which ones; all if left out.' }),
        orderBy: t.arg({ type: TimeOrder, description: 'In which order; the newest first if left out.' }),
      },
      totalCount: (_root, { filter }, { database }) => database.prisma.auditEntry.count({ where: whereOf(filter) }),
      resolve: async (query, _root, { filter, orderBy: wanted }, { database }) => {
        const orderBy = byTime(wanted, 'at')
        const where = await bounded(query, database.prisma.auditEntry, whereOf(filter), orderBy)
        return database.prisma.auditEntry.findMany({ ...query, where, orderBy })
      },
    },
    connectionOf(AuditEntry, 'entries of the audit log'),
  ),
)
