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
  /** UUID of the token that let them in; undefined: it was something else. */
  tokenId?: string | undefined
}

/** A viewer with these rights; all projects unless told. */
export function viewerOf({
  name,
  roles: given,
  projects: some,
  tokenId,
}: Pick<Viewer, 'name' | 'roles' | 'tokenId'> & { projects?: Viewer['projects'] }): Viewer {
  const roles = ROLES.filter((role) => given.includes(role))
  const projects = some && [...new Set(some)].toSorted()
  return { name, roles, projects, rightsKey: `${roles.join()}@${projects?.join() ?? '*'}`, tokenId }
}

/** The user of this machine, who may do everything. */
export const LOCAL_VIEWER: Viewer = viewerOf({ name: 'local', roles: ROLES })

/** Whether somebody may do what this role may. Every role may look, and ADMIN may do all that the others may. */
export const holds = ({ roles }: Pick<Viewer, 'roles'>, role: Role): boolean =>
  roles.includes(role) || roles.includes('ADMIN') || (role === 'VIEWER' && roles.length > 0)

/**
 * The projects whose rows are meant, as a parameter of SQL: the one that was asked for, else all that exist for whoever
 * asks; null: every one.
 */
export const projectsMeant = ({ projects }: Viewer, asked: string | undefined): readonly string[] | null =>
  asked === undefined ? (projects ?? null) : [asked]
