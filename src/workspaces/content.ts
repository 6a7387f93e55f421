import { randomUUID } from 'node:crypto'
import { link, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { entries, GitFailed, type Repository } from './repository.ts'

/** How often all files are read again because some changed or went meanwhile. */
const READS = 3

/**
 * Does something with an index of its own that begins as the last one did end, so that only files that have changed
 * since are read. The index is never written in place, hence a link is a copy, and its time stays what git goes by.
 */
export async function withIndex<T>({ own }: Repository, act: (index: string) => Promise<T>): Promise<T> {
  const last = join(own, 'index')
  const index = join(own, `index.${randomUUID()}`)
  try {
    await link(last, index).catch(() => {})
    const result = await act(index)
    await rename(index, last)
    return result
  } finally {
    await rm(index, { force: true })
    await rm(`${index}.lock`, { force: true })
  }
}

/**
 * Stores the present content of the workspace.
 *
 * @param and a commit whose files count even if they are ignored by now
 * @returns the tree
 */
export async function read(repository: Repository, index: string, and?: string): Promise<string> {
  try {
    return await readInto(repository, index, and)
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error
    // The last index may be damaged, or name objects that are gone: everything is read once more.
    await rm(index, { force: true })
    await rm(`${index}.lock`, { force: true })
    return readInto(repository, index, and)
  }
}

async function readInto({ ours, theirs }: Repository, index: string, and?: string): Promise<string> {
  for (let reads = 1; ; reads++) {
    // Others may write meanwhile, and what cannot be read is left out: neither is a reason to keep nothing.
    const left = await ours(['add', '--all', '--ignore-errors', '--', '.'], { index }).catch((error: Error) => error)
    if (!(left instanceof Error)) break
    if (reads === READS) {
      const code = (left.cause as { exitCode?: number } | undefined)?.exitCode
      if (code !== 1) throw left
      break
    }
  }
  const ignored = ['ls-files', '-z', '--cached', '--ignored', '--exclude-standard', '.']
  const [alone, tracked, known, wanted] = await Promise.all([
    ours(ignored, { index }).then(entries),
    theirs(ignored).then(entries),
    ours(['ls-files', '-z', '.'], { index }).then(entries),
    and === undefined ? [] : ours(['ls-tree', '-r', '-z', '--name-only', and]).then(entries),
  ])
  const forced = new Set([...tracked, ...wanted])
  const drop = alone.filter((path) => !forced.has(path))
  const missing = forced.difference(new Set(known))
  const there = missing.size === 0 ? [] : await others(ours, index)
  const add = there.filter((path) => missing.has(path))
  if (drop.length > 0) await ours(['update-index', '--force-remove', '-z', '--stdin'], { index, input: list(drop) })
  if (add.length > 0) await ours(['update-index', '--add', '--remove', '-z', '--stdin'], { index, input: list(add) })
  return (await ours(['write-tree'], { index })).trim()
}

/** Every file that the index does not know, ignored ones too. */
export const others = async (ours: Repository['ours'], index: string): Promise<string[]> =>
  entries(await ours(['ls-files', '-z', '--others', '.'], { index }))

const list = (paths: readonly string[]): string => paths.map((path) => `${path}\0`).join('')
