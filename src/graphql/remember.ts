import { z } from 'zod'
import { KEY_OF_OTHER } from '../coordinator/keys.ts'
import { hash } from '../core/hash.ts'
import { KNOWLEDGE_KINDS } from '../core/knowledge.ts'
import { newId } from '../ids.ts'
import { createKnowledge, type KnowledgeStore, type Reviewed } from '../store/knowledge.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { enumOf } from './enums.ts'
import { conflict, invalid, limitReached, notFound, refusedBy } from './errors.ts'
import { encodeId, idOf } from './ids.ts'
import { KnowledgeKindEnum } from './knowledge.ts'
import { mutation, type SuccessFields } from './mutation.ts'
import * as rules from './rules.ts'

const MAX_TEXT = 10_000
const MAX_TAGS = 20
const MAX_TAG = 50
const MAX_REFERENCE = 500
const MAX_REASON = 2_000

const words = {
  title: rules.shared(1, rules.TITLE_MAX),
  text: rules.shared(1, MAX_TEXT),
  tags: rules.optional(z.array(rules.shared(1, MAX_TAG)).max(MAX_TAGS, `are more than ${MAX_TAGS}`)),
}

/** The success of a mutation: the piece of knowledge, read after the deed. */
const withKnowledge =
  (description: string): SuccessFields<{ id: string }> =>
  (t) => ({
    knowledge: t.prismaField({
      type: 'Knowledge',
      description,
      resolve: (query, { id }, _args, { database }) =>
        database.prisma.knowledge.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  })

const kept = ({ database }: Context): KnowledgeStore => createKnowledge(database, { newId, now: Date.now })

interface Origin {
  session?: string
  execution?: string
  agent?: string
}

/** Where in a project something comes from, by UUIDs. @throws Refused if it is not there */
async function originOf({ session, execution, agent }: Origin, projectId: string, { database }: Context) {
  const { prisma } = database
  let sessionId = session === undefined ? undefined : idOf('Session', session)
  const executionId = execution === undefined ? undefined : idOf('Execution', execution)
  const agentId = agent === undefined ? undefined : idOf('Agent', agent)
  if (executionId !== undefined) {
    const within = { projectId, ...(sessionId !== undefined && { id: sessionId }) }
    const found = await prisma.execution.findFirst({
      where: { id: executionId, session: within },
      select: { sessionId: true },
    })
    if (!found) throw notFound('Execution')
    sessionId = found.sessionId
  } else if (sessionId !== undefined && (await prisma.session.count({ where: { id: sessionId, projectId } })) === 0) {
    throw notFound('Session')
  }
  if (agentId !== undefined) {
    const there = await prisma.agent.count({ where: { id: agentId, OR: [{ projectId }, { projectId: null }] } })
    if (there === 0) throw notFound('Agent')
  }
  return { sessionId, executionId, agentId }
}

mutation('rememberKnowledge', {
  needs: ['OPERATOR', 'AGENT'],
  keyed: 'KEEPS',
  description:
    'Keeps something for later sessions, as PROPOSED. What says the same is kept once: saying it again adds a source, and what was rejected or replaced does not come back.',
  input: (t) => ({
    project: t.id({ required: true, description: 'Global id or UUID of the project that it is for.' }),
    kind: t.field({ type: KnowledgeKindEnum, required: true, description: 'What it says.' }),
    title: t.string({ required: true, description: 'What it is about, in one line of 1 to 200 characters.' }),
    text: t.string({ required: true, description: 'What it says, in full; 1 to 10,000 characters, without secrets.' }),
    tags: t.stringList({ description: 'Words to find it by; at most 20 of 1 to 50 characters.' }),
    confidence: t.float({ description: 'How sure you are: 0 to 1, 0.5 unless told.' }),
    reference: t.string({
      description: 'Where else you have it from, in words or as an address; 1 to 500 characters.',
    }),
    session: t.id({ description: 'Global id or UUID of the session that it comes from.' }),
    execution: t.id({ description: 'Global id or UUID of the execution that it comes from.' }),
    agent: t.id({ description: 'Global id or UUID of the agent that it comes from.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'From when on it does not hold any more; it only ages if left out.',
    }),
  }),
  rules: rules.object({
    ...words,
    project: rules.globalId,
    kind: z.enum(KNOWLEDGE_KINDS),
    confidence: rules.optional(z.number().min(0, 'must be at least 0').max(1, 'must be at most 1')),
    reference: rules.optional(rules.shared(1, MAX_REFERENCE)),
    session: rules.optional(rules.globalId),
    execution: rules.optional(rules.globalId),
    agent: rules.optional(rules.globalId),
    expiresAt: rules.optional(z.date()),
  }),
  success: ((t) => ({
    ...withKnowledge('What is kept: perhaps what was kept before, or what was put in its place.')(t as never),
    isNew: t.exposeBoolean('isNew', { description: 'false: something that says the same was kept before.' }),
  })) satisfies SuccessFields<{ id: string; isNew: boolean }>,
  resolve: async (input, context, once) => {
    const { project, kind, title, text, tags = [], confidence = 0.5, reference, expiresAt, ...origin } = input
    if (expiresAt && expiresAt.getTime() <= Date.now()) {
      throw invalid([{ path: ['expiresAt'], message: 'is over already' }])
    }
    const { database, viewer, limits } = context
    const projectId = idOf('Project', project)
    const known = await database.prisma.project.count({ where: { id: projectId, archivedAt: null } })
    if (known === 0) throw notFound('Project')
    const source = { by: viewer.name, reference, confidence, ...(await originOf(origin, projectId, context)) }
    const claim = once && {
      operation: once.operation,
      key: once.key,
      inputHash: hash({ ...input, expiresAt: expiresAt?.toISOString() }),
    }
    const statement = { projectId, kind, title, text, tags: [...new Set(tags)], expiresAt }
    const limit = limits.knowledgePerProject
    const answer = await kept(context).remember(statement, source, { limit, claim })
    if (answer.kind === 'OTHER_INPUT') throw refusedBy(KEY_OF_OTHER)
    if (answer.kind === 'FULL') {
      throw limitReached(`The project has ${limit} pieces of knowledge already: forget some of them first.`)
    }
    return answer
  },
})

const DECISIONS = ['APPROVE', 'REJECT', 'CORRECT'] as const
const DecisionEnum = enumOf('KnowledgeDecision', 'What a person finds of a piece of knowledge.', DECISIONS, {
  APPROVE: 'It is right: they stand up for it.',
  REJECT: 'It is wrong.',
  CORRECT: 'It should say something else: the correction is put in its place, APPROVED.',
})

const CorrectionInput = builder.inputType('KnowledgeCorrectionInput', {
  description: 'Other words for a piece of knowledge.',
  fields: (t) => ({
    title: t.string({ required: true, description: 'What it is about, in one line of 1 to 200 characters.' }),
    text: t.string({ required: true, description: 'What it should say; 1 to 10,000 characters, without secrets.' }),
    tags: t.stringList({ description: 'Words to find it by, at most 20; those that it has if left out.' }),
  }),
})

/** @throws Refused unless it was done */
function reviewedId(answer: Reviewed): { id: string } {
  if (answer.kind === 'REVIEWED') return answer
  if (answer.kind === 'UNKNOWN') throw notFound('Piece of knowledge')
  const other = encodeId('Knowledge', answer.byId)
  throw conflict(
    answer.kind === 'SUPERSEDED'
      ? `It was replaced by ${other}: review that one.`
      : `That is kept already as ${other}: reject this one instead.`,
  )
}

mutation('reviewKnowledge', {
  needs: 'APPROVER',
  audited: 'Knowledge',
  description: 'Approves, rejects or corrects a piece of knowledge. A later review takes the place of an earlier one.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the piece of knowledge.' }),
    decision: t.field({ type: DecisionEnum, required: true, description: 'What you find.' }),
    reason: t.string({ description: 'Why, for those who look later; at most 2,000 characters.' }),
    correction: t.field({ type: CorrectionInput, description: 'With CORRECT what it should say.' }),
  }),
  rules: rules
    .object({
      id: rules.globalId,
      decision: z.enum(DECISIONS),
      reason: rules.optional(rules.shared(0, MAX_REASON)),
      correction: rules.optional(rules.object(words)),
    })
    .refine(({ decision, correction }) => (decision === 'CORRECT') === (correction !== undefined), {
      path: ['correction'],
      message: 'goes with CORRECT, and CORRECT with it',
    }),
  success: withKnowledge('What stands from now on: it, or its correction.'),
  resolve: async ({ id: given, decision, reason, correction }, context) => {
    const id = idOf('Knowledge', given)
    const by = { by: context.viewer.name, reason }
    const knowledge = kept(context)
    if (correction) return reviewedId(await knowledge.correct(id, correction, by))
    return reviewedId(await knowledge.review(id, { ...by, review: decision === 'APPROVE' ? 'APPROVED' : 'REJECTED' }))
  },
})

mutation('forgetKnowledge', {
  needs: 'APPROVER',
  description:
    'Removes a piece of knowledge for good, with all that it replaced. To have it stay away, reject it instead.',
  input: (t) => ({ id: t.id({ required: true, description: 'Global id or UUID of the piece of knowledge.' }) }),
  rules: rules.object({ id: rules.globalId }),
  success: ((t) => ({
    forgottenId: t.id({
      description: 'Global id of what is no more.',
      resolve: ({ id }) => encodeId('Knowledge', id),
    }),
  })) satisfies SuccessFields<{ id: string }>,
  resolve: async ({ id: given }, context) => {
    const id = idOf('Knowledge', given)
    // Afterwards nobody knows any more whose it was.
    const projectId = await context.projectOf(id)
    if (!(await kept(context).forget(id))) throw notFound('Piece of knowledge')
    await context.auditor.done(context, { act: 'forgetKnowledge', subject: encodeId('Knowledge', id), projectId })
    return { id }
  },
})
