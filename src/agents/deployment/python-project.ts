import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'
import { check } from './check.ts'
import type { Check } from './check.ts'

/** Versions by PEP 440, without the rarest forms. */
const VERSION =
  /^v?(\d+!)?\d+(\.\d+)*([._-]?(a|b|c|rc|alpha|beta|pre)\.?\d*)?([._-]?post\d*)?([._-]?dev\d*)?(\+[\w.]+)?$/i

/** A pyproject.toml's [project] table (PEP 621), or that of Poetry. Reads the few lines it needs, not all of TOML. */
export function checkPython(repository: Repository): { checks: Check[]; version?: string } {
  const file = repository.files.find(({ path }) => path === 'pyproject.toml')
  if (!file) {
    const legacy = repository.files.find(({ path }) => path === 'setup.py' || path === 'setup.cfg')
    return legacy
      ? {
          checks: [
            check(
              'pyproject.toml',
              'warning',
              false,
              `only ${legacy.path}; newer tools want pyproject.toml`,
              legacy.path,
            ),
          ],
        }
      : { checks: [] }
  }
  const text = readText(repository.root, file) ?? ''
  const tables = new Map<string, string>()
  let name = ''
  for (const line of text.split('\n')) {
    const header = /^\s*\[([^[\]]+)\]\s*(#.*)?$/.exec(line)?.[1]
    if (header !== undefined) name = header.trim()
    else tables.set(name, `${tables.get(name) ?? ''}${line}\n`)
  }
  const project = tables.get('project') ?? tables.get('tool.poetry')
  if (project === undefined)
    return {
      checks: [
        check(
          'project table',
          'warning',
          false,
          'pyproject.toml has no [project]; it configures tools only',
          file.path,
        ),
      ],
    }
  const value = (key: string): string | undefined =>
    new RegExp(`^\\s*${key}\\s*=\\s*["']([^"']*)["']`, 'm').exec(project)?.[1]
  const has = (key: string): boolean => new RegExp(`^\\s*${key}\\s*=`, 'm').test(project)
  const dynamic = /^\s*dynamic\s*=\s*\[([^\]]*)\]/m.exec(project)?.[1] ?? ''
  const version = value('version')
  const readme = value('readme')
  const at = (key: string): number =>
    Math.max(1, text.split('\n').findIndex((line) => new RegExp(`^\\s*${key}\\s*=`).test(line)) + 1)
  const checks = [
    check('name', 'error', value('name') !== undefined, value('name') ?? 'no name', file.path, at('name')),
    check(
      'version',
      'error',
      dynamic.includes('version') || (version !== undefined && VERSION.test(version)),
      version ?? (dynamic.includes('version') ? 'found at build time' : 'no version'),
      file.path,
      at('version'),
    ),
    check(
      'licence named',
      'warning',
      has('license') || dynamic.includes('license'),
      has('license') ? 'named' : 'no license',
      file.path,
    ),
    check(
      'requires-python',
      'info',
      has('requires-python') || /^\s*python\s*=/m.test(tables.get('tool.poetry.dependencies') ?? ''),
      has('requires-python') ? (value('requires-python') ?? 'named') : 'not said',
      file.path,
    ),
    check(
      'build system',
      'warning',
      tables.has('build-system'),
      tables.has('build-system') ? 'named' : 'no [build-system]',
      file.path,
    ),
  ]
  if (readme !== undefined) {
    const there = existsSync(join(repository.root, readme))
    checks.push(
      check('readme exists', 'error', there, there ? readme : `${readme} does not exist`, file.path, at('readme')),
    )
  }
  return { checks, ...(version !== undefined && { version }) }
}
