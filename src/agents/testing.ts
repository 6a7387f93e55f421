/**
 * Runs a repository's own tests with its own framework and reports what they say.
 */
import { join } from 'node:path'
import { runAgent } from './protocol/agent.ts'
import { count } from './protocol/wording.ts'
import { lastWords, runTool } from './protocol/tool.ts'
import type { ToolResult } from './protocol/tool.ts'
import { readRepository } from './repository/files.ts'
import { findSuites } from './testing/projects.ts'
import { plain } from './testing/report.ts'
import type { TestReport } from './testing/report.ts'
import type { Suite } from './testing/suite.ts'

/** Lines of a test run that are shown live; the rest is in the log. */
const MAX_SHOWN = 400
/** Characters of one run's output that are kept in its log. */
const MAX_LOG = 1_000_000

/** Tests that say nothing for this long hang, in milliseconds; whoever drives this agent may have less patience. */
const MAX_SILENCE_MS = 300_000

/** Workspaces whose tests run further up: a test that starts this agent on its own repository must end somewhere. */
const GUARD = 'TUTTI_TESTED_WORKSPACES'

interface SuiteResult {
  framework: string
  folder: string
  command: string
  exitCode: number | null
  total: number
  passed: number
  failed: number
  skipped: number
  durationMs: number
  reason?: string
}

await runAgent(async ({ work, say, keep, timeLeft }) => {
  const outer = (process.env[GUARD] ?? '').split('\n')
  if (outer.includes(work.workspace))
    return nothingRun(
      'The tests of this repository are already running and started this agent; it does not run them again.',
    )

  const repository = await readRepository(work.workspace)
  const { suites, unrunnable } = await findSuites(repository, work.outputDir)
  for (const { framework, folder, reason } of unrunnable) say(`${framework} in ${folder}: ${reason}`)
  if (suites.length === 0) {
    return nothingRun(
      unrunnable[0]?.reason ?? 'No tests were found: no test script, no known framework and no test files.',
      unrunnable,
    )
  }

  const results: SuiteResult[] = []
  const failures: TestReport['failures'] = []
  for (const [index, suite] of suites.entries()) {
    say(`running ${suite.command}${suite.folder === '.' ? '' : ` in ${suite.folder}`}`)
    const run = await runSuite(
      suite,
      work.workspace,
      [...outer, work.workspace].join('\n'),
      {
        timeoutMs: timeLeft() / (suites.length - index),
        silenceMs: Math.min(MAX_SILENCE_MS, work.timeouts.idleMs * 0.9),
      },
      say,
    )
    const result = judge(suite, run)
    results.push(result.result)
    failures.push(...result.failures.map((failure) => ({ ...failure, file: inWorkspace(failure.file, suite.folder) })))
    await keep(
      `${String(index + 1)}-${suite.framework.replace(/\W+/g, '-')}.log`,
      plain(`${run.stdout}\n${run.stderr}`).slice(-MAX_LOG),
      'REPORT',
      'text/plain',
    )
    say(
      `${suite.framework}: ${result.result.passed} passed, ${result.result.failed} failed, ${result.result.skipped} skipped${result.result.reason ? ` (${result.result.reason})` : ''}`,
    )
  }
  const sum = (key: 'total' | 'passed' | 'failed' | 'skipped' | 'durationMs'): number =>
    results.reduce((total, result) => total + result[key], 0)
  const reasons = [
    ...results.flatMap(({ reason }) => reason ?? []),
    ...unrunnable.map(({ framework, reason }) => `${framework}: ${reason}`),
  ]
  const failed = results.find((result) => result.exitCode !== 0)
  return {
    summary: summaryOf(sum('passed'), sum('failed'), sum('skipped'), sum('total'), reasons[0]),
    output: {
      format: 'tests',
      framework: results.map(({ framework }) => framework).join(' + '),
      command: results.map(({ command, folder }) => (folder === '.' ? command : `${command} in ${folder}`)).join(', '),
      exitCode: failed ? failed.exitCode : 0,
      total: sum('total'),
      passed: sum('passed'),
      failed: sum('failed'),
      skipped: sum('skipped'),
      durationMs: sum('durationMs'),
      failures,
      suites: results,
      unrunnable,
      ...(reasons.length > 0 && { reason: reasons.join(' ') }),
    },
    evidence: [
      ...results.map((result) => ({
        name: `tests pass: ${result.framework}${result.folder === '.' ? '' : ` in ${result.folder}`}`,
        kind: 'TEST_REPORT',
        passed: result.exitCode === 0 && result.failed === 0 && result.reason === undefined,
        detail: { ...result },
      })),
      ...unrunnable.map((suite) => ({
        name: `tests can run: ${suite.framework}`,
        kind: 'TEST_REPORT',
        passed: false,
        detail: { ...suite },
      })),
    ],
  }
})

