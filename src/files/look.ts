import { lstat, readdir } from 'node:fs/promises'
import ignore from 'ignore'
import { CLOSED, type Confined, Refused } from './confined.ts'
import type { Folder } from './descent.ts'

/** How much one look may take. */
export interface LookLimits {
  /** Entries that are listed, or files that are searched. */
  entries: number
  /** Places that a search tells. */
  matches: number
}

export const DEFAULT_LOOK_LIMITS: LookLimits = { entries: 2_000, matches: 200 }

/** An entry below a folder. */
interface Entry {
  /** Relative to the workspace, with `/`. */
  path: string
  kind: 'FILE' | 'FOLDER' | 'LINK' | 'OTHER'
  /** Of a file. */
  bytes?: number
}

/** Where a text was found. */
interface Match {
  path: string
  /** From 1. */
  line: number
  text: string
}

/** Folders in each other that are entered. */
const MAX_LEVELS = 40
/** Characters of a line that are shown. */
const MAX_LINE = 300
/** Not entered by the way: what is in there comes from elsewhere. It can be listed by name. */
const PASSED_OVER = new Set(['node_modules'])

/**
 * What is in a folder and in those below it, sorted by name, without what the `.gitignore` at the top ignores, `.git`
 * and `node_modules`. Links are named, not followed.
 *
 * @param levels 1: only what is directly in it
 * @throws Refused if there is no such folder
 */
export async function list(
  files: Confined,
  path: string,
  levels: number,
  limits: Pick<LookLimits, 'entries'> = DEFAULT_LOOK_LIMITS,
): Promise<{ entries: Entry[]; isCut: boolean }> {
  const entries: Entry[] = []
  for await (const entry of walk(files, path, levels)) {
    if (entries.length === limits.entries) return { entries, isCut: true }
    entries.push(entry)
  }
  return { entries, isCut: false }
}

/**
 * Lines of text files that hold a text, as `list` finds them. The text is taken as it is: a pattern of somebody else's
 * could keep this process busy for good.
 *
 * @returns also how many files were passed over since they are too large or no text
 * @throws Refused if there is no such folder or file
 */
export async function search(
  files: Confined,
  wanted: { text: string; path: string; ignoreCase: boolean },
  limits: LookLimits = DEFAULT_LOOK_LIMITS,
): Promise<{ matches: Match[]; searched: number; passedOver: number; isCut: boolean }> {
  const found = { matches: [] as Match[], searched: 0, passedOver: 0, isCut: false }
  const fold = (text: string): string => (wanted.ignoreCase ? text.toLowerCase() : text)
  const needle = fold(wanted.text)
  for await (const path of filesBelow(files, wanted.path)) {
    if (found.searched + found.passedOver === limits.entries) return { ...found, isCut: true }
    const content = await files.read(path).catch((error: Error) => {
      if (error instanceof Refused) return undefined
      throw error
    })
    if (!content) {
      found.passedOver++
      continue
    }
    found.searched++
    for (const [index, line] of content.text.split('\n').entries()) {
      if (!fold(line).includes(needle)) continue
      if (found.matches.length === limits.matches) return { ...found, isCut: true }
      found.matches.push({ path, line: index + 1, text: line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line })
    }
  }
  return found
}

async function* filesBelow(files: Confined, path: string): AsyncGenerator<string> {
  const isFile = await files
    .within(path, async () => false)
    .catch((error: Refused) => {
      if (error.reason === 'OUTSIDE') throw error
      return true
    })
  if (isFile) {
    // Says why, where there is none.
    await files.read(path).catch((error: Refused) => {
      if (error.reason === 'NOT_FOUND' || error.reason === 'OUTSIDE') throw error
    })
    yield files.relativeTo(path)
    return
  }
  for await (const entry of walk(files, path, MAX_LEVELS)) if (entry.kind === 'FILE') yield entry.path
}

async function* walk(files: Confined, path: string, levels: number): AsyncGenerator<Entry> {
  const ignored = ignore()
  const rules = await files.read('.gitignore').catch(() => undefined)
  if (rules) ignored.add(rules.text)
  const isIgnored = (name: string): boolean => ignored.ignores(name)
  // A folder is read in one go while it is open: a slow reader does not hold folders open.
  const waiting = [{ path: files.relativeTo(path), level: 1 }]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { level } = next
    const found = await files.within(next.path, entriesOf).catch((error: Refused) => {
      // What is asked for has to be there; what was seen on the way may have gone by now.
      if (level === 1) throw error
      return []
    })
    const below: typeof waiting = []
    for (const entry of found) {
      const isFolder = entry.kind === 'FOLDER'
      if (isIgnored(isFolder ? `${entry.path}/` : entry.path)) continue
      yield entry
      const name = entry.path.slice(entry.path.lastIndexOf('/') + 1)
      if (isFolder && level < levels && !PASSED_OVER.has(name)) below.push({ path: entry.path, level: level + 1 })
    }
    waiting.push(...below.toReversed())
  }
}

async function entriesOf(folder: Folder, path: string): Promise<Entry[]> {
  const found = (await readdir(folder.path, { withFileTypes: true })).filter(
    ({ name }) => name.toLowerCase() !== CLOSED,
  )
  const entries = await Promise.all(
    found.map(async (entry): Promise<Entry | undefined> => {
      const name = path === '' ? entry.name : `${path}/${entry.name}`
      if (entry.isDirectory()) return { path: name, kind: 'FOLDER' }
      if (entry.isSymbolicLink()) return { path: name, kind: 'LINK' }
      if (!entry.isFile()) return { path: name, kind: 'OTHER' }
      const bytes = await lstat(folder.entry(entry.name)).catch(() => undefined)
      return bytes && { path: name, kind: 'FILE', bytes: bytes.size }
    }),
  )
  return entries.filter((entry) => entry !== undefined).toSorted((a, b) => (a.path < b.path ? -1 : 1))
}
