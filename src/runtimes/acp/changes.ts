import { createHash } from 'node:crypto'
import { constants, lstatSync, readdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'

/** A file that came, went or was written. */
export interface Change {
  /** Relative to the workspace, with `/`. */
  path: string
  change: 'ADDED' | 'CHANGED' | 'REMOVED'
  /** SHA-256 of what it holds now, in hex; null where it is gone, too large, or no regular file. */
  sha256: string | null
}

/** What the files of a workspace looked like at a moment; undefined if there are too many of them. */
export type Look = ReadonlyMap<string, string> | undefined

/** Never looked into: what version control and package managers keep there is not the agent's work. */
const PASSED_OVER = new Set(['.git', 'node_modules'])
/** Folders that are read before others get their turn: a few milliseconds. */
const BATCH = 50
const HASHED_FILES = 200
const HASHED_BYTES = 64 * 1024 * 1024

/**
 * Looks at every file of a workspace without reading one: the kernel changes a file's time of change with everything
 * that is written, and lets nobody set it.
 *
 * @param maxFiles more than these are not looked at
 */
export async function look(workspace: string, maxFiles: number): Promise<Look> {
  const seen = new Map<string, string>()
  const folders = ['']
  let read = 0
  for (const folder of folders) {
    if (++read % BATCH === 0) await breathe()
    for (const entry of listed(join(workspace, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (PASSED_OVER.has(entry.name)) continue
      if (entry.isDirectory()) folders.push(path)
      else seen.set(path, markOf(join(workspace, path)))
      if (seen.size + folders.length > maxFiles) return undefined
    }
  }
  return seen
}

/** What has changed from one look to the next, sorted by path; undefined where that cannot be told. */
export async function changesBetween(workspace: string, before: Look, after: Look): Promise<Change[] | undefined> {
  if (!before || !after) return undefined
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path))
  const changes: Change[] = []
  for (const path of paths.toSorted()) {
    const change = !before.has(path) ? 'ADDED' : !after.has(path) ? 'REMOVED' : 'CHANGED'
    const isHashed = change !== 'REMOVED' && changes.length < HASHED_FILES
    changes.push({ path, change, sha256: isHashed ? await hashOf(join(workspace, path)) : null })
  }
  return changes
}

function listed(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    // It went while we looked, or may not be read.
    return []
  }
}

function markOf(file: string): string {
  try {
    const { ino, size, mode, ctimeNs } = lstatSync(file, { bigint: true })
    return `${ino} ${size} ${mode} ${ctimeNs}`
  } catch {
    return 'gone'
  }
}

async function hashOf(file: string): Promise<string | null> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const found = await handle.stat()
    if (!found.isFile() || found.size > HASHED_BYTES) return null
    const hash = createHash('sha256')
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk as Buffer)
    return hash.digest('hex')
  } catch {
    return null
  }
}
