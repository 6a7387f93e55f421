import { realpath, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type { Parts } from './context.ts'
import { invalid } from './errors.ts'

/**
 * Where a workspace really is, behind all links, so that what was allowed is also what is worked on.
 *
 * @throws Refused if it is no folder or not allowed
 */
export async function workspaceAt(path: string, { allowWorkspace }: Pick<Parts, 'allowWorkspace'>): Promise<string> {
  const refuse = (message: string) => invalid([{ path: ['workspace'], message }])
  if (!isAbsolute(path)) throw refuse(`${path} is no absolute path: say where it is on the server, from / on`)
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined || !(await stat(real)).isDirectory()) throw refuse(`there is no folder ${path} on the server`)
  const reason = allowWorkspace(real)
  if (reason !== undefined) throw refuse(reason)
  return real
}
