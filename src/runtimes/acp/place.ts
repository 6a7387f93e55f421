import { realpath } from 'node:fs/promises'
import { basename, dirname, resolve, sep } from 'node:path'
import { confine, Refused } from '../../files/confined.ts'

/** The files that an agent may get at: the workspace, and what earlier parts have left for it to read. */
export interface Place {
  /** @throws Refused */
  read(path: string): Promise<string>
  /** @throws Refused */
  write(path: string, content: string): Promise<void>
  /** Whether all of these paths lie in the workspace, and what is to be read may be read. */
  isWithin(paths: readonly string[], isRead: boolean): Promise<boolean>
}

const LIMITS = { readBytes: 4 * 1024 * 1024, writeBytes: 4 * 1024 * 1024 }

/**
 * Opens the place of an attempt.
 *
 * @param readable absolute paths of files elsewhere that may be read as well
 */
export async function openPlace(workspace: string, readable: ReadonlySet<string>): Promise<Place> {
  const files = await confine(workspace, LIMITS)

  const lies = async (path: string): Promise<boolean> => {
    try {
      // Neither `..` nor what git keeps.
      files.relativeTo(path)
    } catch (error) {
      if (error instanceof Refused) return false
      throw error
    }
    const real = await nearest(resolve(files.root, path))
    return real === files.root || real.startsWith(files.root + sep)
  }

  return {
    async read(path) {
      if (!readable.has(path)) return (await files.read(path)).text
      return (await (await confine(dirname(path), LIMITS)).read(basename(path))).text
    },
    async write(path, content) {
      await files.write(path, content)
    },
    async isWithin(paths, isRead) {
      for (const path of paths) if (!(isRead && readable.has(path)) && !(await lies(path))) return false
      return true
    },
  }
}

/** Where a path, or the nearest folder above it that exists, really is. */
async function nearest(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const real = await realpath(at).catch(() => undefined)
    if (real !== undefined) return real
    if (at === dirname(at)) return at
  }
}
