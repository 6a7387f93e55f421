import { z } from 'zod'
import { CONFLICT_POLICIES, INPUT_POLICIES, ISOLATIONS, type SessionPolicy as CorePolicy } from '../core/state.ts'
import { builder } from './builder.ts'
import { enumOf } from './enums.ts'
import * as rules from './rules.ts'

const InputPolicyEnum = enumOf('InputPolicy', 'What is done with input for a session that runs.', INPUT_POLICIES, {
  REJECT: 'It is refused.',
  ENQUEUE: 'It is for whatever no agent has begun yet.',
  INTERRUPT: 'It is also for what runs, which is told to stop and begins anew with it.',
})

const CLOSE_POLICIES = ['CANCEL_CHILDREN', 'WAIT', 'ABANDON'] as const
const ClosePolicyEnum = enumOf('ClosePolicy', 'What becomes of child sessions when one is stopped.', CLOSE_POLICIES, {
  CANCEL_CHILDREN: 'They are stopped too.',
  WAIT: 'They are awaited.',
  ABANDON: 'They go on by themselves.',
})

const IsolationEnum = enumOf('Isolation', 'Where attempts change the workspace.', ISOLATIONS, {
  NONE: 'In the workspace itself.',
  WORKTREES:
    'Each in a git worktree of its own, or in a copy where the workspace is under no version control. What is accepted is merged in the order of the plan, and shown as the branch tutti/<id of the session>; the workspace stays as it is.',
})

const ConflictPolicyEnum = enumOf(
  'ConflictPolicy',
  'With worktrees: what becomes of a result whose changes do not go together with what was accepted before.',
  CONFLICT_POLICIES,
  {
    RETRY: 'It is rejected, and the next attempt begins on top of what was accepted.',
    FAIL: 'It fails.',
    ASK: 'A person says which of the two.',
  },
)

const MEANING = {
  review: 'Whether a person has to approve the plan before anything begins.',
  rollback:
    'Whether it is rolled back instead of ending FAILED. Files of a workspace that is not in a git repository stay as they are then; without compensations it is refused there.',
  snapshots: 'Whether the workspace is kept after each accepted execution, so that it can be brought back.',
  interruptMs: 'Milliseconds that its interrupts wait for an answer: 1 second to 30 days.',
}

const SessionPolicy = builder.objectRef<CorePolicy>('SessionPolicy').implement({
  description: 'How a session is carried out, beside its limits.',
  fields: (t) => ({
    input: t.expose('input', { type: InputPolicyEnum, description: 'What is done with input while it runs.' }),
    review: t.exposeBoolean('review', { description: MEANING.review }),
    rollback: t.exposeBoolean('rollback', { description: MEANING.rollback }),
    snapshots: t.exposeBoolean('snapshots', { description: MEANING.snapshots }),
    close: t.expose('close', {
      type: ClosePolicyEnum,
      description: 'What becomes of its children when it is stopped.',
    }),
    interruptMs: t.expose('interruptMs', { type: 'Duration', description: MEANING.interruptMs }),
    isolation: t.field({
      type: IsolationEnum,
      description: 'Where attempts change the workspace.',
      // Sessions of earlier versions do not say.
      resolve: ({ isolation }) => isolation ?? 'NONE',
    }),
    onConflict: t.field({
      type: ConflictPolicyEnum,
      description: 'With worktrees: what becomes of a result that does not go together with what was accepted before.',
      resolve: ({ onConflict }) => onConflict ?? 'RETRY',
    }),
  }),
})

builder.prismaObjectField('Session', 'policy', (t) =>
  t.field({
    type: SessionPolicy,
    description: 'How it is carried out, beside its limits.',
    select: { policy: true },
    resolve: ({ policy }) => policy as unknown as CorePolicy,
  }),
)

export const SessionPolicyInput = builder.inputType('SessionPolicyInput', {
  description: 'How a session is to be carried out, beside its limits.',
  fields: (t) => ({
    input: t.field({
      type: InputPolicyEnum,
      description: 'What is done with input while it runs; REJECT if left out.',
    }),
    review: t.boolean({ description: `${MEANING.review} false if left out.` }),
    rollback: t.boolean({ description: `${MEANING.rollback} false if left out.` }),
    snapshots: t.boolean({
      description: `${MEANING.snapshots} If left out: where something can be undone.`,
    }),
    close: t.field({
      type: ClosePolicyEnum,
      description: 'What becomes of its children when it is stopped; CANCEL_CHILDREN if left out.',
    }),
    interruptMs: t.field({ type: 'Duration', description: `${MEANING.interruptMs} A day if left out.` }),
    isolation: t.field({
      type: IsolationEnum,
      description:
        'Where attempts change the workspace; WORKTREES if left out where an agent of the project changes files (see Agent.workspace), else NONE.',
    }),
    onConflict: t.field({
      type: ConflictPolicyEnum,
      description:
        'With worktrees: what becomes of a result that does not go together with what was accepted before; RETRY if left out.',
    }),
  }),
})

export const policyRules = rules.object({
  input: rules.optional(z.enum(INPUT_POLICIES)),
  review: rules.optional(z.boolean()),
  rollback: rules.optional(z.boolean()),
  snapshots: rules.optional(z.boolean()),
  close: rules.optional(z.enum(CLOSE_POLICIES)),
  interruptMs: rules.optional(rules.whole(1_000, 30 * 86_400_000)),
  isolation: rules.optional(z.enum(ISOLATIONS)),
  onConflict: rules.optional(z.enum(CONFLICT_POLICIES)),
})
