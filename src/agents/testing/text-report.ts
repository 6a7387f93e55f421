import { addResult, emptyReport, plain } from './report.ts'
import type { TestReport } from './report.ts'

/** What known test runners print at the end, for scripts whose reporter cannot be chosen. The last match counts. */
const SUMMARIES: readonly RegExp[] = [
  // Vitest: `Tests  1 failed | 5 passed | 1 skipped (7)`; Jest: `Tests:  1 failed, 1 skipped, 3 passed, 5 total`.
  /^\s*Tests:?\s+(.*\b\d+ (?:passed|failed|skipped|total|todo)\b.*)$/gm,
  // pytest: `== 1 failed, 2 passed in 0.03s ==`.
  /^=+ (.*\b\d+ (?:passed|failed|errors?)\b.*) in [\d.]+s.*$/gm,
]

/** Counts by what a test run printed; undefined if nothing in it is known. */
export function readTextReport(output: string): TestReport | undefined {
  const text = plain(output)
  for (const summary of SUMMARIES) {
    const lines = [...text.matchAll(summary)].map((match) => match[1]!)
    if (lines.length === 0) continue
    const line = lines.at(-1)!
    return toReport(
      number(line, /(\d+) passed/),
      number(line, /(\d+) failed/) + number(line, /(\d+) errors?\b/),
      number(line, /(\d+) skipped/) + number(line, /(\d+) todo/),
      text,
    )
  }
  const lastOf = (pattern: RegExp): number | undefined => {
    const found = [...text.matchAll(pattern)].at(-1)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  // Node's test runner and TAP: `# pass 3`, `ℹ fail 1`.
  const passed = lastOf(/^[#ℹ] pass(?:ed)?:?\s+(\d+)/gm)
  const failed = lastOf(/^[#ℹ] fail(?:ed)?:?\s+(\d+)/gm)
  if (passed !== undefined || failed !== undefined)
    return toReport(passed ?? 0, failed ?? 0, lastOf(/^[#ℹ] skip(?:ped)?:?\s+(\d+)/gm) ?? 0, text)
  // Mocha's spec reporter: `3 passing (5ms)`.
  const passing = lastOf(/^\s*(\d+) passing\b/gm)
  if (passing !== undefined)
    return toReport(passing, lastOf(/^\s*(\d+) failing\b/gm) ?? 0, lastOf(/^\s*(\d+) pending\b/gm) ?? 0, text)
  return undefined
}

function number(line: string, pattern: RegExp): number {
  return Number(pattern.exec(line)?.[1] ?? 0)
}

/** Names of failures as runners mark them in their output, as many as there are failures. */
function toReport(passed: number, failed: number, skipped: number, text: string): TestReport {
  const names = [...text.matchAll(/^\s*(?:✖|✗|×|FAIL(?:ED)?|not ok \d+ -)\s+(.+?)$/gm)].map((match) => match[1]!.trim())
  // Numbers come from a program's output and may be anything: they are added, not counted up to.
  const listed = emptyReport()
  for (const name of names.slice(0, failed)) {
    addResult(listed, 'failed', { name, file: null, line: null, message: 'see the output' })
  }
  return { total: passed + failed + skipped, passed, failed, skipped, failures: listed.failures }
}
