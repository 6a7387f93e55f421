import { createHash } from 'node:crypto'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { execa } from 'execa'

/** A workspace within a git repository. Paths are relative to the workspace, bytes as characters (latin1). */
export interface Repository {
  /** Path of the workspace from the top of the repository: '' or for instance 'packages/a/'. */
  prefix: string
  /** Folder of our own beside the person's index, with an index that remembers what has been read before. */
  own: string
  /** Runs git on the person's repository: reads, and writes nothing but objects and our own refs. */
  theirs: Git
  /** Runs git on the same files and objects, but with an index and settings that are only ours. */
  ours: Git
  /** The same for the files of another folder, which stands for the top of the repository. */
  oursIn(folder: string): Git
  /** Whether it is the person's: else it holds copies of a folder that is under no version control. */
  isPersons: boolean
}

/** Runs one git command in the workspace and returns what it prints. */
export type Git = (args: readonly string[], options?: GitOptions) => Promise<string>

interface GitOptions {
  /** Written to its stdin, latin1. */
  input?: string
  /** The index to work on. */
  index?: string
  /** Exit codes that are no failure; 0 alone if left out. */
  fine?: readonly number[]
}

/** Git said no. The message holds what it said. */
export class GitFailed extends Error {
  override name = 'GitFailed'
}

/** No command takes longer, in milliseconds: on a large repository the first snapshot reads every file. */
const GIT_TIMEOUT_MS = 600_000

/** Variables that would lead git to another repository or other settings; undefined takes them away. */
const NOT_INHERITED = Object.fromEntries(
  (
    'DIR WORK_TREE COMMON_DIR INDEX_FILE OBJECT_DIRECTORY ALTERNATE_OBJECT_DIRECTORIES PREFIX NAMESPACE ' +
    'CEILING_DIRECTORIES CONFIG CONFIG_PARAMETERS CONFIG_COUNT GRAFT_FILE SHALLOW_FILE NO_REPLACE_OBJECTS ' +
    'REPLACE_REF_BASE ATTR_SOURCE LITERAL_PATHSPECS GLOB_PATHSPECS NOGLOB_PATHSPECS ICASE_PATHSPECS TRACE TRACE2'
  )
    .split(' ')
    .map((name) => [`GIT_${name}`, undefined]),
)
const PERSON = { NAME: 'Tutti', EMAIL: 'tutti@localhost' }
const ENVIRONMENT = {
  ...NOT_INHERITED,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
  // Never fetches what a partial clone lacks.
  GIT_NO_LAZY_FETCH: '1',
  LC_ALL: 'C',
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((role) => Object.entries(PERSON).map(([key, is]) => [`GIT_${role}_${key}`, is])),
  ),
}
/** Nothing that a repository names is run, and what is stored is on the disk. */
const SETTINGS = [
  'safe.directory=*',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.fsync=committed',
  'core.fsyncMethod=batch',
  'commit.gpgSign=false',
  'gc.auto=0',
]

/** Every file's bytes as they are: line ends are not changed, and no filter is run, whatever .gitattributes says. */
const AS_IT_IS = '* -text -filter -ident -working-tree-encoding -eol\n'

/**
 * The repository that a workspace lies in; undefined if there is none, if it ignores the workspace, or without git.
 *
 * @throws when the folder does not exist or the repository cannot be used
 */
export async function openRepository(workspace: string): Promise<Repository | undefined> {
  await stat(workspace)
  const found = await find(workspace)
  return found && opened(workspace, found, true)
}

/**
 * A repository that keeps copies of a folder that is under no version control; the folder itself gets nothing.
 *
 * @param home where such repositories are; what lies there is never copied
 * @throws when the folder does not exist, or without git
 */
export async function openCopies(workspace: string, home: string): Promise<Repository> {
  await stat(workspace)
  const gitDir = copiesOf(workspace, home)
  await mkdir(gitDir, { recursive: true })
  const theirs = gitIn(workspace, { GIT_DIR: gitDir, GIT_WORK_TREE: workspace }, [])
  // Twice is once.
  await gitIn(workspace, {}, [])(['init', '--quiet', '--bare', gitDir])
  const [latin1, top] = [gitDir, workspace].map((path) => Buffer.from(path).toString('latin1')) as [string, string]
  const exclude = join(latin1, 'info', 'exclude')
  await mkdir(join(gitDir, 'info'), { recursive: true })
  const below = relative(workspace, home)
  await writeFile(join(gitDir, 'info', 'exclude'), below.startsWith('..') ? '' : `/${below}\n`)
  const found = { prefix: '', top, gitDir: latin1, objects: join(latin1, 'objects'), exclude, format: 'sha1', theirs }
  return opened(workspace, found, false)
}

/**
 * The same, if there is one already. One whose workspace is gone is removed.
 */
