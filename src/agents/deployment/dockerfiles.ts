import { createRequire } from 'node:module'
import { join } from 'node:path'
import { runTool } from '../protocol/tool.ts'
import { readText } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'
import { check } from './check.ts'
import type { Check } from './check.ts'

/** Dockerfiles beyond these are not looked at. */
const MAX_DOCKERFILES = 20

interface Linted {
  files: { issues: { line?: number | string; category: string; title: string; description: string }[] }[]
}

/** Each Dockerfile by dockerfilelint, and a few things that it does not know. */
export async function checkDockerfiles(repository: Repository, timeLeft: () => number): Promise<Check[]> {
  const dockerfiles = repository.files
    .filter((file) => file.language === 'Dockerfile' && !file.test)
    .slice(0, MAX_DOCKERFILES)
  const require = createRequire(import.meta.url)
  const program = require.resolve('dockerfilelint/bin/dockerfilelint')
  const checks: Check[] = []
  for (const file of dockerfiles) {
    const text = readText(repository.root, file)
    if (text === undefined) continue
    const before = checks.length
    const done = await runTool([process.execPath, program, '--output', 'json', join(repository.root, file.path)], {
      cwd: repository.root,
      timeoutMs: Math.min(30_000, timeLeft()),
    })
    try {
      for (const issue of (JSON.parse(done.stdout) as Linted).files[0]?.issues ?? []) {
        if (isNewerSyntax(issue, text)) continue
        const severity = /possible bug|deprecation/i.test(issue.category) ? 'warning' : 'info'
        checks.push(
          check(
            'Dockerfile',
            severity,
            false,
            `${issue.title}: ${issue.description}`.replace(/\s+/g, ' ').slice(0, 300),
            file.path,
            Number(issue.line) || 1,
          ),
        )
      }
    } catch {
      checks.push(check('Dockerfile', 'info', false, 'dockerfilelint could not read it', file.path))
    }
    checks.push(...ownChecks(file.path, text))
    if (checks.slice(before).every((found) => found.passed))
      checks.push(check('Dockerfile', 'info', true, 'nothing found', file.path))
  }
  if (dockerfiles.length > 0) {
    const ignored = repository.files.some(({ path }) => /(^|\/)\.dockerignore$/.test(path))
    checks.push(
      check(
        '.dockerignore',
        'warning',
        ignored,
        ignored ? 'there' : 'none: node_modules, .git and local secrets may end up in the image',
      ),
    )
  }
  return checks
}

/** Flags such as `HEALTHCHECK --start-period` and `RUN --mount`, and here-documents, are newer than the linter. */
function isNewerSyntax(issue: { line?: number | string; title: string }, text: string): boolean {
  const line = text.split('\n')[Number(issue.line) - 1] ?? ''
  return /invalid argument format|invalid line/i.test(issue.title) && /^\s*\w+\s+--\w|<<-?["']?\w+/.test(line)
}

/** What dockerfilelint does not look at. */
function ownChecks(file: string, text: string): Check[] {
  const lines = text.split('\n')
  const lastStage = lines.findLastIndex((line) => /^\s*FROM\s/i.test(line))
  const user = lines.findIndex((line, index) => index > lastStage && /^\s*USER\s+(?!root\b|0\b)/i.test(line))
  const checks = [
    check(
      'image does not run as root',
      'warning',
      user >= 0,
      user >= 0 ? lines[user]!.trim() : 'no USER after the last FROM; add one',
      file,
      Math.max(lastStage, 0) + 1,
    ),
  ]
  const secret = lines.findIndex((line) =>
    /^\s*(ENV|ARG)\s+\S*(PASSWORD|SECRET|TOKEN|API_?KEY)\S*[= ]\s*\S/i.test(line),
  )
  if (secret >= 0)
    checks.push(
      check(
        'no secrets in the image',
        'error',
        false,
        'a secret in ENV or ARG stays in the image; pass it at run time or as a build secret',
        file,
        secret + 1,
      ),
    )
  return checks
}
