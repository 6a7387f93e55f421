import { builder } from './builder.ts'
import { startOf } from './activity.ts'
import { unknown } from './errors.ts'
import { Execution } from './execution.ts'
import type { EventRow } from '../store/journal.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'
import { rowOf } from './rows.ts'

export const Event = builder.objectRef<EventRow>('Event').implement({
  description: 'An ordered fact of a session. Events are numbered 1, 2, 3, … without gaps and never change.',
  fields: (t) => ({
    sessionId: t.globalID({
      description: 'Global id of the session that it belongs to.',
      resolve: ({ sessionId }) => ({ type: 'Session', id: sessionId }),
    }),
    seq: t.exposeInt('seq', { description: 'Its number within the session, from 1.' }),
    type: t.exposeString('type', {
      description:
        'What happened: SESSION_ or EXECUTION_ and the new status, or PLAN_MADE, PLAN_CHANGED, ATTEMPT_STARTED, ATTEMPT_ENDED, ATTEMPT_LATE, CHECKPOINT_MADE, VERDICT_GIVEN, INTERRUPT_RAISED, INTERRUPT_ANSWERED, INTERRUPT_EXPIRED, INTERRUPT_ESCALATED, INTERRUPT_VOID, BUDGET_REACHED, BUDGET_RAISED, INPUT_RECEIVED, ROUND_JUDGED, CHILD_ENDED, JUDGE_LOST, COMPENSATION_FAILED, WORKSPACE_RESTORED.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    executionId: t.globalID({
      nullable: true,
      description: 'Global id of the execution that it is about; null: about the session as a whole.',
      resolve: ({ executionId }) => executionId && { type: 'Execution', id: executionId },
    }),
    execution: t.field({
      type: Execution,
      nullable: true,
      description: 'The execution that it is about, as it is now; null: about the session as a whole.',
      resolve: ({ executionId }, _args, context, info) =>
        executionId === null ? null : rowOf<never>(context, info, 'Execution', executionId),
    }),
    attemptId: t.globalID({
      nullable: true,
      description: 'Global id of the attempt that it is about; null: not about one.',
      resolve: ({ attemptId }) => attemptId && { type: 'Attempt', id: attemptId },
    }),
    data: t.field({
      type: 'JSON',
      description: 'What there is to say beyond the type; its members depend on it.',
      resolve: ({ data }) => data,
    }),
  }),
})

export const EventConnection = builder.connectionObject(
  {
    type: Event,
    name: 'EventConnection',
    description: 'A page of events.',
    fields: (t) => ({
      totalCount: t.int({
        description:
          'How many events there are on all pages together; of one session the number of the last one, or 0 once they have been removed.',
        resolve: (page) => (page as unknown as { totalCount: () => Promise<number> }).totalCount(),
      }),
    }),
  },
  { name: 'EventEdge', description: 'One of events with its place in the order.' },
)

interface SnapshotShape {
  sessionId: string
  seq: number
}

export const SessionSnapshot = builder.objectRef<SnapshotShape>('SessionSnapshot').implement({
  description: 'Where a stream of events begins: the state of the session before any of them was sent.',
  fields: (t) => ({
    session: t.prismaField({
      type: 'Session',
      description: 'The session as it is now; it may already be ahead of seq.',
      resolve: (query, { sessionId }, _args, { database }) =>
        database.prisma.session.findUniqueOrThrow({ ...query, where: { id: sessionId } }),
    }),
    seq: t.exposeInt('seq', { description: 'Number of the last event that there was when the stream began.' }),
  }),
})

const SessionEvent = builder.objectRef<EventRow>('SessionEvent').implement({
  description: 'One event of a stream.',
  fields: (t) => ({
    event: t.field({ type: Event, description: 'The event.', resolve: (row) => row }),
    cursor: t.int({
      description: 'Hand it in as after to go on behind this event; the same number as seq of the event.',
      resolve: ({ seq }) => seq,
    }),
  }),
})

const SessionEventItem = builder.unionType('SessionEventItem', {
  description: 'First one SessionSnapshot, then SessionEvents.',
  types: [SessionSnapshot, SessionEvent],
  resolveType: (item) => ('type' in item ? 'SessionEvent' : 'SessionSnapshot'),
})

builder.subscriptionField('sessionEvents', (t) =>
  t.field({
    type: SessionEventItem,
    authScopes: LOOK,
    description:
      'The state of a session, then every event after a number, once and in order, live; completes after the last event of the session. Resume with the cursor of the last event that you have seen, on any server. Of an ended session whose events have been removed it completes after the snapshot, whatever the cursor.',
    args: {
      sessionId: t.arg.id({ required: true, description: 'Global id or UUID of the session.' }),
      after: t.arg.int({
        defaultValue: 0,
        description: 'Cursor of the last event that you have seen; 0, also when left out: from the beginning.',
      }),
    },
    subscribe: async (_root, { sessionId, after }, { follower }) => {
      const log = await follower.sessionLog(idOf('Session', sessionId))
      if (!log) throw unknown('Session')
      return follower.events(log, startOf(after, log.seq)) as never
    },
    resolve: (item) => item as unknown as EventRow,
  }),
)
