import { builder } from './builder.ts'
import { ANYBODY } from './forbidden.ts'
import { counted, type Rate } from './rate.ts'

const RateLimit = builder.objectRef<Rate>('RateLimit').implement({
  description: 'How many operations may still begin in this minute.',
  fields: (t) => ({
    limit: t.exposeInt('limit', { description: 'Operations in a minute.' }),
    remaining: t.exposeInt('remaining', { description: 'How many of them are left, after this one.' }),
    resetAt: t.expose('resetAt', { type: 'DateTime', description: 'When all of them may begin again.' }),
  }),
})

builder.queryField('rateLimit', (t) =>
  t.field({
    type: RateLimit,
    authScopes: ANYBODY,
    nullable: true,
    description:
      'How much the token that asks may still ask for; null: it is not limited, as the user of this machine.',
    resolve: async (_root, _args, { viewer, guest, rates }) => {
      const who = counted(viewer, guest.by)
      return who === undefined ? null : rates.look(who)
    },
  }),
)
