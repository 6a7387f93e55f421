import { z } from 'zod'

import { type Answer as CoreAnswer, CHOICES, INTERRUPT_KINDS, INTERRUPT_STATUSES } from '../core/interrupt.ts'
import type { Refusal } from '../coordinator/coordinator.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { UnitEnum } from './budget.ts'
import { bounded } from './bound.ts'
import { builder } from './builder.ts'
import { connectionOf, pageCost } from './connection.ts'
import type { Context } from './context.ts'
import { type Deed, withReplayed } from './control.ts'
import { enumOf, orderInput } from './enums.ts'
import { refusedBy, type Refused, unknown } from './errors.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'
import { mutation, type SuccessFields } from './mutation.ts'
import { raisedInterrupts } from './raised.ts'
import { projectsMeant } from './rights.ts'
import * as rules from './rules.ts'
import { RoleEnum } from './viewer.ts'

const InterruptKindEnum = enumOf('InterruptKind', 'What is asked of a person.', INTERRUPT_KINDS, {
  APPROVAL: 'May this result stand?',
  QUESTION: 'An agent or a manager wants to know something, or something could not be undone.',
  AUTH: 'An agent needs access.',
  BUDGET: 'A soft limit of the budget is reached: shall it go on?',
  PLAN: 'Is this plan to be carried out?',
})

const InterruptStatusEnum = enumOf('InterruptStatus', 'Whether it still waits.', INTERRUPT_STATUSES, {
  OPEN: 'It waits for an answer.',
  ANSWERED: 'For good: a person has answered.',
  EXPIRED: 'For good: nobody has answered in time, and its default counted.',
  VOID: 'For good: what it was about is no longer so.',
})

const ChoiceEnum = enumOf('Choice', 'What can be answered; each interrupt says which of them it takes.', CHOICES, {
  APPROVE: 'Yes: the result or the plan stands, or the session goes on without the limit that was reached.',
  REJECT: 'No: the result is rejected with the text as feedback, or the plan or the question is given up.',
  ANSWER: 'The text, and the data, are what was asked for.',
  RAISE: 'The data are new limits by unit, for instance {"TOKENS": {"soft": 2000, "hard": 3000}}.',
  RETRY: 'It is tried again.',
  SKIP: 'It is left undone, and the rest goes on.',
  STOP: 'The session, or the rollback, is stopped.',
})

const Answer = builder.objectRef<CoreAnswer>('InterruptAnswer').implement({
  description: 'What was answered, or what counts once nobody has answered in time.',
  fields: (t) => ({
    choice: t.field({ type: ChoiceEnum, description: 'What was chosen.', resolve: ({ choice }) => choice }),
    text: t.string({ nullable: true, description: 'Words with it; null: none.', resolve: ({ text }) => text }),
    data: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Data with it; null: none.',
      resolve: ({ data }) => data,
    }),
  }),
})

interface About {
  gate?: number
  unit?: string
}

export const Interrupt = builder.prismaNode('Interrupt', {
  description: 'Something that waits for a person. It expires, and escalates before.',
  id: { field: 'id', description: 'Global id.' },
  nullable: true,
  fields: (t) => ({
    session: t.relation('session', { description: 'The session that it belongs to.' }),
    execution: t.relation('execution', {
      nullable: true,
      description: 'The execution that it is about; null: about the session as a whole.',
    }),
    seq: t.exposeInt('seq', { description: 'Number of the event of its session that raised it.' }),
    kind: t.expose('kind', { type: InterruptKindEnum, description: 'What is asked.' }),
    status: t.expose('status', { type: InterruptStatusEnum, description: 'Whether it still waits.' }),
    question: t.exposeString('question', { description: 'What is asked, in a sentence.' }),
    shown: t.expose('shown', {
      type: 'JSON',
      description: 'What the person is shown; its members depend on the kind.',
    }),
    shownHash: t.exposeString('shownHash', {
      description: 'SHA-256 of what is shown, in hexadecimal. Hand it in with the answer: it counts for nothing else.',
    }),
    choices: t.field({
      type: [ChoiceEnum],
      description: 'What can be answered; a list of at most 3.',
      select: { choices: true },
      resolve: ({ choices }) => choices as never,
    }),
    role: t.expose('role', { type: RoleEnum, description: 'Who may answer, beside ADMIN.' }),
    gate: t.int({
      nullable: true,
      description: 'APPROVAL: place of the gate that asks, from 0; null: no gate does.',
      select: { about: true },
      resolve: ({ about }) => (about as About).gate,
    }),
    unit: t.field({
      type: UnitEnum,
      nullable: true,
      description: 'BUDGET: the unit whose soft limit is reached; null: it is about something else.',
      select: { about: true },
      resolve: ({ about }) => (about as About).unit as never,
    }),
    onExpiry: t.field({
      type: Answer,
      description: 'What counts once nobody has answered in time.',
      select: { onExpiry: true },
      resolve: ({ onExpiry }) => onExpiry as never,
    }),
    escalated: t.exposeBoolean('escalated', { description: 'Whether half of its time has gone by without an answer.' }),
    answer: t.field({
      type: Answer,
      nullable: true,
      description: 'What was answered, or counted once it had expired; null while it is OPEN, and if it is VOID.',
      select: { answer: true },
      resolve: ({ answer }) => answer as never,
    }),
    answeredBy: t.exposeString('answeredBy', { nullable: true, description: 'Who answered; null: nobody has.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was raised.' }),
    escalatesAt: t.expose('escalatesAt', { type: 'DateTime', description: 'When it escalates.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When its default counts.' }),
    answeredAt: t.expose('answeredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was answered or expired; null before.',
    }),
  }),
})

