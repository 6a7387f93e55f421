import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readText } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'
import { readJestReport, readMochaReport } from './json-reports.ts'
import { readJUnitReport } from './junit-report.ts'
import { readTextReport } from './text-report.ts'
import type { TestReport } from './report.ts'
import type { Suite, Suites } from './suite.ts'

interface Manifest {
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  tutti?: { testScript?: unknown }
}

type Framework = 'vitest' | 'jest' | 'mocha' | 'node:test'

/** What npm writes into a new package.json. */
const PLACEHOLDER = /no test specified/

/** Scripts that call scripts are followed this far. */
const MAX_DELEGATION = 3

/**
 * How to run the tests of a JavaScript project: the script that `tutti.testScript` in package.json names, else its
 * `test` script, else the framework that it depends on, else Node's own runner if files use it.
 *
 * @param reportBase where the framework may write its report, without extension
 */
export function javaScriptSuites(repository: Repository, folder: string, reportBase: string): Suites {
  const root = join(repository.root, folder)
  const nothing: Suites = { suites: [], unrunnable: [] }
  const cannot = (framework: string, reason: string): Suites => ({
    suites: [],
    unrunnable: [{ framework, folder, reason }],
  })
  let manifest: Manifest
  try {
    manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  } catch (error) {
    return cannot('npm', `package.json is not valid JSON (${(error as Error).message}); correct it first.`)
  }
  const scripts = manifest.scripts ?? {}
  const chosen = manifest.tutti?.testScript
  if (typeof chosen === 'string' && scripts[chosen] === undefined)
    return cannot('npm', `package.json names the script "${chosen}" in tutti.testScript, but has no such script.`)
  const script = typeof chosen === 'string' ? chosen : 'test'
  const line = scripts[script]
  const needed = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
  const missing = missingDependencies(root, needed)
  const notInstalled = (framework: string): Suites =>
    cannot(
      framework,
      `The dependencies are not installed (${missing} is missing); install them first, for instance with \`npm ci\`.`,
    )

  if (line !== undefined && line.trim() !== '' && !PLACEHOLDER.test(line)) {
    const { framework, dashes } = recognise(scripts, line)
    if (missing !== undefined && framework !== 'node:test') return notInstalled(framework ?? `npm run ${script}`)
    const { args, env, read } = reporter(framework, repository.root, reportBase)
    const dashed = args.length === 0 ? [] : [...Array<string>(dashes + 1).fill('--'), ...args]
    const suite: Suite = {
      framework: framework ?? `npm run ${script}`,
      folder,
      command: `npm run ${script}`,
      argv: ['npm', 'run', script, ...dashed],
      env,
      read,
    }
    return { suites: [suite], unrunnable: [] }
  }
  const framework = (['vitest', 'jest', 'mocha'] as const).find((name) => needed.includes(name))
  if (framework) {
    if (missing !== undefined) return notInstalled(framework)
    const { args, env, read } = reporter(framework, repository.root, reportBase)
    const bin = join(root, 'node_modules', '.bin', framework)
    const argv = (existsSync(bin) ? [bin] : ['npx', '--no-install', framework]) as [string]
    return {
      suites: [
        {
          framework,
          folder,
          command: framework === 'vitest' ? 'vitest run' : framework,
          argv: [...argv, ...args],
          env,
          read,
        },
      ],
      unrunnable: [],
    }
  }
  if (!usesNodeTest(repository, folder)) return nothing
  const { env, read } = reporter('node:test', repository.root, reportBase)
  return {
    suites: [{ framework: 'node:test', folder, command: 'node --test', argv: [process.execPath, '--test'], env, read }],
    unrunnable: [],
  }
}

