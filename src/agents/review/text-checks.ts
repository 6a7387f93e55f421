import { isCode, isProgram } from '../repository/languages.ts'
import type { RepositoryFile } from '../repository/files.ts'
import type { Finding } from './finding.ts'
import { findSecrets } from './secrets.ts'

/** Lines from which a file is called long. */
export const LONG_FILE = 600
/** Lines from which a function is called long. */
export const LONG_FUNCTION = 100

/** As a comment's first word, or with a colon or a name in parentheses anywhere in it. */
const MARKERS =
  /(?:\/\/|\/\*|^\s*\*|#|--|;|<!--)\s*(?:@?(TODO|FIXME|XXX|HACK|todo|fixme)\b(?!['"`|/\\])|.{0,80}\b(TODO|FIXME|XXX|HACK)[:(])\s*(.{0,100})/
const FOCUSED = /^\s*(?:(?:describe|it|test|suite|context)\.only|fdescribe|fit)\s*[(`]/
const DEBUGGER: Readonly<Record<string, RegExp>> = {
  Python: /^\s*(?:import \w+; *)?(?:breakpoint\(\)|(?:i?pdb|pudb)\.set_trace\(\))/,
  Ruby: /^\s*(?:binding\.(?:pry|irb)|byebug)\b/,
  PHP: /^\s*(?:var_dump|dd|xdebug_break)\(/,
}

/**
 * What can be seen line by line in any language: merge conflicts, secrets, focused tests, debugging left behind, TODO
 * and FIXME.
 */
export function checkLines(file: RepositoryFile, text: string): Finding[] {
  const lines = text.split('\n')
  const findings = findSecrets(
    file.path,
    lines,
    file.test || /(^|\/)(examples?|docs?)\//.test(file.path) || file.language === 'Markdown',
  )
  findings.push(...findConflicts(file.path, lines))
  const debug = file.language === null ? undefined : DEBUGGER[file.language]
  for (const [index, line] of lines.entries()) {
    const add = (severity: Finding['severity'], rule: string, message: string): void => {
      findings.push({ file: file.path, line: index + 1, severity, rule, message })
    }
    if (line.length > 1_000) continue
    if (file.test && FOCUSED.test(line))
      add('error', 'focused-test', 'Only this test runs; take .only away so that the others run again.')
    if (debug?.test(line)) add('warning', 'debugging', 'Debugging left behind.')
    const marker = isCode(file.language) ? MARKERS.exec(line) : null
    if (!marker) continue
    const words = marker[3]!.replace(/^[:(\s]+|\*\/|-->/g, '').trim()
    add('info', (marker[1] ?? marker[2])!.toLowerCase(), words || 'without a word on what')
  }
  if (isProgram(file.language) && lines.length > LONG_FILE && !file.test) {
    findings.push({
      file: file.path,
      line: 1,
      severity: 'info',
      rule: 'long-file',
      message: `${lines.length} lines; files of one purpose are shorter.`,
    })
  }
  return findings
}

/** Conflicts that a merge left: all three markers in their order, so that a heading of `=======` is none. */
function findConflicts(file: string, lines: readonly string[]): Finding[] {
  const findings: Finding[] = []
  let start = -1
  let middle = false
  for (const [index, line] of lines.entries()) {
    if (/^<{7} \S/.test(line)) [start, middle] = [index, false]
    else if (start >= 0 && /^={7}$/.test(line.trimEnd())) middle = true
    else if (middle && /^>{7} \S/.test(line)) {
      findings.push({
        file,
        line: start + 1,
        severity: 'error',
        rule: 'merge-conflict',
        message: `An unresolved merge conflict, up to line ${index + 1}.`,
      })
      ;[start, middle] = [-1, false]
    }
  }
  return findings
}
