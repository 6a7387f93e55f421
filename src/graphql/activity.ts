import type { ActivityRow } from './follow.ts'
import { builder } from './builder.ts'
import { ActivityKindEnum } from './enums.ts'
import { badInput, unknown } from './errors.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'

export const Activity = builder.objectRef<ActivityRow>('Activity').implement({
  description: 'What an agent showed while it worked. Inert text: nothing in it moves a session.',
  fields: (t) => ({
    executionId: t.globalID({
      description: 'Global id of the execution that it belongs to; costs nothing to ask for.',
      resolve: ({ executionId }) => ({ type: 'Execution', id: executionId }),
    }),
    seq: t.exposeInt('seq', { description: '1, 2, 3, … within the execution, over all of its attempts.' }),
    attempt: t.exposeInt('attempt', { description: 'Number of the attempt, from 1.' }),
    kind: t.field({ type: ActivityKindEnum, description: 'What it is.', resolve: ({ kind }) => kind as never }),
    stream: t.exposeString('stream', {
      nullable: true,
      description: 'Where OUTPUT came from: stdout or stderr; else null.',
    }),
    text: t.exposeString('text', { description: 'What was shown, as plain text.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was shown.' }),
  }),
})

export const ActivityConnection = builder.connectionObject(
  {
    type: Activity,
    name: 'ActivityConnection',
    description: 'A page of activities.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many activities there are on all pages together.',
        resolve: (page) => (page as unknown as { totalCount: () => Promise<number> }).totalCount(),
      }),
    }),
  },
  { name: 'ActivityEdge', description: 'One of activities with its place in the order.' },
)

const afterArgument = 'Number of the last one that you have seen; 0, also when left out: from the beginning.'

builder.subscriptionFields((t) => ({
  executionActivity: t.field({
    type: Activity,
    authScopes: LOOK,
    description:
      'Every activity of an execution after a number, once and in order, live; completes when the execution has settled and all are out. Resume with the seq of the last one that you have seen; once the activities of an old session have been removed there is only 0, which completes at once.',
    args: {
      executionId: t.arg.id({ required: true, description: 'Global id or UUID of the execution.' }),
      after: t.arg.int({ defaultValue: 0, description: afterArgument }),
    },
    subscribe: async (_root, { executionId, after }, { follower }) => {
      const log = await follower.executionLog(idOf('Execution', executionId))
      if (!log) throw unknown('Execution')
      return follower.activities(log, startOf(after, log.seq)) as never
    },
    resolve: (row) => row as unknown as ActivityRow,
  }),
  sessionActivity: t.field({
    type: Activity,
    authScopes: LOOK,
    description:
      'Every activity of every execution of a session from the beginning, in order per execution, live; completes when the session has ended and all are out. It cannot be resumed: use executionActivity for that.',
    args: { sessionId: t.arg.id({ required: true, description: 'Global id or UUID of the session.' }) },
    subscribe: async (_root, { sessionId }, { follower }) => {
      const id = idOf('Session', sessionId)
      if (!(await follower.sessionLog(id))) throw unknown('Session')
      return follower.sessionActivities(id) as never
    },
    resolve: (row) => row as unknown as ActivityRow,
  }),
}))

/**
 * Where a reader goes on.
 *
 * @throws if that is ahead of the log: the reader's cursor comes from somewhere else
 */
export function startOf(after: number | null | undefined, seq: number): number {
  const start = after ?? 0
  if (start < 0) throw badInput(`after is ${start}; it must be 0 or the seq of something that you have seen`)
  if (start > seq) throw badInput(`after is ${start}, but the log ends at ${seq}: start again from 0`)
  return start
}
