import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { delimiter, join } from 'node:path'
import { runTool } from '../protocol/tool.ts'
import { readText } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'
import { readCargoReport } from './cargo-report.ts'
import { readGoReport } from './json-reports.ts'
import { readJUnitReport } from './junit-report.ts'
import { addResult, emptyReport } from './report.ts'
import type { TestReport } from './report.ts'
import type { Suites } from './suite.ts'
import { readTextReport } from './text-report.ts'

const NOTHING: Suites = { suites: [], unrunnable: [] }
const PYTHON_TESTS = /(^|\/)(test_[^/]*|[^/]*_test|tests)\.py$/
const UNITTEST_RUNNER = fileURLToPath(new URL('unittest_report.py', import.meta.url))
/** Asking a program for its version takes no longer, in milliseconds. */
const ASK_MS = 15_000

async function answers(argv: [string, ...string[]], cwd: string): Promise<boolean> {
  return (await runTool(argv, { cwd, timeoutMs: ASK_MS })).exitCode === 0
}

/** pytest where it is installed, else unittest. The project's own virtual environment comes first. */
export async function pythonSuites(repository: Repository, folder: string, reportBase: string): Promise<Suites> {
  const root = join(repository.root, folder)
  const below = folder === '.' ? '' : `${folder}/`
  const tests = repository.files.filter(
    (file) =>
      file.path.startsWith(below) &&
      PYTHON_TESTS.test(file.path) &&
      !/(^|\/)(fixtures|testdata|examples)\//.test(file.path),
  )
  if (tests.length === 0) return NOTHING
  const cannot = (reason: string): Suites => ({ suites: [], unrunnable: [{ framework: 'pytest', folder, reason }] })
  const own = ['.venv', 'venv'].map((name) => join(root, name, 'bin', 'python')).find(existsSync)
  const python = own ?? 'python3'
  if (!(await answers([python, '--version'], root)))
    return cannot('python3 is not installed here; install it to run the Python tests.')
  // The project's own modules, not a version of them that happens to be installed.
  const inherited = process.env.PYTHONPATH === undefined ? [] : [process.env.PYTHONPATH]
  const path = [...[join(root, 'src'), root].filter(existsSync), ...inherited]
  const env = { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1', PYTHONPATH: path.join(delimiter) }
  if (await answers([python, '-c', 'import pytest'], root)) {
    const reportFile = `${reportBase}.xml`
    const read = (): TestReport | undefined =>
      existsSync(reportFile) ? readJUnitReport(readFileSync(reportFile, 'utf8'), root) : undefined
    const args = ['-m', 'pytest', '-v', '--color=no', '-p', 'no:cacheprovider', `--junitxml=${reportFile}`]
    return {
      suites: [{ framework: 'pytest', folder, command: 'python3 -m pytest', argv: [python, ...args], env, read }],
      unrunnable: [],
    }
  }
  if (!tests.some((file) => /^\s*(import unittest|from unittest)/m.test(readText(repository.root, file) ?? '')))
    return cannot(
      'pytest is not installed here; install the dependencies first, for instance with `pip install -e . pytest`.',
    )
  const reportFile = `${reportBase}.jsonl`
  const read = (): TestReport | undefined =>
    existsSync(reportFile) ? readRecords(readFileSync(reportFile, 'utf8')) : undefined
  return {
    suites: [
      {
        framework: 'unittest',
        folder,
        command: 'python3 -m unittest',
        argv: [python, UNITTEST_RUNNER, reportFile],
        env,
        read,
      },
    ],
    unrunnable: [],
  }
}

/** What unittest_report.py writes. */
function readRecords(text: string): TestReport {
  const report = emptyReport()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const { status, ...failure } = JSON.parse(line) as {
      status: 'passed' | 'failed' | 'skipped'
    } & TestReport['failures'][number]
    addResult(report, status, status === 'failed' ? failure : undefined)
  }
  return report
}

/** `go test -json` of all packages of a module. */
export async function goSuites(repository: Repository, folder: string): Promise<Suites> {
  const below = folder === '.' ? '' : `${folder}/`
  if (!repository.files.some((file) => file.path.startsWith(below) && file.path.endsWith('_test.go'))) return NOTHING
  if (!(await answers(['go', 'version'], repository.root)))
    return {
      suites: [],
      unrunnable: [
        { framework: 'go test', folder, reason: 'go is not installed here; install it to run the Go tests.' },
      ],
    }
  const env = { GOFLAGS: '-mod=readonly', GOPROXY: 'off' }
  const argv = ['go', 'test', '-json', './...'] as const
  return {
    suites: [
      { framework: 'go test', folder, command: 'go test ./...', argv, env, read: (run) => readGoReport(run.stdout) },
    ],
    unrunnable: [],
  }
}

/** `cargo test`, without the network. */
export async function rustSuites(repository: Repository, folder: string): Promise<Suites> {
  if (!(await answers(['cargo', '--version'], repository.root)))
    return {
      suites: [],
      unrunnable: [
        { framework: 'cargo test', folder, reason: 'cargo is not installed here; install it to run the Rust tests.' },
      ],
    }
  const argv = ['cargo', 'test', '--no-fail-fast', '--color=never'] as const
  const env = { CARGO_NET_OFFLINE: 'true' }
  return {
    suites: [
      {
        framework: 'cargo test',
        folder,
        command: 'cargo test',
        argv,
        env,
        read: (run) => readCargoReport(`${run.stdout}\n${run.stderr}`),
      },
    ],
    unrunnable: [],
  }
}

/** `make test`, where the Makefile has such a target and nothing else is known. */
export function makeSuites(repository: Repository): Suites {
  const makefile = repository.files.find((file) => /^(GNUm|M|m)akefile$/.test(file.path))
  if (!makefile || !/^test\s*:/m.test(readText(repository.root, makefile) ?? '')) return NOTHING
  return {
    suites: [
      {
        framework: 'make test',
        folder: '.',
        command: 'make test',
        argv: ['make', 'test'],
        read: (run) => readTextReport(`${run.stdout}\n${run.stderr}`),
      },
    ],
    unrunnable: [],
  }
}
