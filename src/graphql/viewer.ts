import { ROLES } from '../core/gate.ts'
import { builder } from './builder.ts'
import { enumOf } from './enums.ts'
import { ANYBODY } from './forbidden.ts'
import { encodeId } from './ids.ts'
import type { Viewer as ViewerShape } from './rights.ts'

export const RoleEnum = enumOf('Role', 'Who may do what.', ROLES, {
  VIEWER: 'May look at everything in their projects; so may every other role.',
  OPERATOR: 'May also write tasks, and start, stop and change sessions.',
  APPROVER: 'May also answer interrupts that ask for this role, as most do.',
  AGENT: 'May also claim work of pull agents, and report what came of it.',
  ADMIN: 'May do all that the others may, and look after projects, agents and tokens.',
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
    projects: t.idList({
      nullable: true,
      description:
        'Global ids of the projects in which they may do that, and whose rows alone exist for them; null: all. A list, at most 1,000.',
      resolve: ({ projects }) => projects?.map((id) => encodeId('Project', id)),
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    authScopes: ANYBODY,
    description: 'Who asks.',
    resolve: (_root, _args, { viewer }) => viewer,
  }),
)
