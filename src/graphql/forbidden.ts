import type { AuthFailure, ForbiddenResult } from '@pothos/plugin-scope-auth'
import { GraphQLError, type GraphQLResolveInfo } from 'graphql'
import type { Role } from '../core/gate.ts'
import type { Context } from './context.ts'

/** What a field can ask of whoever asks for it; all of it has to hold. */
export interface Scopes {
  /** Who holds it, or one of them, or ADMIN; see `holds`. */
  role: Role | readonly Role[]
  /** Has it in all projects, not in some. */
  everywhere: boolean
}

/** What somebody with any role may ask for. */
export const LOOK = { role: 'VIEWER' } as const

/** What whoever has come in may ask for, with a role or without. */
export const ANYBODY = {} as const

/** Tells why somebody may not ask for a field, and writes it down. Nothing of the field has been carried out. */
export function forbid(_parent: unknown, context: Context, info: GraphQLResolveInfo, result: ForbiddenResult): Error {
  const message = explain(result.failure, context)
  context.auditor.refused(context, { act: info.fieldName, code: 'FORBIDDEN', detail: message })
  return new GraphQLError(message, { nodes: info.fieldNodes, extensions: { code: 'FORBIDDEN' } })
}

function explain(failure: AuthFailure, { viewer }: Context): string {
  if ('failures' in failure) {
    const [first] = failure.failures
    return first ? explain(first, { viewer } as Context) : 'This is not for you.'
  }
  if ('scope' in failure && failure.scope === 'everywhere') return 'Only who may act in all projects may do that.'
  const needed = 'parameter' in failure ? [failure.parameter].flat().join(', ') : 'ADMIN'
  const roles = needed === 'ADMIN' ? 'ADMIN' : needed === 'VIEWER' ? 'a role' : `${needed} or ADMIN`
  return `That takes ${roles}; you have ${viewer.roles.join(', ') || 'no role'}.`
}
