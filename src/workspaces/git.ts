import { randomUUID } from 'node:crypto'
import { link, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspaces } from '../workspace.ts'
import { isInside } from '../files/inside.ts'
import { bytes, entries, GitFailed, hasRepository, openRepository, type Repository } from './repository.ts'

/** Session and number. */
const NAME = /^(?!backup\/)[A-Za-z0-9][A-Za-z0-9_-]*\/[A-Za-z0-9_-]+$/
/** How often all files are read again because some changed or went meanwhile. */
const READS = 3

/**
 * Workspaces in git repositories. A snapshot is a commit on HEAD under refs/tutti/<session>/<seq>, beside all branches;
 * `git show` and `git checkout <commit> -- <path>` work on it. If the workspace is a folder of a repository, it holds
 * this folder alone. The person's index, HEAD and settings are never touched; files are stored byte for byte, without
 * filters and without a change of line ends.
 *
 * `restore` keeps what it finds under refs/tutti/backup/<commit>; the last ones come first in
 * `git for-each-ref --sort=-creatordate refs/tutti/backup`.
 *
 * Ignored is what .gitignore files and .git/info/exclude say and is not tracked all the same. Repositories within the
 * workspace, submodules too, are left alone: of them a snapshot knows at most the commit.
 */
export function createGitWorkspaces(): Workspaces {
  return {
    keeps: hasRepository,

    async snapshot(workspace, name) {
      if (!NAME.test(name)) throw new Error(`${name} is no name for a snapshot: write session/seq`)
      const repository = await openRepository(workspace)
      if (!repository) return undefined
      const tree = await withIndex(repository, (index) => read(repository, index))
      return commit(repository, tree, () => name)
    },

    async restore(workspace, commitId) {
      const repository = await repositoryOf(workspace, commitId)
      await withIndex(repository, async (index) => {
        const tree = await read(repository, index, commitId)
        await refuseLosses(repository, index, tree, commitId)
        if (tree === (await treeOf(repository, commitId))) return
        await commit(repository, tree, (made) => `backup/${made}`)
        // Git refuses before it changes anything if a file is no longer as it was read.
        await repository.ours(['read-tree', '-m', '-u', tree, commitId], { index })
      })
    },

    async changed(workspace, since) {
      if (since === undefined) return []
      const repository = await repositoryOf(workspace, since)
      const tree = await withIndex(repository, (index) => read(repository, index, since))
      return (await difference(repository, since, tree)).map(bytes).toSorted()
    },

    holds: isInside,
  }
}

/**
 * Forgets the snapshots of a session, so that git may remove what only they hold. Backups stay.
 *
 * @returns how many there were
 */
export async function forgetSnapshots(workspace: string, sessionId: string): Promise<number> {
  if (!NAME.test(`${sessionId}/1`)) throw new Error(`${sessionId} is no name of a session`)
  const repository = await openRepository(workspace)
  if (!repository) return 0
  const deletions = await repository.theirs(['for-each-ref', '--format=delete %(refname)', `refs/tutti/${sessionId}/`])
  if (deletions !== '') await repository.theirs(['update-ref', '--stdin'], { input: deletions })
  return deletions.split('\n').length - 1
}

/** The repository of a workspace and one of its snapshots. */
async function repositoryOf(workspace: string, commitId: string): Promise<Repository> {
  const repository = await openRepository(workspace)
  if (!repository) throw new Error(`${workspace} is in no git repository: there are no snapshots of it`)
  const known =
    /^[0-9a-f]{40,64}$/.test(commitId) &&
    (await repository
      .theirs(['for-each-ref', `--points-at=${commitId}`, '--format=%(contents:body)', 'refs/tutti/'])
      .catch(() => ''))
  if (!known || known.split('\n')[0] !== folderOf(repository))
    throw new Error(`${commitId} is no snapshot of ${workspace}`)
  return repository
}

/** Stands in the message of a snapshot: what it holds, and nothing else, can be put back. */
const folderOf = ({ prefix }: Repository): string => `Folder: ${JSON.stringify(prefix)}`

/**
 * Does something with an index of its own that begins as the last one did end, so that only files that have changed
 * since are read. The index is never written in place, hence a link is a copy, and its time stays what git goes by.
 */
async function withIndex<T>({ own }: Repository, act: (index: string) => Promise<T>): Promise<T> {
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
async function read(repository: Repository, index: string, and?: string): Promise<string> {
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
const others = async (ours: Repository['ours'], index: string): Promise<string[]> =>
  entries(await ours(['ls-files', '-z', '--others', '.'], { index }))

const list = (paths: readonly string[]): string => paths.map((path) => `${path}\0`).join('')

/** Throws if a file or folder that is not in the tree stands where the snapshot has something else. */
async function refuseLosses({ ours }: Repository, index: string, tree: string, commitId: string): Promise<void> {
  const comes = new Set(await difference({ ours }, tree, commitId, ['--diff-filter=A']))
  if (comes.size === 0) return
  const above = new Set([...comes].flatMap(foldersAbove))
  const lost = (await others(ours, index)).filter((path) => {
    // A nested repository is listed as a folder.
    const plain = path.replace(/\/$/, '')
    return comes.has(plain) || (plain === path && above.has(plain)) || foldersAbove(plain).some((at) => comes.has(at))
  })
  if (lost.length > 0)
    throw new Error(
      `${lost.slice(0, 5).map(bytes).join(', ')} would be lost, which the snapshot cannot have and no backup holds: ` +
        'move it away, then restore again',
    )
}

/** 'a' and 'a/b' for 'a/b/c'. */
const foldersAbove = (path: string): string[] =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, index, folders) => folders.slice(0, index + 1).join('/'))

async function difference(
  { ours }: Pick<Repository, 'ours'>,
  from: string,
  to: string,
  flags: readonly string[] = [],
): Promise<string[]> {
  const shown = ['-r', '-z', '--name-only', '--no-renames', '--relative', '--ignore-submodules=none']
  return entries(await ours(['diff-tree', ...shown, ...flags, from, to]))
}

const treeOf = async ({ theirs }: Repository, commitId: string): Promise<string> =>
  (await theirs(['rev-parse', `${commitId}^{tree}`])).trim()

/** Makes a tree a commit on HEAD, and keeps it under a name. */
async function commit(repository: Repository, tree: string, nameOf: (made: string) => string): Promise<string> {
  const { theirs } = repository
  const head = (await theirs(['rev-parse', '--quiet', '--verify', 'HEAD^{commit}'], { fine: [0, 1] })).trim()
  const message = `Snapshot of the workspace\n\n${folderOf(repository)}\n`
  const parent = head === '' ? [] : ['-p', head]
  const made = (await theirs(['commit-tree', tree, ...parent], { input: message })).trim()
  await theirs(['update-ref', `refs/tutti/${nameOf(made)}`, made])
  return made
}
