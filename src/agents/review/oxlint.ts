import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lastWords, runTool } from '../protocol/tool.ts'
import { count } from '../protocol/wording.ts'
import { isJavaScript } from '../repository/languages.ts'
import type { Repository } from '../repository/files.ts'
import { MAX_FILE_BYTES } from '../repository/files.ts'
import type { Finding } from './finding.ts'

/** Files are given by name in groups whose command line stays below every system's limit. */
const MAX_ARGUMENT_CHARACTERS = 60_000
const MAX_FILES_AT_ONCE = 1_000

/** What is worth a look in any repository that has no configuration of its own; matters of taste are left out. */
const BUILT_IN_RULES = fileURLToPath(new URL('built-in-rules.json', import.meta.url))

interface Diagnostic {
  message: string
  code?: string
  severity: string
  help?: string
  /** Left out of what is said about no place in a file, such as that it cannot be read. */
  filename?: string
  labels: { span: { line: number; column: number } }[]
}

export interface LintResult {
  findings: Finding[]
  /** Files that were linted. */
  files: number
  /** Whose rules: the repository's own configuration or the built-in choice. */
  rules: 'repository' | 'built-in'
  notes: string[]
}

/** Lints the JavaScript and TypeScript of a repository with oxlint, by its own configuration if it has one that parses. */
export async function lint(repository: Repository, timeLeft: () => number): Promise<LintResult> {
  const files = repository.files.filter(
    (file) => isJavaScript(file.path) && !file.material && file.bytes > 0 && file.bytes <= MAX_FILE_BYTES,
  )
  const configured = repository.files.some(({ path }) => /^(\.oxlintrc\.jsonc?|oxlint\.config\.[cm]?[jt]s)$/.test(path))
  const result: LintResult = { findings: [], files: 0, rules: configured ? 'repository' : 'built-in', notes: [] }
  for (const group of groups(files.map((file) => file.path))) {
    let diagnostics = await run(repository.root, group, result.rules, timeLeft())
    if (typeof diagnostics === 'string' && result.rules === 'repository') {
      result.notes.push(
        `oxlint could not use the repository's own configuration, so its built-in rules were used: ${diagnostics}`,
      )
      result.rules = 'built-in'
      diagnostics = await run(repository.root, group, result.rules, timeLeft())
    }
    if (typeof diagnostics === 'string') {
      result.notes.push(`oxlint did not run: ${diagnostics}`)
      break
    }
    const unread = diagnostics.filter(({ filename }) => filename === undefined)
    result.files += group.length - unread.length
    if (unread[0]) {
      // Absolute paths say nothing to whoever reads it elsewhere.
      const why = unread[0].message.replaceAll(`${repository.root}/`, '')
      result.notes.push(`${count(unread.length, 'file')} could not be linted: ${why}.`)
    }
    for (const diagnostic of diagnostics) {
      if (diagnostic.filename !== undefined) result.findings.push(toFinding(diagnostic, diagnostic.filename))
    }
  }
  return result
}

function groups(paths: readonly string[]): string[][] {
  const all: string[][] = []
  let characters = Infinity
  for (const path of paths) {
    if (characters + path.length > MAX_ARGUMENT_CHARACTERS || all.at(-1)!.length >= MAX_FILES_AT_ONCE) {
      all.push([])
      characters = 0
    }
    all.at(-1)!.push(path)
    characters += path.length + 1
  }
  return all
}

function program(): string {
  const manifest = createRequire(import.meta.url).resolve('oxlint/package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { oxlint: string } }
  return join(dirname(manifest), bin.oxlint)
}

/** The diagnostics, or why there are none. */
async function run(
  root: string,
  files: readonly string[],
  rules: LintResult['rules'],
  timeoutMs: number,
): Promise<Diagnostic[] | string> {
  const choice = rules === 'repository' ? [] : ['--disable-nested-config', '--config', BUILT_IN_RULES]
  const paths = files.map((file) => `./${file}`)
  const done = await runTool(
    [process.execPath, program(), '--format=json', '--no-error-on-unmatched-pattern', ...choice, ...paths],
    {
      cwd: root,
      timeoutMs,
      maxKept: 50_000_000,
    },
  )
  if (done.timedOut) return 'it took too long.'
  try {
    return (JSON.parse(done.stdout) as { diagnostics: Diagnostic[] }).diagnostics
  } catch {
    return lastWords(done, 3).replaceAll('\n', ' ') || `exit code ${done.exitCode}`
  }
}

function toFinding(diagnostic: Diagnostic, file: string): Finding {
  const span = diagnostic.labels[0]?.span
  return {
    file: file.replace(/^\.\//, ''),
    line: span?.line ?? 1,
    ...(span && { column: span.column }),
    severity: diagnostic.severity === 'error' ? 'error' : 'warning',
    rule: diagnostic.code ?? 'syntax',
    message: sentences(diagnostic.message, diagnostic.help).slice(0, 400),
  }
}

/** What is wrong, and what to do about it, each as a sentence. */
function sentences(message: string, help: string | undefined): string {
  if (help === undefined) return message
  return `${message}${/[.!?]$/.test(message) ? '' : '.'} ${help}`
}
