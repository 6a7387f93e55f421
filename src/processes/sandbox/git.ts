import { lstat, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/** What of git belongs to a workspace. */
export interface GitParts {
  /** The folder .git in the workspace; undefined: it is elsewhere, or there is none. */
  own: string | undefined
  /** What git runs programs by, or finds its repository by: whoever can write them has programs run outside. */
  fixed: string[]
  /** Folders outside of the workspace that hold its history, and what stands beside it. */
  outside: string[]
}

/** Parts of a git folder that name programs: settings and hooks. */
const NAMES_PROGRAMS = ['config', 'config.worktree', 'hooks']

/** Looks for the repository of a workspace without asking git, which would do what its settings say. */
export async function gitParts(workspace: string): Promise<GitParts> {
  const own = join(workspace, '.git')
  const kind = await kindOf(own)
  if (kind === 'folder') return { own, fixed: NAMES_PROGRAMS.map((name) => join(own, name)), outside: [] }
  if (kind === 'file') return { own: undefined, fixed: [own], outside: await repositoryOf(own) }
  for (let folder = dirname(workspace); folder !== dirname(folder); folder = dirname(folder)) {
    const above = await kindOf(join(folder, '.git'))
    if (above === undefined) continue
    const repository = above === 'file' ? await repositoryOf(join(folder, '.git')) : []
    return { own: undefined, fixed: [], outside: [folder, ...repository] }
  }
  return { own: undefined, fixed: [], outside: [] }
}

/**
 * Where the history of a worktree is, and the folder beside it that its links may lead to.
 *
 * Programs can write .git in a workspace, so its word alone is not enough to show them what it names: git's own folder
 * of that worktree, `<repository>/worktrees/<name>`, has to name the workspace as well.
 */
async function repositoryOf(file: string): Promise<string[]> {
  const named = /^gitdir: (.+?)\s*$/.exec(await textOf(file))?.[1]
  if (named === undefined) return []
  const folder = await realpath(resolve(dirname(file), named)).catch(() => '')
  if (basename(dirname(folder)) !== 'worktrees') return []
  const back = (await textOf(join(folder, 'gitdir'))).trim()
  if (back === '' || (await realpath(resolve(folder, back)).catch(() => '')) !== (await realpath(file))) return []
  const repository = dirname(dirname(folder))
  if ((await kindOf(join(repository, 'objects'))) !== 'folder') return []
  return basename(repository) === '.git' ? [repository, dirname(repository)] : [repository]
}

/** A git file has a line. */
const MOST_BYTES = 10_000

async function textOf(file: string): Promise<string> {
  const small = await lstat(file).then(
    (found) => found.isFile() && found.size < MOST_BYTES,
    () => false,
  )
  return small ? readFile(file, 'utf8').catch(() => '') : ''
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isDirectory()) return 'folder'
  return found?.isFile() ? 'file' : undefined
}
