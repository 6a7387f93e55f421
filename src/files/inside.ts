import { realpath } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'

/** Whether something exists at a relative path, and really inside of the folder: no '..', and no link that leads out. */
export async function isInside(folder: string, path: string): Promise<boolean> {
  if (path === '' || path.includes('\0') || isAbsolute(path) || path.split(/[/\\]/).includes('..')) return false
  const root = await realpath(folder)
  const real = await realpath(join(root, path)).catch(() => undefined)
  return real === root || real?.startsWith(root.endsWith(sep) ? root : root + sep) === true
}
