import type { UpstreamResult } from '../../runtime.ts'
import { count } from '../protocol/wording.ts'
import { code, place, plainly, table } from './markdown.ts'
import { number, rows, text } from './part.ts'
import type { Fields } from './part.ts'
import { LISTED, link, rest, section } from './section.ts'
import type { Told } from './section.ts'

/** Counts, and each failure with its place and the head of its message. */
export function tellTests(output: Fields, result: UpstreamResult): Told {
  const failures = rows(output.failures)
  const failed = number(output.failed)
  const reason = text(output.reason)
  const logs = result.artifacts.filter(({ name }) => name.endsWith('.log')).map(({ name }) => link(result, name))
  const counts = `${number(output.passed)} passed, ${failed} failed, ${number(output.skipped)} skipped of ${number(output.total)}`
  const suites = rows(output.suites)
  const how =
    text(output.command) === ''
      ? ''
      : `${suites.length > 1 ? '' : ` with ${code(text(output.command))}`} in ${(number(output.durationMs) / 1_000).toFixed(1)} s`
  const clean = failed === 0 && reason === '' && number(output.total) > 0
  return {
    attention: [
      ...(failed > 0 ? [count(failed, 'failing test')] : []),
      ...(reason === '' || failed > 0 ? [] : [unknownOf(output)]),
    ],
    sections: section(
      'Tests',
      number(output.total) > 0 || reason === '' ? `${counts}${how}.` : '',
      plainly(reason, 600),
      suites.length > 1
        ? table(
            ['Where', 'Command', 'Passed', 'Failed', 'Skipped'],
            suites
              .slice(0, LISTED)
              .map((suite) => [
                code(text(suite.folder)),
                code(text(suite.command)),
                ...[suite.passed, suite.failed, suite.skipped].map((value) => String(number(value))),
              ]),
          )
        : '',
      suites.length > 1 ? rest(suites.length, Math.min(LISTED, suites.length)) : '',
      failures
        .slice(0, LISTED)
        .map((failure) =>
          [
            `- **${plainly(text(failure.name))}** ${place(text(failure.file), typeof failure.line === 'number' ? failure.line : null)}`,
            quote(text(failure.message)),
          ]
            .filter((part) => part !== '')
            .join('\n\n'),
        )
        .join('\n'),
      rest(failed, Math.min(LISTED, failures.length)),
      clean || logs.length === 0 ? '' : `Log: ${logs.join(', ')}`,
    ),
  }
}

/** The first lines of a message, set off below a list item. */
function quote(message: string): string {
  const lines = message
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, 8)
  if (lines.length === 0) return ''
  const fence = message.includes('```') ? '````' : '```'
  return [`${fence}text`, ...lines.map((line) => line.slice(0, 200)), fence].map((line) => `  ${line}`).join('\n')
}

/** In a few words, what is not known of the tests. */
function unknownOf(output: Fields): string {
  if (number(output.total) > 0) return 'tests that were not all run'
  return output.exitCode === 0 && rows(output.suites).length > 0 ? 'tests without counts' : 'no tests were run'
}
