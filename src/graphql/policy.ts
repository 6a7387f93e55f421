import { z } from 'zod'
import { INPUT_POLICIES, type SessionPolicy as CorePolicy } from '../core/state.ts'
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
  }),
})

export const policyRules = rules.object({
  input: rules.optional(z.enum(INPUT_POLICIES)),
  review: rules.optional(z.boolean()),
  rollback: rules.optional(z.boolean()),
  snapshots: rules.optional(z.boolean()),
  close: rules.optional(z.enum(CLOSE_POLICIES)),
  interruptMs: rules.optional(rules.whole(1_000, 30 * 86_400_000)),
})
