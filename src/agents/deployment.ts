/**
 * Looks whether a repository can be released, without building or publishing anything.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../core/json.ts'
import { check } from './deployment/check.ts'
import type { Check } from './deployment/check.ts'
import { checkDockerfiles } from './deployment/dockerfiles.ts'
import { checkOtherProjects } from './deployment/other-projects.ts'
import { checkManifest } from './deployment/node-package.ts'
import { checkContents, checkLockFile } from './deployment/package-contents.ts'
import type { PackageContents } from './deployment/package-contents.ts'
import { checkPython } from './deployment/python-project.ts'
import { checkGit, checkPapers } from './deployment/source-state.ts'
import { runAgent } from './protocol/agent.ts'
import { count } from './protocol/wording.ts'
import { readRepository } from './repository/files.ts'

await runAgent(async ({ work, say, timeLeft }) => {
  const root = work.workspace
  const repository = await readRepository(root)
  say(`found ${count(repository.files.length, 'file')}`)
  const checks: Check[] = []
  let contents: PackageContents | undefined
  let version: string | undefined

  if (existsSync(join(root, 'package.json'))) {
    const manifest = readManifest(root)
    if (typeof manifest === 'string') checks.push(check('package.json', 'error', false, manifest, 'package.json'))
    else {
      version = typeof manifest.version === 'string' ? manifest.version : undefined
      checks.push(...checkManifest(root, manifest), ...checkLockFile(root))
      say('running npm pack --dry-run')
      const packed = await checkContents(root, timeLeft)
      contents = packed.contents
      checks.push(...packed.checks)
    }
  }
  const python = checkPython(repository)
  version ??= python.version
  const other = checkOtherProjects(repository)
  version ??= other.version
  checks.push(...python.checks, ...other.checks)
  const releasableThing =
    checks.length > 0 || repository.files.some((file) => file.language === 'Dockerfile' && !file.test)
  checks.push(...(await checkDockerfiles(repository, timeLeft)))
  if (repository.files.length > 0) checks.push(...checkPapers(repository), ...(await checkGit(repository, version)))
  say(`made ${count(checks.length, 'check')}`)

  const errors = checks.filter((one) => !one.passed && one.severity === 'error')
  const warnings = checks.filter((one) => !one.passed && one.severity === 'warning')
  const releasable = releasableThing && errors.length === 0
  const reason = releasableThing
    ? undefined
    : 'There is nothing that could be released: no package of a known kind and no Dockerfile.'
  return {
    summary:
      reason ??
      (releasable
        ? `Can be released: ${count(checks.length, 'check')}${warnings.length > 0 ? `, ${count(warnings.length, 'warning')}` : ''}.`
        : `Cannot be released: ${errors.map((one) => `${one.name} (${one.detail})`).join('; ')}`.slice(0, 300)),
    output: {
      format: 'release',
      releasable,
      ...(reason && { reason }),
      checks,
      ...(contents && { package: contents }),
      notes: repository.notes,
    },
    evidence: [
      {
        name: 'can be released',
        kind: 'COUNT',
        passed: releasable,
        detail: { errors: errors.length, warnings: warnings.length, checks: checks.length },
      },
    ],
  }
})

/** The manifest, or why it cannot be read. */
function readManifest(root: string): { [key: string]: Json } | string {
  try {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Json
    if (typeof manifest === 'object' && manifest !== null && !Array.isArray(manifest)) return manifest
    return 'it does not hold an object'
  } catch (error) {
    return `it is not valid JSON: ${(error as Error).message}`
  }
}
