import { Amounts } from './budget.ts'
import { builder } from './builder.ts'
import { pageCost } from './connection.ts'
import { rowOf } from './rows.ts'
import { Session, SessionConnection } from './session.ts'

builder.prismaObjectFields('Session', (t) => ({
  depth: t.exposeInt('depth', { description: "Its level, from 1: it is nobody's child." }),
  root: t.field({
    type: Session,
    description: "The session above all others; itself where it is nobody's child.",
    select: { id: true, rootSessionId: true },
    resolve: ({ id, rootSessionId }, _args, context, info) =>
      rowOf<never>(context, info, 'Session', rootSessionId ?? id),
  }),
  parent: t.relation('parentSession', {
    nullable: true,
    description: "The session one of whose nodes it does; null: it is nobody's child.",
  }),
  children: t.relatedConnection(
    'childSessions',
    {
      cursor: 'id',
      totalCount: true,
      description: 'Sessions that do nodes of its plan, the oldest first.',
      complexity: pageCost,
      query: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
    },
    SessionConnection,
  ),
  forkOf: t.relation('forkOf', { nullable: true, description: 'The session that it was forked from; null: none.' }),
  forks: t.relatedConnection(
    'forks',
    {
      cursor: 'id',
      totalCount: true,
      description: 'Sessions that were forked from it, the oldest first.',
      complexity: pageCost,
      query: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
    },
    SessionConnection,
  ),
}))

builder.prismaObjectFields('Execution', (t) => ({
  child: t.field({
    type: Session,
    nullable: true,
    description: 'The child session that does it; null: none does, or it is about to begin.',
    select: { childId: true },
    resolve: async ({ childId }, _args, context, info) =>
      childId === null ? null : ((await rowOf<never>(context, info, 'Session', childId)) ?? null),
  }),
  slice: t.field({
    type: Amounts,
    nullable: true,
    description: 'What its child session may use of the budget; null: it has none.',
    select: { slice: true },
    resolve: ({ slice }) => slice as never,
  }),
}))
