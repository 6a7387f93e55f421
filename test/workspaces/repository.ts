import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A real repository with a first commit. */
export interface TestRepository {
  folder: string
  git(...args: string[]): string
  write(path: string, bytes: string | Buffer, mode?: number): void
  /** All files but those of .git: what they hold, whether they can be run, where links lead. */
  files(): Record<string, string>
  /** What must stay as it is, whatever is done with snapshots: branches, HEAD, index, settings. */
  persons(): unknown
}

const PERSON = ['-c', 'user.name=Person', '-c', 'user.email=person@example.org', '-c', 'commit.gpgSign=false']

export function createRepository(folder: string, files: Record<string, string> = {}): TestRepository {
  const git = (...args: string[]): string =>
    execFileSync('git', [...PERSON, ...args], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const write = (path: string, bytes: string | Buffer, mode = 0o644): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
    chmodSync(join(folder, path), mode)
  }
  const show = (path: string): string => {
    const stats = lstatSync(join(folder, path))
    if (stats.isSymbolicLink()) return `-> ${readlinkSync(join(folder, path))}`
    return `${stats.mode & 0o100 ? '!' : ''}${readFileSync(join(folder, path), 'latin1')}`
  }
  mkdirSync(folder, { recursive: true })
  git('init', '--quiet', '--initial-branch=main')
  for (const [path, text] of Object.entries(files)) write(path, text)
  git('add', '--all')
  git('commit', '--quiet', '--allow-empty', '--message=first')
  return {
    folder,
    git,
    write,
    files() {
      const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((path) => !/(^|\/)\.git(\/|$)/.test(path))
        .filter((path) => !lstatSync(join(folder, path)).isDirectory())
      return Object.fromEntries(paths.toSorted().map((path) => [path, show(path)]))
    },
    persons: () => ({
      branches: git('for-each-ref', 'refs/heads', 'refs/tags', 'refs/remotes'),
      head: readFileSync(join(folder, '.git/HEAD'), 'utf8'),
      index: readFileSync(join(folder, '.git/index'), 'latin1'),
      config: readFileSync(join(folder, '.git/config'), 'utf8'),
      logs: git('reflog', '--all'),
    }),
  }
}