export async function findCopies(workspace: string, home: string): Promise<Repository | 'ABANDONED' | undefined> {
  const gitDir = copiesOf(workspace, home)
  const exists = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    )
  if (!(await exists(gitDir))) return undefined
  if (await exists(workspace)) return openCopies(workspace, home)
  await rm(gitDir, { recursive: true, force: true })
  return 'ABANDONED'
}

const copiesOf = (workspace: string, home: string): string =>
  join(home, createHash('sha256').update(workspace).digest('hex').slice(0, 32))

async function opened(workspace: string, found: Found, isPersons: boolean): Promise<Repository> {
  const { prefix, top, gitDir, objects, exclude, format, theirs } = found
  const own = join(bytes(gitDir), 'tutti', createHash('sha256').update(prefix).digest('hex').slice(0, 16))
  await makeOwn(own, format)
  const oursIn = (folder: string, at: string): Git => {
    const environment = { GIT_DIR: own, GIT_WORK_TREE: folder, GIT_OBJECT_DIRECTORY: bytes(objects) }
    return gitIn(at, environment, [`core.excludesFile=${bytes(exclude)}`])
  }
  return {
    prefix,
    own,
    theirs,
    ours: oursIn(bytes(top), workspace),
    oursIn: (folder) => oursIn(folder, folder),
    isPersons,
  }
}

/**
 * Whether `openRepository` would find one; nothing is written.
 *
 * @throws when the repository cannot be used
 */
export async function hasRepository(workspace: string): Promise<boolean> {
  const isFolder = await stat(workspace).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder && (await find(workspace)) !== undefined
}

/** Where the repository of a workspace is, as git says it. */
interface Found extends Pick<Repository, 'prefix' | 'theirs'> {
  top: string
  gitDir: string
  objects: string
  exclude: string
  /** Of its hashes. */
  format: string
}

async function find(workspace: string): Promise<Found | undefined> {
  const theirs = gitIn(workspace, {}, [])
  const paths = ['--path-format=absolute', '--git-path', 'objects', '--git-path', 'info/exclude']
  const questions = ['--is-inside-work-tree', '--show-prefix', '--show-toplevel', '--absolute-git-dir']
  const answer = await theirs(['rev-parse', ...questions, '--show-object-format', ...paths]).catch((error: Error) => {
    if (/not a git repository|must be run in a work tree|ENOENT/.test(error.message)) return ''
    throw error
  })
  const [inside, prefix = '', top, gitDir, format, objects, exclude, more] = answer.split('\n')
  if (inside !== 'true') return undefined
  if (!top || !gitDir || !objects || exclude === undefined || more !== '')
    throw new GitFailed(`git does not say where the repository of ${workspace} is: ${answer}`)
  if (prefix !== '' && (await isIgnored(theirs))) return undefined
  return { prefix, top, gitDir, objects, exclude, format: format as string, theirs }
}

/** A folder that git takes for a repository's, so that the person's index and settings are out of reach. */
async function makeOwn(own: string, format: string): Promise<void> {
  await mkdir(join(own, 'refs'), { recursive: true })
  await mkdir(join(own, 'info'), { recursive: true })
  const settings = `[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tobjectFormat = ${format}\n`
  for (const [file, text] of [
    ['HEAD', 'ref: refs/heads/none\n'],
    ['config', settings],
    ['info/attributes', AS_IT_IS],
  ] as const) {
    await writeFile(join(own, file), text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function isIgnored(theirs: Git): Promise<boolean> {
  const said = await theirs(['check-ignore', '.'], { fine: [0, 1] })
  return said !== '' && (await theirs(['ls-files', '-z', '.'])) === ''
}

/** Runs git in a folder. */
export function gitIn(workspace: string, environment: Record<string, string>, settings: readonly string[]): Git {
  const before = [...SETTINGS, ...settings].flatMap((setting) => ['-c', setting])
  return async (args, { input = '', index, fine = [0] } = {}) => {
    const result = await execa('git', [...before, ...args], {
      cwd: workspace,
      env: { ...ENVIRONMENT, ...environment, ...(index !== undefined && { GIT_INDEX_FILE: index }) },
      input: Buffer.from(input, 'latin1'),
      // Names of files are bytes: whatever they are, they come back as they were.
      encoding: 'latin1',
      maxBuffer: 2 ** 29,
      stripFinalNewline: false,
      timeout: GIT_TIMEOUT_MS,
      reject: false,
    })
    if (result.exitCode !== undefined && fine.includes(result.exitCode)) return result.stdout
    const said = result.stderr === '' ? (result.originalMessage ?? result.shortMessage) : bytes(result.stderr)
    throw new GitFailed(`git ${args[0]} failed in ${workspace}: ${said?.trim()}`, { cause: result })
  }
}

/** What these bytes mean as text. */
export const bytes = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8')

/** The entries of a list that git has printed with -z. */
export const entries = (list: string): string[] => list.split('\0').filter((entry) => entry !== '')
