import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readlink, rm, symlink } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import type { Change, Merged, Worktree, Worktrees } from '../workspace.ts'
import { read, withIndex } from './content.ts'
import { bytes, entries, gitIn, openCopies, openRepository, type Repository } from './repository.ts'

export interface WorktreeLimits {
  /** Files of one worktree. */
  files: number
  /** Bytes of these files. */
  bytes: number
}

export const DEFAULT_WORKTREE_LIMITS: WorktreeLimits = { files: 200_000, bytes: 4 * 1024 ** 3 }

/** Folders that git ignores and programs need: a worktree has links to those of the workspace. */
export const DEFAULT_SHARED = ['node_modules', '.venv']

const SESSION = /^(?!backup$)[A-Za-z0-9][A-Za-z0-9_-]*$/
const NAME = /^[A-Za-z0-9_-]+$/
const STATUSES: Readonly<Record<string, Change['status']>> = { A: 'ADDED', D: 'REMOVED' }

/**
 * Worktrees of git repositories. Their content is stored byte for byte, without filters and without a change of line
 * ends; commits are kept under refs/tutti/<session>/ beside all branches. The person's index, HEAD, settings and files are
 * never touched.
 *
 * @param options.home where the copies of workspaces are kept that are under no version control
 * @param options.shared names of ignored folders at the top of the workspace that worktrees have links to
 */
export function createWorktrees(
  options: { home: string; shared?: readonly string[] } & Partial<WorktreeLimits>,
): Worktrees {
  const { home, shared = DEFAULT_SHARED, ...given } = options
  const limits = { ...DEFAULT_WORKTREE_LIMITS, ...given }
  const repositoryOf = async (workspace: string): Promise<Repository> =>
    (await openRepository(workspace)) ?? openCopies(workspace, home)

  /** @throws when a commit holds more than the operator allows */
  async function refuseLarge({ theirs }: Repository, commit: string): Promise<void> {
    const listed = entries(await theirs(['ls-tree', '-r', '-l', '-z', '--full-tree', commit]))
    const size = listed.reduce((sum, line) => sum + (Number(/^\S+ \S+ \S+ +(\d+)\t/.exec(line)?.[1]) || 0), 0)
    const advice = 'Raise worktrees.files and worktrees.bytes in the configuration, or ignore what is not source.'
    if (listed.length > limits.files)
      throw new Error(`the workspace has ${listed.length} files, and worktrees may have ${limits.files}. ${advice}`)
    if (size > limits.bytes)
      throw new Error(`the workspace has ${size} bytes, and worktrees may have ${limits.bytes}. ${advice}`)
  }

  return {
    async begin(workspace, sessionId) {
      const repository = await repositoryOf(workspace)
      const own = await withIndex(repository, (index) => read(repository, index))
      const commit = await commitOf(repository, await wholeTree(repository, own), 'The workspace as it was', [
        ...(await headOf(repository)),
      ])
      await refuseLarge(repository, commit)
      await keepRef(repository, sessionId, 'base', commit)
      return commit
    },

    async open(workspace, commit, folder) {
      const repository = await repositoryOf(workspace)
      await refuseLarge(repository, commit)
      return openWorktree(repository, workspace, commit, folder, shared)
    },

    async merge(workspace, sessionId, commits) {
      const repository = await repositoryOf(workspace)
      let [merged] = commits as [string, ...string[]]
      for (const commit of commits.slice(1)) {
        const step = await mergeTwo(repository, merged, commit)
        if (step.kind === 'CONFLICT') return step
        merged = step.commit
      }
      // Whoever made it may end before it is known to anybody.
      await keepRef(repository, sessionId, `merged-${merged}`, merged)
      return { kind: 'MERGED', commit: merged }
    },

    async changes(workspace, from, to) {
      const { theirs, prefix } = await repositoryOf(workspace)
      const shown = ['-r', '-z', '--no-renames', '--ignore-submodules=none', '--name-status']
      const listed = entries(await theirs(['diff-tree', ...shown, from, to]))
      const changes: Change[] = []
      for (let at = 0; at + 1 < listed.length; at += 2) {
        changes.push({
          path: posix.relative(bytes(prefix), bytes(listed[at + 1] as string)),
          status: STATUSES[listed[at] as string] ?? 'CHANGED',
        })
      }
      return changes
    },

    async patch(workspace, from, to) {
      const { theirs } = await repositoryOf(workspace)
      const shown = ['--binary', '--full-index', '--no-ext-diff', '--no-textconv', '--no-renames', '--no-color']
      // Text need not be UTF-8: it stays as it is.
      return Buffer.from(await theirs(['diff', ...shown, from, to]), 'latin1')
    },

    async publish(workspace, sessionId, commit) {
      const repository = await repositoryOf(workspace)
      const { theirs } = repository
      if (!repository.isPersons || !SESSION.test(sessionId)) return undefined
      const branch = `tutti/${sessionId}`
      const ref = `refs/heads/${branch}`
      const now = (await theirs(['rev-parse', '--quiet', '--verify', ref], { fine: [0, 1] })).trim()
      if (now === commit) return branch
      const isOurs =
        now === '' || (await theirs(['for-each-ref', `--points-at=${now}`, `refs/tutti/${sessionId}/`])) !== ''
      const checkedOut = (await theirs(['worktree', 'list', '--porcelain'])).split('\n').includes(`branch ${ref}`)
      if (!isOurs || checkedOut) return undefined
      await theirs(['update-ref', '-m', 'tutti', ref, commit, now === '' ? '0'.repeat(commit.length) : now])
      return branch
    },
  }
}

