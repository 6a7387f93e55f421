import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, readlink, realpath, rename, rm } from 'node:fs/promises'
import { isAbsolute, join, normalize, relative, sep } from 'node:path'
import { type Folder, makeWithin, openTop, openWithin } from './descent.ts'

/** A path or a file that is refused, or that cannot be had. The message is for whoever named it. */
export class Refused extends Error {
  /** NOT_FOUND: nothing is there. OUTSIDE: it would leave the folder, or is closed. TOO_LARGE, NOT_TEXT: what is there. */
  readonly reason: 'NOT_FOUND' | 'OUTSIDE' | 'TOO_LARGE' | 'NOT_TEXT' | 'FAILED'

  constructor(reason: Refused['reason'], message: string) {
    super(message)
    this.name = 'Refused'
    this.reason = reason
  }
}

/** Bytes of a file that is read, and of one that is written. */
interface FileLimits {
  readBytes: number
  writeBytes: number
}

const DEFAULT_LIMITS: FileLimits = { readBytes: 1024 * 1024, writeBytes: 4 * 1024 * 1024 }

/** Text of a file, and the hash of its bytes. */
interface Content {
  text: string
  sha256: string
  bytes: number
}

/** What a write has changed. Hashes are SHA-256 in hex. */
interface Written {
  /** Relative to the folder, with `/`. */
  path: string
  /** Null: the file is new. */
  before: string | null
  sha256: string
  bytes: number
}

/** Files below one folder, for somebody who is not trusted with any other. */
export interface Confined {
  /** The absolute path of the folder, without links. */
  readonly root: string
  /**
   * The path relative to the folder, `.` for itself, of a relative path or of an absolute one that lies within.
   *
   * @throws Refused OUTSIDE
   */
  relativeTo(path: string): string
  /**
   * Reads a regular file of UTF-8 text.
   *
   * @throws Refused
   */
  read(path: string): Promise<Content>
  /**
   * Writes a file in one step, with the folders above it: readers see the old text or the new one. A file keeps its mode.
   *
   * @throws Refused
   */
  write(path: string, text: string): Promise<Written>
  /**
   * Has `use` look into a folder that is held open for it.
   *
   * @throws Refused
   */
  within<T>(path: string, use: (folder: Folder, path: string) => Promise<T>): Promise<T>
}

/** Never entered: hooks and settings in there are run by whoever uses git next, and settings may hold a password. */
export const CLOSED = '.git'

/** Links that one path may lead through. */
const MAX_LINKS = 10

/**
 * Confines reading and writing to a folder. Promises:
 *
 * - No path leads out: not `..`, not an absolute one, not a link, and not a folder or file that is replaced by a link in
 *   the very moment. Each folder is opened within the one above it, without following links, and held open while it is
 *   used. Links that stay inside are followed, by resolving them first.
 * - Elsewhere than on Linux a folder above can still be swapped between its check and its use, for there is no way to
 *   name an entry of an open folder.
 * - Writing replaces the entry, so neither a link nor a hard link of that name leads a write out. Reading through a hard
 *   link cannot be told from reading a file: whoever could make one could read the file anyway.
 * - Pipes, sockets and devices are refused without waiting for them.
 * - Nothing named `.git` is read, written or entered.
 *
 * @param root an existing folder
 */
