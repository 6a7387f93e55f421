import { CHECK_KINDS } from '../core/gate.ts'
import type { Candidate as CoreCandidate, Feedback as CoreFeedback } from '../core/execution.ts'
import { builder } from './builder.ts'
import { pageCost, pageOfLog } from './connection.ts'
import { enumOf } from './enums.ts'
import { Evidence, Execution } from './execution.ts'
import { GateKindEnum } from './gate.ts'
import { rowOf } from './rows.ts'

const VerdictKindEnum = enumOf('VerdictKind', 'What a gate says of a result.', ['ACCEPT', 'REJECT', 'ERROR'] as const, {
  ACCEPT: 'It passes.',
  REJECT: 'It does not, and the feedback says why.',
  ERROR: 'The gate itself failed, which says nothing of the result.',
})

export const Verdict = builder.prismaObject('Verdict', {
  description: 'What a gate said of a result, and what it saw: what was checked.',
  fields: (t) => ({
    seq: t.exposeInt('seq', { description: 'Number of the event that tells it.' }),
    execution: t.field({
      type: Execution,
      description: 'The execution whose result it is about.',
      select: { executionId: true },
      resolve: ({ executionId }, _args, context, info) => rowOf<never>(context, info, 'Execution', executionId),
    }),
    attemptId: t.globalID({
      description: 'Global id of the attempt whose result it is about; of the execution where no agent did it.',
      resolve: ({ attemptId, executionId }) => ({
        type: attemptId === executionId ? 'Execution' : 'Attempt',
        id: attemptId,
      }),
    }),
    gate: t.exposeInt('gate', {
      description:
        'Place among the gates of the node, from 0; -1 before all of them: its agent said that it was done, and nothing had happened.',
    }),
    kind: t.expose('kind', { type: GateKindEnum, description: 'What kind of gate it is.' }),
    verdict: t.expose('verdict', { type: VerdictKindEnum, description: 'What it said.' }),
    text: t.exposeString('text', {
      nullable: true,
      description: 'REJECT: the feedback. ERROR: what went wrong. Else null.',
    }),
    evidence: t.expose('evidence', {
      type: 'JSON',
      description: 'What it saw; its members depend on the kind of gate.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was given.' }),
  }),
})

const VerdictConnection = builder.connectionObject(
  {
    type: Verdict,
    name: 'VerdictConnection',
    description: 'A page of verdicts.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many verdicts there are on all pages together.',
        resolve: (page) => (page as unknown as { totalCount: () => Promise<number> }).totalCount(),
      }),
    }),
  },
  { name: 'VerdictEdge', description: 'One of verdicts with its place in the order.' },
)

builder.prismaObjectField('Session', 'verdicts', (t) =>
  t.connection(
    {
      type: Verdict,
      description: 'What was checked: every verdict on its results, in order. Cursors are the numbers of the events.',
      complexity: pageCost,
      select: { id: true },
      resolve: ({ id }, args, { database }) =>
        pageOfLog(
          args,
          ({ after, before, limit, descending }) =>
            database.prisma.verdict.findMany({
              where: { sessionId: id, seq: { gt: after, lt: before } },
              orderBy: { seq: descending ? 'desc' : 'asc' },
              take: limit,
            }),
          () => database.prisma.verdict.count({ where: { sessionId: id } }),
        ) as never,
    },
    VerdictConnection as never,
  ),
)

const FeedbackSource = enumOf('FeedbackSource', 'Who rejected a result.', [...CHECK_KINDS, 'LEDGER'] as const, {
  SCHEMA: 'The output does not fit its JSON Schema.',
  COMMAND: 'A command did not end with 0.',
  TEST_REPORT: 'The tests are not as they have to be.',
  FILES: 'Files are missing, or have not changed.',
  EVIDENCE: 'Artifacts or evidence are missing, or nothing has happened although the agent says that it is done.',
  JUDGE: 'Another agent rejected it.',
  PERSON: 'A person rejected it.',
  MERGE: 'What was changed does not go together with what was accepted before.',
  LEDGER: "A manager's ledger cannot be read or carried out.",
})

const Feedback = builder.objectRef<CoreFeedback>('Feedback').implement({
  description: 'Why a result was rejected; the next attempt is handed it.',
  fields: (t) => ({
    attempt: t.exposeInt('attempt', { description: 'Number of the attempt whose result it was.' }),
    gate: t.field({ type: FeedbackSource, description: 'What rejected it.', resolve: ({ gate }) => gate }),
    text: t.exposeString('text', { description: 'Why it was rejected.' }),
  }),
})

const Candidate = builder.objectRef<CoreCandidate>('Candidate').implement({
  description: 'A result that has not passed all its gates yet.',
  fields: (t) => ({
    output: t.field({ type: 'JSON', nullable: true, description: 'What the agent put out.', resolve: (c) => c.output }),
    summary: t.exposeString('summary', { description: 'The result in one line for a person.' }),
    evidence: t.field({
      type: [Evidence],
      description: 'What the agent checked itself; a short list.',
      resolve: ({ evidence }) => (evidence ?? []) as never,
    }),
    commit: t.string({
      nullable: true,
      description: 'Commit of the workspace as the attempt left it; null: there is none.',
      resolve: ({ commit }) => commit,
    }),
  }),
})

builder.prismaObjectFields('Execution', (t) => ({
  verdicts: t.relation('verdicts', {
    description: 'What its gates said, the last 100, the newest first; a list, all of them are at the session.',
    query: { orderBy: { seq: 'desc' }, take: 100 },
    complexity: { field: 2, multiplier: 5 },
  }),
  gate: t.exposeInt('gate', {
    nullable: true,
    description:
      'While it is VALIDATING: place of the gate whose verdict is awaited, from 0; else null or the last one.',
  }),
  candidate: t.field({
    type: Candidate,
    nullable: true,
    description: 'Its result as long as that has not passed all gates; null otherwise.',
    select: { candidate: true },
    resolve: ({ candidate }) => candidate as never,
  }),
  feedback: t.field({
    type: [Feedback],
    description: 'Why its results were rejected, the last one last; a list of at most 4 for each of its agents.',
    select: { feedback: true },
    resolve: ({ feedback }) => (feedback ?? []) as never,
  }),
}))
