import { byPath } from '../repository/paths.ts'

/** Something in the source that a person may want to change. */
export interface Finding {
  file: string
  /** 1-based. */
  line: number
  column?: number
  severity: Severity
  /** Who says so and what about, for instance `eslint(no-debugger)`, `secret`. */
  rule: string
  message: string
}

/** An error is wrong, a warning is likely wrong, info is for knowing. */
export type Severity = 'error' | 'warning' | 'info'

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

/** Most severe first; in tests after the rest; then by place. */
export function rankFindings(findings: readonly Finding[], isTest: (file: string) => boolean): Finding[] {
  const test = new Map(findings.map(({ file }) => [file, Number(isTest(file))]))
  return findings.toSorted(
    (a, b) =>
      RANK[a.severity] - RANK[b.severity] ||
      test.get(a.file)! - test.get(b.file)! ||
      byPath(a.file, b.file) ||
      a.line - b.line ||
      byPath(a.rule, b.rule),
  )
}

/** How many findings each value of `key` has, most first. */
export function countBy(findings: readonly Finding[], key: 'rule' | 'severity' | 'file'): Record<string, number> {
  const counts = new Map<string, number>()
  for (const finding of findings) counts.set(finding[key], (counts.get(finding[key]) ?? 0) + 1)
  return Object.fromEntries([...counts].toSorted((a, b) => b[1] - a[1] || byPath(a[0], b[0])))
}
