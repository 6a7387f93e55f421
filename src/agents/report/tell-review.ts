import type { UpstreamResult } from '../../runtime.ts'
import { count } from '../protocol/wording.ts'
import { place, plainly, table } from './markdown.ts'
import { fields, number, rows, text } from './part.ts'
import type { Fields } from './part.ts'
import { LISTED, link, rest, section } from './section.ts'
import type { Told } from './section.ts'

/** The most severe findings with their places; all are counted by rule. */
export function tellReview(output: Fields, result: UpstreamResult): Told {
  const severities = fields(output.bySeverity)
  const errors = number(severities.error)
  const findings = rows(output.findings)
  const byRule = Object.entries(fields(output.byRule)).map(([rule, times]) => `${plainly(rule)} ${number(times)}`)
  const all = result.artifacts.find(({ name }) => name === 'findings.json')
  // They come with the most severe first.
  const shown = findings.slice(0, LISTED)
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
