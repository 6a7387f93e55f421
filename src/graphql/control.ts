import type { Moved } from '../coordinator/coordinator.ts'
import { refusedBy } from './errors.ts'
import { idOf } from './ids.ts'
import { mutation, type SuccessFields } from './mutation.ts'
import * as rules from './rules.ts'

/** What was moved, now or before. */
export interface Deed {
  id: string
  replayed: boolean
}

/** The success of a mutation that has moved a session: the session, read after the deed. */
export const withSession =
  (description: string): SuccessFields<Deed> =>
  (t) => ({
    ...withReplayed(t),
    session: t.prismaField({
      type: 'Session',
      description,
      resolve: (query, { id }, _args, { database }) =>
        database.prisma.session.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  })

export const withReplayed: SuccessFields<Deed> = (t) => ({
  replayed: t.exposeBoolean('replayed', {
    description: 'true: the idempotency key and the input were known, so that nothing was done again.',
  }),
})

/** The answer of a mutation that has moved a session before. */
export const sessionAgain = (_input: unknown, id: string): Deed => ({ id, replayed: true })

/**
 * The session that the coordinator moved.
 *
 * @throws Refused if it did not
 */
export function movedBy(result: Moved): Deed {
  if (result.kind !== 'MOVED') throw refusedBy(result)
  return { id: result.sessionId, replayed: false }
}

const reason = rules.optional(rules.text(0, 1_000))

mutation('cancelSession', {
  needs: 'OPERATOR',
  keyed: sessionAgain,
  audited: 'Session',
  description:
    'Stops a session: nothing new starts, what runs is told to stop and fenced off after the grace. Twice is once.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the session.' }),
    reason: t.string({ description: 'Why, for people; at most 1000 characters.' }),
  }),
  rules: rules.object({ id: rules.globalId, reason }),
  success: withSession('The session: CANCELING while something still has to stop, else CANCELED.'),
  resolve: async ({ id: given, reason }, { coordinator }, once) => {
    const id = idOf('Session', given)
    const result = await coordinator.cancel(id, reason?.trim() || 'canceled by a client', once)
    if (result.kind !== 'CANCELING') throw refusedBy(result)
    return { id, replayed: false }
  },
})

mutation('pauseSession', {
  needs: 'OPERATOR',
  keyed: sessionAgain,
  description: 'Lets nothing new begin in a session until resumeSession; what runs goes on, and time stands still.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the session, RUNNING or INTERRUPTED.' }),
    reason: t.string({ description: 'Why, for people; at most 1000 characters.' }),
  }),
  rules: rules.object({ id: rules.globalId, reason }),
  success: withSession('The session, PAUSED.'),
  resolve: async ({ id, reason }, { coordinator, viewer }, once) =>
    movedBy(await coordinator.pause(idOf('Session', id), reason?.trim() || `paused by ${viewer.name}`, once)),
})

mutation('resumeSession', {
  needs: 'OPERATOR',
  keyed: sessionAgain,
  description: 'Goes on with a session that is PAUSED.',
  input: (t) => ({ id: t.id({ required: true, description: 'Global id or UUID of the session.' }) }),
  rules: rules.object({ id: rules.globalId }),
  success: withSession('The session, which goes on.'),
  resolve: async ({ id }, { coordinator }, once) => movedBy(await coordinator.resume(idOf('Session', id), once)),
})

mutation('sendInput', {
  needs: 'OPERATOR',
  keyed: sessionAgain,
  description:
    'Tells a session something while it runs. What comes of it is said by its policy: REJECT refuses it, ENQUEUE hands it to whatever begins later, INTERRUPT also begins anew what runs.',
  input: (t) => ({
    sessionId: t.id({ required: true, description: 'Global id or UUID of the session.' }),
    text: t.string({ required: true, description: 'What to tell; 1 to 10,000 characters.' }),
  }),
  rules: rules.object({ sessionId: rules.globalId, text: rules.text(1, 10_000) }),
  success: withSession('The session, with the input.'),
  resolve: async ({ sessionId, text }, { coordinator, viewer }, once) =>
    movedBy(await coordinator.input(idOf('Session', sessionId), text, viewer.name, once)),
})

mutation('rollbackSession', {
  needs: 'OPERATOR',
  keyed: sessionAgain,
  audited: 'Session',
  description:
    'Stops a session and undoes what was accepted since a checkpoint, in the reverse order: compensations, then the workspace where snapshots of it are kept, as in git repositories alone. It ends ROLLED_BACK.',
  input: (t) => ({
    id: t.id({
      required: true,
      description: 'Global id or UUID of the session, RUNNING, INTERRUPTED or PAUSED.',
    }),
    checkpoint: t.int({
      required: true,
      description: 'seq of one of its checkpoints, whose results stay; 0: back to its beginning.',
    }),
    reason: t.string({ description: 'Why, for people; at most 1000 characters.' }),
  }),
  rules: rules.object({ id: rules.globalId, checkpoint: rules.whole(0, 2 ** 31 - 1), reason }),
  success: withSession('The session, ROLLING_BACK until everything is undone.'),
  resolve: async ({ id, checkpoint, reason }, { coordinator, viewer }, once) => {
    const to = { toSeq: checkpoint, reason: reason?.trim() || `rolled back by ${viewer.name}` }
    return movedBy(await coordinator.rollBack(idOf('Session', id), to, once))
  },
})