builder.prismaObjectField('Execution', 'interrupt', (t) =>
  t.field({
    type: Interrupt,
    nullable: true,
    description: 'The interrupt whose answer it waits for; null: none.',
    select: { interruptId: true },
    resolve: ({ interruptId }, _args, { loaders }) =>
      interruptId === null ? null : loaders.interrupt.load(interruptId),
  }),
)

const InterruptConnection = connectionOf(Interrupt, 'interrupts')
const order = orderInput(
  'Interrupt',
  { CREATED_AT: 'When they were raised.', EXPIRES_AT: 'When they expire.' },
  { CREATED_AT: 'createdAt', EXPIRES_AT: 'expiresAt' },
)

const InterruptFilter = builder.inputType('InterruptFilter', {
  description: 'Which interrupts are wanted; all conditions hold at once.',
  fields: (t) => ({
    status: t.field({
      type: [InterruptStatusEnum],
      description: 'Those with one of these statuses; those that are OPEN if left out.',
    }),
    kind: t.field({ type: [InterruptKindEnum], description: 'Those of one of these kinds.' }),
    project: t.id({ description: 'Those of the project with this id.' }),
    session: t.id({
      description: "Those of the session with this id and, if it is nobody's child, of all sessions below it.",
    }),
    role: t.field({ type: RoleEnum, description: 'Those that ask this role.' }),
  }),
})

function whereOf(filter: typeof InterruptFilter.$inferInput | null | undefined): Prisma.InterruptWhereInput {
  const { status, kind, project, session, role } = filter ?? {}
  const sessionId = session == null ? undefined : idOf('Session', session)
  return {
    status: { in: status ?? ['OPEN'] },
    ...(kind && { kind: { in: kind } }),
    ...(project != null && { session: { projectId: idOf('Project', project) } }),
    ...(sessionId !== undefined && { OR: [{ sessionId }, { session: { rootSessionId: sessionId } }] }),
    ...(role && { role }),
  }
}

builder.queryField('interrupts', (t) =>
  t.prismaConnection(
    {
      type: 'Interrupt',
      cursor: 'id',
      authScopes: LOOK,
      description: 'What waits for people: the oldest first unless ordered otherwise.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: InterruptFilter, description: 'Which ones; all that are OPEN if left out.' }),
        orderBy: t.arg({ type: order.input, description: 'In which order; the oldest first if left out.' }),
      },
      totalCount: (_root, { filter }, { database }) => database.prisma.interrupt.count({ where: whereOf(filter) }),
      resolve: async (query, _root, { filter, orderBy: wanted }, { database }) => {
        const orderBy = order.orderBy(wanted, 'asc')
        const where = await bounded(query, database.prisma.interrupt, whereOf(filter), orderBy)
        return database.prisma.interrupt.findMany({ ...query, where, orderBy: orderBy as never })
      },
    },
    InterruptConnection,
  ),
)

