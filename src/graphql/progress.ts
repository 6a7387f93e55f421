import type { Reply as CoreReply } from '../core/execution.ts'
import type { Ledger as CoreLedger, Rollback as CoreRollback, SessionInput as CoreInput } from '../core/state.ts'
import { builder } from './builder.ts'
import { enumOf } from './enums.ts'

const SessionInput = builder.objectRef<CoreInput>('SessionInput').implement({
  description: 'What somebody told a session while it ran.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'What was told.' }),
    by: t.exposeString('by', { description: 'Who told it.' }),
    at: t.field({ type: 'DateTime', description: 'When it was told.', resolve: ({ at }) => new Date(at) }),
  }),
})

const Ledger = builder.objectRef<CoreLedger>('Ledger').implement({
  description: 'How far a managed session has come.',
  fields: (t) => ({
    round: t.exposeInt('round', { description: 'Rounds so far.' }),
    stalls: t.exposeInt('stalls', { description: 'Rounds without progress, less those with.' }),
    replans: t.exposeInt('replans', { description: 'Times that the manager began anew after a stall.' }),
    satisfied: t.exposeBoolean('satisfied', { description: 'Whether the manager has said that the task is done.' }),
    limit: t.string({
      nullable: true,
      description: 'The limit that ended it, in words; null: none has.',
      resolve: ({ limit }) => limit,
    }),
  }),
})

const PHASES = ['STOPPING', 'COMPENSATING', 'RESTORING'] as const
const RollbackPhase = enumOf('RollbackPhase', 'How far a rollback has come.', PHASES, {
  STOPPING: 'What runs is being stopped.',
  COMPENSATING: 'What was accepted is being undone, the last one first.',
  RESTORING: 'The workspace is being brought back.',
})

const Rollback = builder.objectRef<CoreRollback>('Rollback').implement({
  description: 'What a rollback goes back to, and how far it has come.',
  fields: (t) => ({
    reason: t.exposeString('reason', { description: 'Why it was begun.' }),
    checkpoint: t.int({
      description: 'seq of the checkpoint that it goes back to; 0: to the beginning.',
      resolve: ({ toSeq }) => toSeq,
    }),
    phase: t.field({ type: RollbackPhase, description: 'How far it has come.', resolve: ({ phase }) => phase }),
    commit: t.string({
      nullable: true,
      description: 'Commit that the workspace goes back to; null: it stays as it is.',
      resolve: ({ commit }) => commit,
    }),
  }),
})

builder.prismaObjectFields('Session', (t) => ({
  inputs: t.field({
    type: [SessionInput],
    description:
      'What it was told while it ran, and before that the session that it goes on from, in order; a list of at most 1,000.',
    complexity: { field: 2, multiplier: 20 },
    select: { inputs: true },
    resolve: ({ inputs }) => inputs as never,
  }),
  ledger: t.field({
    type: Ledger,
    nullable: true,
    description: 'How far its manager has come; null: it has none.',
    select: { ledger: true },
    resolve: ({ ledger }) => ledger as never,
  }),
  rollback: t.field({
    type: Rollback,
    nullable: true,
    description: 'Its rollback, while it is under way and after; null: none has begun.',
    select: { rollback: true },
    resolve: ({ rollback }) => rollback as never,
  }),
  baseCommit: t.exposeString('baseCommit', {
    nullable: true,
    description: 'Commit of the workspace when it began, if snapshots are kept or it has worktrees; else null.',
  }),
  headCommit: t.exposeString('headCommit', {
    nullable: true,
    description: 'With worktrees: commit that holds all that was accepted; null: nothing has been changed.',
  }),
  branch: t.exposeString('branch', {
    nullable: true,
    description:
      'With worktrees: the branch of the repository that shows headCommit; null: nothing has been changed, or the workspace is in no repository.',
  }),
  waitedMs: t.field({
    type: 'Duration',
    description: 'Milliseconds that it has waited for people, until now.',
    select: { waitedMs: true, waitingSince: true },
    resolve: ({ waitedMs, waitingSince }) => waitedMs + (waitingSince ? Date.now() - waitingSince.getTime() : 0),
  }),
}))

const Reply = builder.objectRef<CoreReply>('Reply').implement({
  description: "What a person answered to an agent's question; the next attempt is handed it.",
  fields: (t) => ({
    question: t.exposeString('question', { description: 'What was asked.' }),
    text: t.exposeString('text', { description: 'What was answered, in words; may be empty.' }),
    data: t.field({ type: 'JSON', nullable: true, description: 'Data with it.', resolve: ({ data }) => data }),
  }),
})

builder.prismaObjectFields('Execution', (t) => ({
  commit: t.exposeString('commit', {
    nullable: true,
    description: 'With worktrees: commit of its accepted result; null: it has changed nothing.',
  }),
  replies: t.field({
    type: [Reply],
    description: 'What people answered to its agents, in order; a list of at most 20.',
    select: { replies: true },
    resolve: ({ replies }) => (replies ?? []) as never,
  }),
  fallbacks: t.int({
    description: 'Fallback agents whose turn has come so far: 0 to 5.',
    select: { fallbacks: true },
    resolve: ({ fallbacks }) => fallbacks ?? 0,
  }),
}))
