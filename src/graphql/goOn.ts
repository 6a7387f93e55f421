import { z } from 'zod'
import { builder } from './builder.ts'
import { idOf } from './ids.ts'
import { mutation } from './mutation.ts'
import { editsRefused, editsRules, PlanEditInput } from './planEdit.ts'
import * as rules from './rules.ts'
import { checkLoad, started, startedBy } from './started.ts'

const RETRY_FROM = ['FAILURE', 'CHECKPOINT'] as const
const RetryFrom = builder.enumType('RetryFrom', {
  description: 'From where a session is tried again.',
  values: {
    FAILURE: { description: 'Everything that was accepted stands.' },
    CHECKPOINT: { description: 'Only what had been accepted at a checkpoint stands; the rest is done anew.' },
  } as const,
})

const seq = rules.whole(1, 2 ** 31 - 1)

mutation('retrySession', {
  needs: 'OPERATOR',
  keyed: 'STARTS',
  description: 'Makes a new session that goes on from the accepted results of one that has ended.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the session that has ended.' }),
    from: t.field({
      type: RetryFrom,
      description: 'From where; FAILURE if left out, for which the session must not have SUCCEEDED.',
    }),
    checkpoint: t.int({ description: 'With CHECKPOINT: seq of one of its checkpoints.' }),
  }),
  rules: rules
    .object({
      id: rules.globalId,
      from: rules.optional(z.enum(RETRY_FROM)),
      checkpoint: rules.optional(seq),
    })
    .refine(({ from, checkpoint }) => (from === 'CHECKPOINT') === (checkpoint !== undefined), {
      path: ['checkpoint'],
      message: 'belongs to from: CHECKPOINT, which needs it',
    }),
  success: started,
  resolve: async ({ id, checkpoint }, context, once) => {
    await checkLoad(context, once)
    return startedBy(await context.coordinator.retry(idOf('Session', id), once?.key, checkpoint))
  },
})

mutation('forkSession', {
  needs: 'OPERATOR',
  keyed: 'STARTS',
  description:
    'Makes a new session that goes on from any other one, whether that has ended or not, with its plan changed or as it is. What is changed, and what was made from it, is done anew. Changes of a plan that was under review are reviewed too.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Global id or UUID of the session that is forked; it stays as it is.' }),
    checkpoint: t.int({
      description: 'seq of one of its checkpoints: only what had been accepted by then stands; all of it if left out.',
    }),
    edits: t.field({ type: [PlanEditInput], description: 'Changes of the plan, one after the other; at most 100.' }),
  }),
  rules: rules.object({
    id: rules.globalId,
    checkpoint: rules.optional(seq),
    edits: rules.optional(editsRules),
  }),
  success: started,
  resolve: async ({ id, checkpoint, edits }, context, once) => {
    await checkLoad(context, once)
    const result = await context.coordinator.fork({
      sessionId: idOf('Session', id),
      ...(checkpoint !== undefined && { seq: checkpoint }),
      ...(edits && { edits }),
      ...(once && { idempotencyKey: once.key }),
    })
    return startedBy(result, (refusal) => editsRefused(edits ?? [], refusal))
  },
})