builder.prismaObjectField('Session', 'interrupts', (t) =>
  t.relatedConnection(
    'interrupts',
    {
      cursor: 'id',
      totalCount: true,
      description: 'All that it ever asked of people, the first one first; those of its children are there.',
      complexity: pageCost,
      args: {
        status: t.arg({
          type: [InterruptStatusEnum],
          description: 'Those with one of these statuses; all if left out.',
        }),
      },
      query: ({ status }) => ({ ...(status && { where: { status: { in: status } } }), orderBy: [{ seq: 'asc' }] }),
    },
    InterruptConnection,
  ),
)

mutation('answerInterrupt', {
  needs: 'VIEWER',
  keyed: ({ id }) => ({ id: idOf('Interrupt', id), replayed: true }),
  audited: 'Interrupt',
  description:
    'Answers an interrupt, exactly once: whoever comes later is told by whom it was answered. Answering in the name of its role, or as ADMIN.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the interrupt.' }),
    choice: t.field({ type: ChoiceEnum, required: true, description: 'One of its choices.' }),
    text: t.string({
      description: 'Words with it: why it is rejected, or the answer to a question; at most 10,000 characters.',
    }),
    data: t.field({
      type: 'JSON',
      description: 'With RAISE the new limits by unit; with ANSWER whatever was asked for.',
    }),
    shownHash: t.string({
      description: 'shownHash of the interrupt that you have seen; an answer to anything else is refused.',
    }),
  }),
  rules: rules.object({
    id: rules.globalId,
    choice: z.enum(CHOICES),
    text: rules.optional(rules.text(0, 10_000)),
    data: rules.optional(rules.json),
    shownHash: rules.optional(rules.text(0, 64)),
  }),
  success: ((t) => ({
    ...withReplayed(t),
    interrupt: t.prismaField({
      type: 'Interrupt',
      description: 'The interrupt, ANSWERED.',
      resolve: (query, { id }, _args, { database }) =>
        database.prisma.interrupt.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  })) satisfies SuccessFields<Deed>,
  resolve: async ({ id: given, choice, text, data, shownHash }, context, once) => {
    const { coordinator, viewer } = context
    const id = idOf('Interrupt', given)
    const answering = {
      interruptId: id,
      answer: { choice, ...(text !== undefined && { text }), ...(data !== undefined && { data }) },
      by: viewer.name,
      roles: viewer.roles,
      ...(shownHash !== undefined && { shownHash }),
    }
    const result = await coordinator.answer(answering, once)
    if (result.kind !== 'MOVED') throw await answerRefused(context, id, choice, result)
    return { id, replayed: false }
  },
})

/** A refusal with the place of its problem in the input. */
async function answerRefused({ database }: Context, id: string, choice: string, refusal: Refusal): Promise<Refused> {
  if (refusal.kind !== 'INVALID') return refusedBy(refusal)
  const { choices } = await database.prisma.interrupt.findUniqueOrThrow({ where: { id } })
  // A choice that it takes is not wrong by itself.
  const path = [choices.includes(choice) ? 'data' : 'choice']
  return refusedBy({ kind: 'INVALID', problems: refusal.problems.map(({ message }) => ({ path, message })) })
}

builder.subscriptionField('interruptRaised', (t) =>
  t.prismaField({
    type: 'Interrupt',
    authScopes: LOOK,
    description:
      'First every interrupt that is OPEN, the oldest first, then each one as it is raised, once. After a lost connection subscribe again: whatever still waits comes first. With a session it completes once that has ended.',
    args: {
      project: t.arg.id({ description: 'Those of the project with this id; of all if left out.' }),
      session: t.arg.id({
        description: "Those of the session with this id and, if it is nobody's child, of all sessions below it.",
      }),
    },
    subscribe: async (_root, { project, session }, { database, bus, follower, viewer }) => {
      const sessionId = session == null ? undefined : idOf('Session', session)
      if (sessionId !== undefined && !(await follower.sessionLog(sessionId))) throw unknown('Session')
      const projects = projectsMeant(viewer, project == null ? undefined : idOf('Project', project))
      return raisedInterrupts({ database, bus }, { projects, sessionId }) as never
    },
    resolve: (query, raised, _args, { database }) =>
      database.prisma.interrupt.findUniqueOrThrow({
        ...query,
        where: { id: (raised as unknown as { id: string }).id },
      }),
  }),
)
