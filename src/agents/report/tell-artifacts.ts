import type { UpstreamResult } from '../../runtime.ts'
import { count } from '../protocol/wording.ts'
import { code, place, plainly } from './markdown.ts'
import { fields, number, rows, text, texts } from './part.ts'
import type { Fields } from './part.ts'
import { LISTED, background, link, rest, section } from './section.ts'
import type { Told } from './section.ts'

/** Pages that are linked; the index page, which comes first, links to all. */
const PAGES = 6

/** Links to the pages, and what has no word of documentation yet. */
export function tellDocumentation(output: Fields, result: UpstreamResult): Told {
  const pages = texts(output.pages)
  const coverage = fields(output.coverage)
  const bare = rows(output.undocumented)
  return {
    attention: [],
    sections:
      pages.length === 0
        ? []
        : background(
            'Documentation',
            number(coverage.exports) === 0
              ? ''
              : `${number(coverage.documented)} of ${number(coverage.exports)} exports are documented (${number(coverage.percent)} %).`,
            pages
              .slice(0, PAGES)
              .map((page) => `- ${link(result, page)}`)
              .join('\n'),
            rest(pages.length, Math.min(PAGES, pages.length)),
            bare.length === 0
              ? ''
              : `Without a word so far: ${bare
                  .slice(0, 10)
                  .map((one) => `${code(text(one.name))} ${place(text(one.file), number(one.line))}`)
                  .join(
                    ', ',
                  )}${number(output.undocumentedCount) > 10 ? ` and ${number(output.undocumentedCount) - 10} more` : ''}.`,
          ),
  }
}

/** Links to the generated files, and the schemas that gave none. */
export function tellTypes(output: Fields, result: UpstreamResult): Told {
  const made = rows(output.files)
  const failed = rows(output.failed)
  return {
    attention:
      failed.length > 0
        ? [count(failed.length, 'schema that gave no types', 'schemas that gave no types')]
        : text(output.reason) === ''
          ? []
          : ['nothing was generated'],
    sections: section(
      'Generated types',
      made
        .slice(0, LISTED)
        .map(
          (file) =>
            `- ${link(result, text(file.name))}: ${count(number(file.typeCount), 'type')} from ${texts(file.sources).slice(0, 3).map(code).join(', ')}`,
        )
        .join('\n'),
      rest(made.length, Math.min(LISTED, made.length)),
      failed
        .slice(0, LISTED)
        .map((file) => `- ${code(texts(file.sources)[0] ?? '')} failed: ${plainly(text(file.error))}`)
        .join('\n'),
    ),
  }
}