export async function confine(root: string, limits: Partial<FileLimits> = {}): Promise<Confined> {
  const { readBytes, writeBytes } = { ...DEFAULT_LIMITS, ...limits }
  const top = await realpath(root)

  function relativeTo(path: string): string {
    if (path.includes('\0')) throw new Refused('OUTSIDE', 'a path has no NUL character in it')
    const lexical = isAbsolute(path) ? relativeOf(path) : normalize(path === '' ? '.' : path)
    const clean = lexical.length > 1 && lexical.endsWith(sep) ? lexical.slice(0, -1) : lexical
    const parts = clean.split(/[/\\]/)
    if (isAbsolute(clean) || path.split(/[/\\]/).includes('..') || parts.includes('..')) {
      throw new Refused(
        'OUTSIDE',
        `${quoted(path)} leads out of the workspace: give a path relative to it, without ".."`,
      )
    }
    if (parts.some((part) => part.toLowerCase() === CLOSED)) {
      throw new Refused('OUTSIDE', `${quoted(path)} is closed: what git keeps is neither read nor written here`)
    }
    return clean.split(sep).join('/')
  }

  /** An absolute path may be spelled with the links that led to the folder. */
  function relativeOf(path: string): string {
    for (const base of [top, root]) {
      const within = relative(base, normalize(path))
      if (!leadsOut(within)) return within === '' ? '.' : within
    }
    return path
  }

  /** The same file without links on the way: those that stay inside are resolved here, all others are refused. */
  async function resolved(path: string): Promise<string[]> {
    let parts = relativeTo(path)
      .split('/')
      .filter((part) => part !== '.')
    for (let links = 0, at = 0; at < parts.length; at++) {
      const here = join(top, ...parts.slice(0, at + 1))
      const entry = await lstat(here).catch(() => undefined)
      if (!entry) break
      if (!entry.isSymbolicLink()) continue
      if (++links > MAX_LINKS)
        throw new Refused('OUTSIDE', `${quoted(path)} leads through more than ${MAX_LINKS} links`)
      const target = await readlink(here)
      const meant = isAbsolute(target) ? normalize(target) : normalize(join(top, ...parts.slice(0, at), target))
      const inside = relative(top, meant)
      if (leadsOut(inside)) {
        throw new Refused('OUTSIDE', `${quoted(path)} is a link that leads out of the workspace`)
      }
      const rest = parts.slice(at + 1)
      parts = relativeTo(join(inside, ...rest))
        .split('/')
        .filter((part) => part !== '.')
      at = -1
    }
    return parts
  }

  /** Opens the folders on the way one within the other, and holds the last one open for `use`. */
  async function descend<T>(
    parts: readonly string[],
    step: typeof openWithin,
    use: (folder: Folder) => Promise<T>,
  ): Promise<T> {
    let folder = await openTop(top)
    try {
      for (const part of parts) {
        const next = await step(folder, part)
        await folder[Symbol.asyncDispose]()
        folder = next
      }
      return await use(folder)
    } finally {
      await folder[Symbol.asyncDispose]()
    }
  }

  async function readEntry(folder: Folder, name: string, path: string): Promise<Content & { mode: number }> {
    // Without O_NONBLOCK a pipe would keep us waiting for its writer.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    await using handle = await open(folder.entry(name), flags)
    const found = await handle.stat()
    if (found.isDirectory()) throw new Refused('NOT_TEXT', `${quoted(path)} is a folder: list it`)
    if (!found.isFile()) throw new Refused('NOT_TEXT', `${quoted(path)} is no regular file`)
    const bytes = Buffer.alloc(Math.min(found.size, readBytes) + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length)
      length += bytesRead
      if (bytesRead === 0 || length === bytes.length) break
    }
    if (length > readBytes || found.size > readBytes) {
      const size = Math.max(found.size, length)
      throw new Refused('TOO_LARGE', `${quoted(path)} has ${size} bytes; at most ${readBytes} are read: search in it`)
    }
    const content = bytes.subarray(0, length)
    return { text: textOf(content, path), sha256: sha256Of(content), bytes: length, mode: found.mode & 0o777 }
  }

  return {
    root: top,
    relativeTo,

    async read(path) {
      return told(path, async () => {
        const parts = await resolved(path)
        const name = fileName(parts, path)
        const { mode: _, ...content } = await descend(parts.slice(0, -1), openWithin, (folder) =>
          readEntry(folder, name, path),
        )
        return content
      })
    },

    async write(path, text) {
      const content = Buffer.from(text)
      if (content.length > writeBytes) {
        const message = `${quoted(path)} would have ${content.length} bytes; at most ${writeBytes} are written`
        throw new Refused('TOO_LARGE', message)
      }
      return told(path, async () => {
        const parts = await resolved(path)
        const name = fileName(parts, path)
        return descend(parts.slice(0, -1), makeWithin, async (folder) => {
          const old = await lstat(folder.entry(name)).catch(() => undefined)
          if (old && !old.isFile())
            throw new Refused('OUTSIDE', `${quoted(path)} is no regular file: it is not replaced`)
          const before = old ? await hashOf(folder.entry(name)) : null
          await replace(folder, name, content, old ? old.mode & 0o777 : undefined)
          return { path: parts.join('/'), before, sha256: sha256Of(content), bytes: content.length }
        })
      })
    },

    async within(path, use) {
      return told(path, async () => {
        const parts = await resolved(path)
        return descend(parts, openWithin, (folder) => use(folder, parts.join('/')))
      })
    },
  }
}

/** Whether a path relative to a folder names something outside of it. */
function leadsOut(path: string): boolean {
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)
}

/** Says what the system has to say in words for whoever named the path, without paths of the machine. */
async function told<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof Refused) throw error
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new Refused('NOT_FOUND', `${quoted(path)} does not exist`)
    if (code === 'ELOOP') throw new Refused('OUTSIDE', `${quoted(path)} became a link while it was opened`)
    if (code === 'ENOTDIR') throw new Refused('NOT_FOUND', `${quoted(path)} does not exist: there is a file on the way`)
    throw new Refused('FAILED', `${quoted(path)} cannot be used: ${code}`)
  }
}

function fileName(parts: readonly string[], path: string): string {
  const name = parts.at(-1)
  if (name === undefined) throw new Refused('NOT_TEXT', `${quoted(path)} is a folder: list it`)
  return name
}

/** A new file takes the place of the old entry, which is never written through. */
async function replace(folder: Folder, name: string, content: Buffer, mode: number | undefined): Promise<void> {
  const fresh = folder.entry(`.${randomUUID()}.new`)
  try {
    {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
      await using handle = await open(fresh, flags, mode)
      await handle.writeFile(content)
      // What a new file may be is cut by the mask of the server; what it was is kept.
      if (mode !== undefined) await handle.chmod(mode)
    }
    await rename(fresh, folder.entry(name))
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}

async function hashOf(entry: string): Promise<string> {
  await using handle = await open(entry, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const hash = createHash('sha256')
  for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

function textOf(content: Buffer, path: string): string {
  try {
    if (!content.includes(0)) return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    // Told below.
  }
  throw new Refused('NOT_TEXT', `${quoted(path)} is no text in UTF-8`)
}

/** Names may hold anything; they are shown to agents and people. */
function quoted(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path)
}
