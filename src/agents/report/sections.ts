import type { UpstreamResult } from '../../runtime.ts'
import { plainly } from './markdown.ts'
import { fields, text } from './part.ts'
import type { Fields } from './part.ts'
import { LISTED, link, rest, section } from './section.ts'
import type { Told } from './section.ts'
import { tellAnalysis } from './tell-analysis.ts'
import { tellDocumentation, tellTypes } from './tell-artifacts.ts'
import { tellRelease } from './tell-release.ts'
import { tellReview } from './tell-review.ts'
import { tellTests } from './tell-tests.ts'

/** Lines of an unknown output that are shown. */
const EXCERPT = 40

type Teller = (output: Fields, result: UpstreamResult) => Told

/** How outputs of a known format are told. A format is a promise of whoever wrote the output, not of an agent's name. */
const TELLERS: Readonly<Record<string, Teller>> = {
  analysis: tellAnalysis,
  tests: tellTests,
  review: tellReview,
  documentation: tellDocumentation,
  release: tellRelease,
  'generated-types': tellTypes,
}

/** What there is to say about a result; of an unknown one its beginning. */
export function tell(result: UpstreamResult): Told {
  const output = fields(result.output)
  const teller = Object.hasOwn(TELLERS, text(output.format)) ? TELLERS[text(output.format)] : undefined
  return teller ? teller(output, result) : tellUnknown(result)
}

/** An agent that is not known here: its own words, its files, and the beginning of what it put out. */
function tellUnknown(result: UpstreamResult): Told {
  const lines = result.output === null ? [] : JSON.stringify(result.output, null, 2).split('\n')
  const fence = lines.some((line) => line.includes('```')) ? '````' : '```'
  const excerpt = lines.slice(0, EXCERPT).map((line) => line.slice(0, 200))
  return {
    attention: [],
    sections: section(
      plainly(result.title || result.key),
      plainly(result.summary ?? '', 500),
      result.artifacts
        .slice(0, LISTED)
        .map(({ name }) => `- ${link(result, name)}`)
        .join('\n'),
      rest(result.artifacts.length, Math.min(LISTED, result.artifacts.length)),
      lines.length === 0
        ? ''
        : [`${fence}json`, ...excerpt, ...(lines.length > EXCERPT ? ['…'] : []), fence].join('\n'),
    ),
  }
}
