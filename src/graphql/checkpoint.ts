import { builder } from './builder.ts'
import { Execution } from './execution.ts'
import { encodeId } from './ids.ts'
import { rowOf } from './rows.ts'

export const Checkpoint = builder.prismaObject('Checkpoint', {
  description: 'Context after an accepted execution; a session can go on from it.',
  fields: (t) => ({
    seq: t.exposeInt('seq', { description: 'Number of the event that it stands after.' }),
    execution: t.field({
      type: Execution,
      description: 'The execution whose acceptance made it.',
      select: { executionId: true },
      resolve: ({ executionId }, _args, context, info) => rowOf<never>(context, info, 'Execution', executionId),
    }),
    acceptedIds: t.idList({
      description: 'Global ids of all executions accepted by then; a list of at most 201.',
      select: { accepted: true },
      resolve: ({ accepted }) => accepted.map((id) => encodeId('Execution', id)),
    }),
    commit: t.exposeString('commit', {
      nullable: true,
      description: 'Commit of the workspace, where it is a git repository and was committed; else null.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
})
