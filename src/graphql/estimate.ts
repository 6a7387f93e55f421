import type { Estimate as CoreEstimate } from '../core/estimate.ts'
import { builder } from './builder.ts'

export const Estimate = builder.objectRef<CoreEstimate>('Estimate').implement({
  description: 'What a plan will take if everything is accepted at the first attempt, from what agents took before.',
  fields: (t) => ({
    durationMs: t.field({ type: 'Duration', description: 'Milliseconds from start to end.', resolve: ({ ms }) => ms }),
    cost: t.exposeFloat('cost', { description: 'US dollars.' }),
    tokens: t.exposeFloat('tokens', { description: 'Tokens of models, in and out.' }),
    criticalPath: t.exposeStringList('criticalPath', {
      description: 'Keys along the longest way through the plan, as a list: it takes no less time than they do.',
    }),
    unknown: t.exposeStringList('unknown', {
      description: 'Keys of nodes of which nothing was known; the medians of the others stand in. A list by the plan.',
    }),
  }),
})
