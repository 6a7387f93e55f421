/** What a test run's report says, whatever the framework. */
export interface TestReport {
  total: number
  passed: number
  failed: number
  skipped: number
  failures: TestFailure[]
}

export interface TestFailure {
  name: string
  /** Relative to the workspace where it is known. */
  file: string | null
  /** 1-based. */
  line: number | null
  message: string
}

/** Failures beyond this are counted, not listed. */
const MAX_FAILURES = 100
const MAX_MESSAGE = 1_000
const MAX_NAME = 300

/** A report without tests. */
export function emptyReport(): TestReport {
  return { total: 0, passed: 0, failed: 0, skipped: 0, failures: [] }
}

/** Counts one result; the failure's text is cut to what a person reads. */
export function addResult(report: TestReport, status: 'passed' | 'failed' | 'skipped', failure?: TestFailure): void {
  report.total++
  report[status]++
  if (!failure || report.failures.length >= MAX_FAILURES) return
  report.failures.push({
    ...failure,
    name: plain(failure.name).slice(0, MAX_NAME),
    message: withoutForeignFrames(plain(failure.message)).trim().slice(0, MAX_MESSAGE),
  })
}

/** A message without the stack frames of the framework and the runtime. */
function withoutForeignFrames(message: string): string {
  return message
    .split('\n')
    .filter((line) => !/^\s+at .*(node_modules\/|node:|\(<anonymous>\))/.test(line))
    .join('\n')
}

/** Text without terminal colours and other control sequences. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '').replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
}

/** The path as seen from the workspace, if it lies within. */
export function relativeTo(workspace: string, path: string): string {
  const clean = path.replace(/^file:\/\//, '')
  return clean.startsWith(`${workspace}/`) ? clean.slice(workspace.length + 1) : clean
}

/** The line that a stack trace names within `file`, or null. */
export function lineInStack(stack: string, file: string): number | null {
  const name = file.slice(file.lastIndexOf('/') + 1).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const line = new RegExp(`${name}[:(](\\d+)`).exec(stack)?.[1]
  return line === undefined ? null : Number(line)
}
