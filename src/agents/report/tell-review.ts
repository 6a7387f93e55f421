import type { UpstreamResult } from '../../runtime.ts'
import { count } from '../protocol/wording.ts'
import { place, plainly, table } from './markdown.ts'
import { fields, number, rows, text } from './part.ts'
import type { Fields } from './part.ts'
import { LISTED, link, rest, section } from './section.ts'
import type { Told } from './section.ts'

/** Findings that are listed beside fewer errors and warnings than these. */
const REMARKS = 10

/** Errors and warnings with their places; remarks too where there are few; all are counted by rule. */
export function tellReview(output: Fields, result: UpstreamResult): Told {
  const severities = fields(output.bySeverity)
  const errors = number(severities.error)
  const findings = rows(output.findings)
  const serious = findings.filter((finding) => finding.severity !== 'info')
  const total = errors + number(severities.warning)
  const byRule = Object.entries(fields(output.byRule)).map(([rule, times]) => `${plainly(rule)} ${number(times)}`)
  const all = result.artifacts.find(({ name }) => name === 'findings.json')
  // Where little is wrong, there is time for remarks.
  const remarked = findings.filter((finding) => finding.severity === 'info').slice(0, Math.max(0, REMARKS - total))
  const shown = [...serious.slice(0, LISTED), ...remarked]
  return {
    attention: errors > 0 ? [count(errors, 'error') + ' in the review'] : [],
    sections:
      findings.length === 0
        ? []
        : section(
            'Review',
            table(
              ['', 'Where', 'What'],
              shown.map((finding) => [
                plainly(text(finding.severity)),
                place(text(finding.file), number(finding.line)),
                `${plainly(text(finding.message))} (${plainly(text(finding.rule))})`,
              ]),
            ),
            rest(Math.max(number(output.total), shown.length), shown.length),
            `In all: ${byRule.slice(0, 12).join(', ')}.${all ? ` Every finding: ${link(result, 'findings.json')}.` : ''}`,
          ),
  }
}
