import type { AgentVersion as Kept } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import { pageByPlace, pageCost, seqOf } from './connection.ts'

const AgentVersion = builder.prismaObject('AgentVersion', {
  description: 'A registration of an agent as it once was, or still is.',
  fields: (t) => ({
    version: t.exposeInt('version', { description: 'Number of the version, from 1.' }),
    registration: t.expose('registration', {
      type: 'JSON',
      description:
        'How it was registered: type, description, capabilities, runtime, runtimeConfig, slots, timeouts, workspace, origin.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was registered so.' }),
  }),
})

const AgentVersionConnection = builder.connectionObject(
  {
    type: AgentVersion,
    name: 'AgentVersionConnection',
    description: 'A page of versions of an agent.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many versions there are on all pages together.',
        resolve: (page) => (page as unknown as { totalCount: () => Promise<number> }).totalCount(),
      }),
    }),
  },
  { name: 'AgentVersionEdge', description: 'One of versions of an agent with its place in the order.' },
)

builder.prismaObjectField('Agent', 'versions', (t) =>
  t.connection(
    {
      type: AgentVersion,
      description: 'How it was registered, the newest version first. Cursors are the numbers of the versions.',
      complexity: pageCost,
      select: { id: true },
      resolve: ({ id }, args, { database }) =>
        pageByPlace<Kept, number>(
          args,
          { placeOf: seqOf, cursorOf: ({ version }) => String(version) },
          // What comes behind a version is older than it.
          ({ after = 2 ** 31 - 1, before = 0, limit, descending }) =>
            database.prisma.agentVersion.findMany({
              where: { agentId: id, version: { lt: after, gt: before } },
              orderBy: { version: descending ? 'asc' : 'desc' },
              take: limit,
            }),
          () => database.prisma.agentVersion.count({ where: { agentId: id } }),
        ) as never,
    },
    AgentVersionConnection as never,
  ),
)

builder.prismaObjectField('Attempt', 'registration', (t) =>
  t.field({
    type: AgentVersion,
    nullable: true,
    description: 'How its agent was registered at that time; null: that was before versions were kept.',
    select: { agentId: true, agentVersion: true },
    resolve: ({ agentId, agentVersion }, _args, { loaders }) =>
      loaders.registration.load({ agentId, version: agentVersion }),
  }),
)
