import { isInside } from '../files/inside.ts'
import type { Workspaces } from '../workspace.ts'
import { others, read, withIndex } from './content.ts'
import { bytes, entries, findCopies, hasRepository, openRepository, type Repository } from './repository.ts'

/** Session and number. */
const NAME = /^(?!backup\/)[A-Za-z0-9][A-Za-z0-9_-]*\/[A-Za-z0-9_-]+$/

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
 * Forgets what was kept of a workspace for a session, so that git may remove what only that holds. Backups and branches
 * stay. Of a workspace that was copied what nothing refers to goes after a day, and all of it once the workspace is gone.
 *
 * @param home where copies of workspaces are that are under no version control; undefined: there are none
 * @returns how many commits there were
 */
export async function forgetSnapshots(workspace: string, sessionId: string, home?: string): Promise<number> {
  if (!NAME.test(`${sessionId}/1`)) throw new Error(`${sessionId} is no name of a session`)
  const copies = home === undefined ? undefined : await findCopies(workspace, home)
  if (copies === 'ABANDONED') return 0
  if (copies) {
    const forgotten = await forgetRefs(copies, sessionId)
    await copies.theirs(['gc', '--quiet', '--prune=1.day.ago'])
    return forgotten
  }
  const repository = await openRepository(workspace)
  return repository ? forgetRefs(repository, sessionId) : 0
}

async function forgetRefs(repository: Repository, sessionId: string): Promise<number> {
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
