import { type Role, ROLES } from '../core/gate.ts'

/** Who asks, and what they may do where. */
export interface Viewer {
  /** Under which answers and inputs are kept. */
  name: string
  roles: readonly Role[]
  /** UUIDs of the projects in which they have these roles, and whose rows exist for them; undefined: all of them. */
  projects: readonly string[] | undefined
  /** Equal for viewers who may do and see the same: what one of them is told can be told to the other. */
  rightsKey: string
}

/** A viewer with these rights; all projects unless told. */
export function viewerOf({
  name,
  roles: given,
  projects: some,
}: Pick<Viewer, 'name' | 'roles'> & { projects?: Viewer['projects'] }): Viewer {
  const roles = ROLES.filter((role) => given.includes(role))
  const projects = some && [...new Set(some)].toSorted()
  return { name, roles, projects, rightsKey: `${roles.join()}@${projects?.join() ?? '*'}` }
}

/** The user of this machine, who may do everything. */
export const LOCAL_VIEWER: Viewer = viewerOf({ name: 'local', roles: ROLES })
