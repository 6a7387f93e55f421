import { count } from '../protocol/wording.ts'
import { place, plainly, table } from './markdown.ts'
import { fields, number, rows, text } from './part.ts'
import type { Fields } from './part.ts'
import { LISTED, rest, section } from './section.ts'
import type { Told } from './section.ts'

/** Whether it can be released, and each check that did not pass. */
export function tellRelease(output: Fields): Told {
  const missed = rows(output.checks).filter((check) => check.passed === false)
  const order = ['error', 'warning', 'info']
  const sorted = missed.toSorted((a, b) => order.indexOf(text(a.severity)) - order.indexOf(text(b.severity)))
  const contents = fields(output.package)
  const verdict =
    output.releasable === true
      ? 'Nothing in its manifest, contents and papers stands against a release.'
      : text(output.reason) || 'It cannot be released as it is.'
  return {
    attention: output.releasable === true || text(output.reason) !== '' ? [] : ['not ready for a release'],
    sections: section(
      'Release',
      `${plainly(verdict)}${number(contents.files) > 0 ? ` The package has ${count(number(contents.files), 'file')}, ${Math.ceil(number(contents.packedBytes) / 1_000)} kB packed.` : ''}`,
      table(
        ['', 'Check', 'What'],
        sorted
          .slice(0, LISTED)
          .map((check) => [
            plainly(text(check.severity)),
            plainly(text(check.name)),
            `${plainly(text(check.detail))} ${place(text(check.file), typeof check.line === 'number' ? check.line : null)}`.trim(),
          ]),
      ),
      rest(sorted.length, Math.min(LISTED, sorted.length)),
    ),
  }
}
