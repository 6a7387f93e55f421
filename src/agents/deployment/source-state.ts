import { git } from '../repository/git.ts'
import { readText } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'
import { check } from './check.ts'
import type { Check } from './check.ts'

/** Papers that a release comes with, and the state of the work tree. */
export function checkPapers(repository: Repository): Check[] {
  const top = (pattern: RegExp): string | undefined => repository.files.find(({ path }) => pattern.test(path))?.path
  const licence = top(/^(licen[cs]e|copying|unlicense)([.-][\w.-]+)?$/i)
  const readme = top(/^readme(\.\w+)?$/i)
  const changes = top(/^(changelog|changes|history|news|releases)(\.\w+)?$/i)
  const readmeFile = repository.files.find(({ path }) => path === readme)
  const words = readmeFile ? (readText(repository.root, readmeFile) ?? '').trim().length : 0
  return [
    check('LICENSE', 'warning', licence !== undefined, licence ?? 'no licence file: nobody may use it', licence),
    check(
      'README',
      'warning',
      words > 100,
      readme === undefined ? 'no README' : words > 100 ? readme : `${readme} says hardly anything`,
      readme,
    ),
    check('CHANGELOG', 'info', changes !== undefined, changes ?? 'no CHANGELOG', changes),
  ]
}

/** What git says: changes that are not committed, and whether this version is tagged. */
export async function checkGit(repository: Repository, version: string | undefined): Promise<Check[]> {
  if (!repository.git) return [check('under version control', 'warning', false, 'not a git repository')]
  const status = await git(repository.root, ['status', '--porcelain', '-z', '--untracked-files=normal', '--', '.'])
  const changes = status.stdout.split('\0').filter((line) => line !== '')
  const head = await git(repository.root, ['rev-parse', '--short', 'HEAD'])
  if (head.exitCode !== 0) return [check('committed', 'error', false, 'there is no commit yet')]
  const checks = [
    check(
      'everything is committed',
      'warning',
      changes.length === 0,
      changes.length === 0 ? `at ${head.stdout.trim()}` : `${changes.length} changed or new files`,
    ),
  ]
  if (version === undefined) return checks
  const tags = (await git(repository.root, ['tag', '--points-at', 'HEAD'])).stdout.split('\n')
  const tag = tags.find((name) => name === version || name === `v${version}` || name.endsWith(`@${version}`))
  const existing = (await git(repository.root, ['tag', '--list', version, `v${version}`])).stdout.trim()
  if (tag === undefined && existing !== '') {
    checks.push(
      check(
        'version is new',
        'error',
        false,
        `the tag ${existing.split('\n')[0]} is on another commit; raise the version`,
      ),
    )
  } else checks.push(check('version tag', 'info', tag !== undefined, tag ?? `this commit has no tag v${version} yet`))
  return checks
}
