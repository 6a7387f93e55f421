import { ROLES } from '../core/gate.ts'
import { builder } from './builder.ts'
import { enumOf } from './enums.ts'
import type { Viewer as ViewerShape } from './rights.ts'

export const RoleEnum = enumOf('Role', 'Who may do what.', ROLES, {
  VIEWER: 'May look at everything.',
  OPERATOR: 'May start, stop and change sessions.',
  APPROVER: 'May answer interrupts.',
  AGENT: 'Does executions.',
  ADMIN: 'May do all that the others may.',
})

const Viewer = builder.objectRef<ViewerShape>('Viewer').implement({
  description: 'Who asks.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name under which answers and inputs are kept.' }),
    roles: t.field({
      type: [RoleEnum],
      description: 'What they may do; a list of at most 5.',
      resolve: ({ roles }) => [...roles],
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({ type: Viewer, description: 'Who asks.', resolve: (_root, _args, { viewer }) => viewer }),
)
