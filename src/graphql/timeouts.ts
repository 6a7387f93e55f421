import type { Timeouts as CoreTimeouts } from '../core/plan.ts'
import { builder } from './builder.ts'
import * as rules from './rules.ts'

const DAY_MS = 86_400_000
const MEANING = {
  queueMs: 'Milliseconds from READY until an agent takes it.',
  attemptMs: 'Milliseconds that one attempt may take.',
  idleMs: 'Milliseconds without any activity while running.',
}

export const Timeouts = builder.objectRef<Partial<CoreTimeouts>>('Timeouts').implement({
  description: 'Limits of time of one execution; null: the default of the server.',
  fields: (t) => ({
    queueMs: t.field({ type: 'Duration', nullable: true, description: MEANING.queueMs, resolve: (own) => own.queueMs }),
    attemptMs: t.field({
      type: 'Duration',
      nullable: true,
      description: MEANING.attemptMs,
      resolve: (own) => own.attemptMs,
    }),
    idleMs: t.field({ type: 'Duration', nullable: true, description: MEANING.idleMs, resolve: (own) => own.idleMs }),
  }),
})

export const TimeoutsInput = builder.inputType('TimeoutsInput', {
  description: 'Limits of time of one execution; what is left out has the default of the server.',
  fields: (t) => ({
    queueMs: t.field({ type: 'Duration', description: MEANING.queueMs }),
    attemptMs: t.field({ type: 'Duration', description: MEANING.attemptMs }),
    idleMs: t.field({ type: 'Duration', description: MEANING.idleMs }),
  }),
})

export const timeoutsRules = rules.object({
  queueMs: rules.optional(rules.whole(1, 30 * DAY_MS)),
  attemptMs: rules.optional(rules.whole(1, 7 * DAY_MS)),
  idleMs: rules.optional(rules.whole(1, 7 * DAY_MS)),
})
