import { constants, existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A folder that is held open: its entries are reached through it, whatever becomes of the path that led here. */
export interface Folder extends AsyncDisposable {
  /** Where the system finds an entry of this very folder. */
  entry(name: string): string
  /** The folder itself, for reading what is in it. */
  readonly path: string
}

/** Linux reaches the entries of an open folder by its descriptor, as openat(2) does; elsewhere there is only the path. */
const DESCRIPTORS = '/proc/self/fd'
const hasDescriptors = process.platform === 'linux' && existsSync(DESCRIPTORS)

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Opens the folder at the top.
 *
 * @throws ENOENT, ENOTDIR, EACCES
 */
export async function openTop(root: string): Promise<Folder> {
  const path = await realpath(root)
  return held(await open(path, FOLDER), path)
}

/**
 * Opens a folder within another one; a link is not followed.
 *
 * @throws ENOENT, ENOTDIR or ELOOP (a link), EACCES
 */
export async function openWithin(above: Folder, name: string): Promise<Folder> {
  const path = above.entry(name)
  return held(await open(path, FOLDER), path)
}

/** The same; makes the folder if there is none. */
export async function makeWithin(above: Folder, name: string): Promise<Folder> {
  await mkdir(above.entry(name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  return openWithin(above, name)
}

async function held(handle: FileHandle, path: string): Promise<Folder> {
  if (!hasDescriptors) await expectSame(handle, path)
  const base = hasDescriptors ? `${DESCRIPTORS}/${handle.fd}` : path
  return {
    path: base,
    entry: (name) => join(base, name),
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

/** Where only paths lead to folders, what was opened has to be what the path still means, links above it included. */
async function expectSame(handle: FileHandle, path: string): Promise<void> {
  const [opened, there, real] = await Promise.all([handle.stat(), stat(path), realpath(path)])
  if (opened.ino === there.ino && opened.dev === there.dev && real === path) return
  await handle.close()
  throw Object.assign(new Error(`${path} was replaced while it was opened`), { code: 'ELOOP' })
}