/** The framework that a script's last command runs, and how many `npm run` stand between. */
function recognise(
  scripts: Record<string, string>,
  line: string,
): { framework: Framework | undefined; dashes: number } {
  let current = line
  for (let dashes = 0; dashes <= MAX_DELEGATION; dashes++) {
    // Arguments that npm appends reach the last command only; what is piped or redirected is left alone.
    const last = current
      .split(/&&|\|\||;/)
      .at(-1)!
      .trim()
    if (/[|<>]/.test(last)) return { framework: undefined, dashes: 0 }
    const words = last
      .split(/\s+/)
      .filter((word) => !/^\w+=/.test(word) && !/^(cross-env|npx|--no-install|exec|c8|nyc|dotenv|--)$/.test(word))
    const program = words[0]?.replace(/^.*\//, '').replace(/\.[cm]?js$/, '')
    if (program === 'vitest' || program === 'jest' || program === 'mocha') {
      const bench = program === 'vitest' && /^(bench|typecheck|list|init)$/.test(words[1] ?? '')
      return { framework: bench ? undefined : program, dashes }
    }
    if (program === 'node') {
      const inner = words.slice(1).find((word) => !word.startsWith('-')) ?? ''
      const runner = /(?:^|\/)node_modules\/(?:\.bin\/)?(vitest|jest|mocha)\b/.exec(inner)?.[1]
      if (runner) return { framework: runner as Framework, dashes }
      return {
        framework: words.includes('--test') && !last.includes('--test-reporter') ? 'node:test' : undefined,
        dashes,
      }
    }
    const next = program === 'npm' ? (words[1] === 'run' || words[1] === 'run-script' ? words[2] : words[1]) : undefined
    const nextLine = next === undefined || words.length > 3 ? undefined : scripts[next]
    if (nextLine === undefined) break
    current = nextLine
  }
  return { framework: undefined, dashes: 0 }
}

interface Reporter {
  args: string[]
  env: Record<string, string | undefined>
  read: Suite['read']
}

/** How a framework is told to write its report to a file while it goes on printing for people. */
function reporter(framework: Framework | undefined, workspace: string, base: string): Reporter {
  const file = `${base}.${framework === 'node:test' ? 'xml' : 'json'}`
  const fromFile =
    (read: (text: string, workspace: string) => TestReport): Suite['read'] =>
    (run) =>
      existsSync(file) ? read(readFileSync(file, 'utf8'), workspace) : readTextReport(`${run.stdout}\n${run.stderr}`)
  switch (framework) {
    case 'vitest':
      return {
        args: ['--run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
        env: {},
        read: fromFile(readJestReport),
      }
    case 'jest':
      return {
        args: ['--ci', '--watchAll=false', '--json', `--outputFile=${file}`, '--testLocationInResults'],
        env: {},
        read: fromFile(readJestReport),
      }
    case 'mocha':
      return {
        args: ['--reporter', 'json', '--reporter-option', `output=${file}`],
        env: {},
        read: fromFile(readMochaReport),
      }
    case 'node:test': {
      // Options after a script's file names would be taken for file names, so they come by the environment.
      const both = `--test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=${file}`
      return {
        args: [],
        env: { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${both}`.trim() },
        read: fromFile(readJUnitReport),
      }
    }
    case undefined:
      return { args: [], env: {}, read: (run) => readTextReport(`${run.stdout}\n${run.stderr}`) }
  }
}

/** The first needed package that is not installed here or in a folder above, as Node would look for it. */
function missingDependencies(root: string, needed: readonly string[]): string | undefined {
  if (existsSync(join(root, '.pnp.cjs'))) return undefined
  return needed.find((name) => {
    if (name.startsWith('@types/')) return false
    for (let folder = root; ; folder = dirname(folder)) {
      if (existsSync(join(folder, 'node_modules', name))) return false
      if (folder === dirname(folder)) return true
    }
  })
}

/** Whether a test file of this very project, not of one below it, uses Node's runner. */
function usesNodeTest(repository: Repository, folder: string): boolean {
  const below = folder === '.' ? '' : `${folder}/`
  const inner = repository.files
    .filter(({ path }) => path.startsWith(below) && path.endsWith('/package.json') && path !== `${below}package.json`)
    .map(({ path }) => path.slice(0, -'package.json'.length))
  return repository.files.some(
    (file) =>
      file.path.startsWith(below) &&
      /\.[cm]?[jt]s$/.test(file.path) &&
      file.test &&
      !inner.some((project) => file.path.startsWith(project)) &&
      /(from|require\()\s*['"]node:test['"]/.test(readText(repository.root, file) ?? ''),
  )
}
