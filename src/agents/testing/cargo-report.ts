import { addResult, emptyReport, plain } from './report.ts'
import type { TestReport } from './report.ts'

/** Reads what `cargo test` prints: one line for each test, and where the failed ones panicked. */
export function readCargoReport(output: string): TestReport | undefined {
  const text = plain(output)
  const report = emptyReport()
  const panics = new Map<string, { file: string; line: number; message: string }>()
  for (const panic of text.matchAll(
    /^thread '([^']+)'(?: \(\d+\))? panicked at ([^\n]+?):(\d+):\d+:\n((?:(?!stack backtrace:|note:|\n)[^\n]+\n?)*)/gm,
  )) {
    panics.set(panic[1]!, { file: panic[2]!, line: Number(panic[3]), message: panic[4]!.trim() })
  }
  for (const [, name, status] of text.matchAll(/^test (.+?) \.\.\. (ok|FAILED|ignored)\b/gm)) {
    const panic = panics.get(name!) ?? { file: null, line: null, message: 'see the output' }
    if (status === 'FAILED') addResult(report, 'failed', { name: name!, ...panic })
    else addResult(report, status === 'ok' ? 'passed' : 'skipped')
  }
  return report.total > 0 || text.includes('test result:') ? report : undefined
}