function summaryOf(passed: number, failed: number, skipped: number, total: number, reason: string | undefined): string {
  if (total === 0 && reason !== undefined) return reason
  return `${passed} of ${count(total, 'test')} passed, ${failed} failed, ${skipped} skipped${reason ? `: ${reason}` : '.'}`
}

function nothingRun(reason: string, unrunnable: object[] = []) {
  return {
    summary: reason.startsWith('No tests') ? reason : `No tests were run: ${reason}`,
    output: {
      format: 'tests',
      framework: null,
      command: null,
      exitCode: null,
      total: 0,
      passed: 0,
      failed: 0,
      skipped: 0,
      durationMs: 0,
      failures: [],
      suites: [],
      unrunnable,
      reason,
    },
    evidence: [{ name: 'tests can run', kind: 'TEST_REPORT', passed: false, detail: { reason } }],
  }
}

async function runSuite(
  suite: Suite,
  workspace: string,
  guard: string,
  limits: { timeoutMs: number; silenceMs: number },
  say: (line: string) => void,
): Promise<ToolResult> {
  let shown = 0
  const env: Record<string, string | undefined> = {
    CI: '1',
    npm_config_loglevel: 'error',
    npm_config_update_notifier: 'false',
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    [GUARD]: guard,
    ...suite.env,
  }
  // A test runner that was itself started below one would take the outer one's place in it.
  for (const name of Object.keys(process.env))
    if (/^(VITEST|JEST_|NODE_TEST_CONTEXT|npm_(?!config_))/.test(name)) env[name] = undefined
  // The tests' output folder is not theirs to write to.
  env.TUTTI_OUTPUT_DIR = undefined
  return runTool(suite.argv, {
    cwd: join(workspace, suite.folder),
    ...limits,
    env,
    onLine(line) {
      const text = plain(line).trimEnd()
      if (text === '' || shown > MAX_SHOWN) return
      say(shown++ === MAX_SHOWN ? '… (the rest is in the log)' : text.slice(0, 300))
    },
  })
}

function judge(suite: Suite, run: ToolResult): { result: SuiteResult; failures: TestReport['failures'] } {
  let report: TestReport | undefined
  let unreadable: string | undefined
  try {
    report = suite.read(run)
  } catch (error) {
    unreadable = (error as Error).message
  }
  const { failures = [], ...counts } = report ?? { total: 0, passed: 0, failed: 0, skipped: 0 }
  const reason = explain(suite, run, report, unreadable)
  return {
    result: {
      framework: suite.framework,
      folder: suite.folder,
      command: suite.command,
      exitCode: run.exitCode,
      ...counts,
      durationMs: run.durationMs,
      ...(reason !== undefined && { reason }),
    },
    failures: failures as TestReport['failures'],
  }
}

/** Why the counts are not the whole story, if they are not. */
function explain(
  suite: Suite,
  run: ToolResult,
  report: TestReport | undefined,
  unreadable: string | undefined,
): string | undefined {
  if (run.missing) return `${suite.argv[0]} is not installed here.`
  if (run.silent)
    return `The tests were stopped after ${Math.round(run.durationMs / 1_000)} s: they hang, or had nothing to say for too long.`
  if (run.timedOut)
    return `The tests were stopped after ${Math.round(run.durationMs / 1_000)} s, the time this attempt has.`
  if (unreadable !== undefined) return `The report of ${suite.framework} could not be read: ${unreadable}`
  const output = `${run.stdout}\n${run.stderr}`
  const absent = /(?:No module named|Cannot find (?:package|module)) '([\w@/.-]+)'/.exec(output)?.[1]
  const dependency = absent && !absent.startsWith('.') && !absent.startsWith('/') ? absent : undefined
  if (dependency && (report?.passed ?? 0) === 0 && run.exitCode !== 0)
    return `The dependency ${dependency} is not installed.`
  if (report && report.total === 0) return 'No tests were found by the framework.'
  if (run.exitCode === 0)
    return report ? undefined : 'The command succeeded; its output holds no counts that are known.'
  if (report && report.failed > 0) return undefined
  return `The command ended with exit code ${run.exitCode ?? 'none'} although no test failed: ${lastWords(run, 1)}`
}

function inWorkspace(file: string | null, folder: string): string | null {
  if (file === null || folder === '.' || file.startsWith('/') || file.startsWith(`${folder}/`)) return file
  return `${folder}/${file}`
}