async function openWorktree(
  repository: Repository,
  workspace: string,
  commit: string,
  folder: string,
  shared: readonly string[],
): Promise<Worktree> {
  const { theirs, own, prefix } = repository
  const index = join(own, `index.${randomUUID()}`)
  await mkdir(dirname(folder), { recursive: true })
  await forgetGone(repository)
  await theirs(['worktree', 'add', '--quiet', '--no-checkout', '--detach', folder, commit])
  const ours = repository.oursIn(folder)
  const path = join(folder, bytes(prefix))
  const close = async (): Promise<void> => {
    await rm(index, { force: true })
    await rm(folder, { recursive: true, force: true })
    await forgetGone(repository)
  }
  try {
    // With settings of ours: the bytes are those that were kept.
    await ours(['read-tree', '-u', '--reset', commit], { index })
    await gitIn(folder, {}, [])(['reset', '--quiet'])
    await mkdir(path, { recursive: true })
    const links = await linkShared(workspace, path, shared)
    return {
      path,
      async keep(sessionId, name) {
        for (const [at, target] of links) if ((await readlink(at).catch(() => '')) === target) await rm(at)
        await ours(['add', '--all', '--', '.'], { index })
        const tree = (await ours(['write-tree'], { index })).trim()
        if (tree === (await theirs(['rev-parse', `${commit}^{tree}`])).trim()) return undefined
        const made = await commitOf(repository, tree, name, [commit])
        await keepRef(repository, sessionId, name, made)
        return made
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** How the folders of our worktrees are called: by the attempt that they are for. */
const OURS = /\.worktree$/

/**
 * Has git forget our worktrees whose folders are gone, of servers that died too. Those of the person stay, be their folders
 * gone or not: they may be on a disk that is not there now.
 */
async function forgetGone({ theirs }: Repository): Promise<void> {
  const listed = (await theirs(['worktree', 'list', '--porcelain', '-z'])).split('\0')
  for (const line of listed) {
    const path = bytes(/^worktree (.*)$/s.exec(line)?.[1] ?? '')
    if (!OURS.test(path) || (await isThere(path))) continue
    // Another server may have been faster.
    await theirs(['worktree', 'remove', '--force', path]).catch(() => {})
  }
}

const isThere = (place: string): Promise<boolean> =>
  lstat(place).then(
    () => true,
    () => false,
  )

/** @returns the links that were made, with where they lead */
async function linkShared(workspace: string, path: string, shared: readonly string[]): Promise<[string, string][]> {
  const links: [string, string][] = []
  for (const name of shared) {
    const [target, at] = [join(workspace, name), join(path, name)]
    if (!(await isThere(target)) || (await isThere(at))) continue
    await symlink(target, at)
    links.push([at, target])
  }
  return links
}

/** The tree of the whole repository with the workspace's own content in its place. */
async function wholeTree(repository: Repository, own: string): Promise<string> {
  const { prefix, ours } = repository
  const [head] = await headOf(repository)
  if (prefix === '' || head === undefined) return own
  const index = join(repository.own, `index.${randomUUID()}`)
  try {
    await ours(['read-tree', head], { index })
    const before = await ours(['ls-files', '-z', '.'], { index })
    await ours(['update-index', '--force-remove', '-z', '--stdin'], { index, input: before })
    await ours(['update-index', '-z', '--index-info'], {
      index,
      input: await ours(['ls-tree', '-r', '-z', '--full-tree', own]),
    })
    return (await ours(['write-tree'], { index })).trim()
  } finally {
    await rm(index, { force: true })
    await rm(`${index}.lock`, { force: true })
  }
}

/** Commits the second on the first; one that holds the other already is the result. */
async function mergeTwo(repository: Repository, first: string, second: string): Promise<Merged> {
  const { theirs } = repository
  const common = (await theirs(['merge-base', first, second], { fine: [0, 1] })).trim()
  if (common === first) return { kind: 'MERGED', commit: second }
  if (common === second) return { kind: 'MERGED', commit: first }
  const shown = ['--write-tree', '-z', '--name-only', '--no-messages', '--allow-unrelated-histories']
  const [tree, ...paths] = entries(await theirs(['merge-tree', ...shown, first, second], { fine: [0, 1] }))
  if (paths.length > 0) return { kind: 'CONFLICT', commit: second, paths: paths.map(bytes).toSorted() }
  return { kind: 'MERGED', commit: await commitOf(repository, tree as string, 'Merge', [first, second]) }
}

async function commitOf(
  { theirs }: Repository,
  tree: string,
  message: string,
  parents: readonly string[],
): Promise<string> {
  const on = parents.flatMap((parent) => ['-p', parent])
  return (await theirs(['commit-tree', tree, ...on], { input: `${message}\n` })).trim()
}

async function headOf({ theirs }: Repository): Promise<string[]> {
  const head = (await theirs(['rev-parse', '--quiet', '--verify', 'HEAD^{commit}'], { fine: [0, 1] })).trim()
  return head === '' ? [] : [head]
}

async function keepRef({ theirs }: Repository, sessionId: string, name: string, commit: string): Promise<void> {
  if (!SESSION.test(sessionId) || !NAME.test(name)) throw new Error(`${sessionId}/${name} is no name for what is kept`)
  await theirs(['update-ref', `refs/tutti/${sessionId}/${name}`, commit])
}
