import type { UpstreamResult } from '../../runtime.ts'
import { code, count, place, plainly, table } from './markdown.ts'
import { fields, number, rows, text, texts } from './part.ts'
import type { Fields, Section } from './part.ts'

/** Rows of one table; the rest is counted. */
const LISTED = 20
/** Lines of an unknown output that are shown. */
const EXCERPT = 40

export interface Told {
  sections: Section[]
  attention: string[]
}

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
  const teller = TELLERS[text(output.format)]
  return teller ? teller(output, result) : tellUnknown(result)
}

function section(title: string, ...body: string[]): Section[] {
  const filled = body.filter((part) => part !== '')
  return filled.length === 0 ? [] : [{ title, body: filled.join('\n\n') }]
}

function rest(total: number, shown: number): string {
  return total > shown ? `… and ${total - shown} more.` : ''
}

/** Where an artifact lies beside the report. */
function link(result: UpstreamResult, name: string, label = name): string {
  return `[${plainly(label)}](./${encodeURI(`${result.key}/${name}`)})`
}

function tellAnalysis(output: Fields): Told {
  const dependencies = fields(output.dependencies)
  const cycles = rows(dependencies.cycles)
  const atRuntime = cycles.filter((cycle) => cycle.kind === 'runtime').length
  const broken = rows(dependencies.syntaxErrors)
  const orphans = texts(dependencies.orphans)
  const unresolved = rows(dependencies.unresolved)
  const duplication = fields(output.duplication)
  const clones = rows(duplication.clones)
  const churn = fields(output.churn)
  const structure = fields(output.structure)
  const languages = rows(structure.languages)
    .filter((language) => language.language !== 'other')
    .slice(0, 6)
  const cycleText = cycles.slice(0, LISTED).map((cycle) => {
    const way = rows(cycle.path)
    const steps = way.map((step) => `${place(text(step.from), number(step.line))} →`).join(' ')
    const also = cycle.kind === 'types' ? ' (types only)' : ''
    return `- ${steps} ${code(text(way[0]?.from))}${also}`
  })
  return {
    attention: [
      ...(atRuntime > 0 ? [count(atRuntime, 'dependency cycle')] : []),
      ...(broken.length > 0
        ? [count(number(dependencies.syntaxErrorCount), 'file that does not parse', 'files that do not parse')]
        : []),
    ],
    sections: [
      ...section(
        'Files that do not parse',
        ...listOf(
          broken.map((error) => `- ${place(text(error.file), number(error.line))} ${plainly(text(error.message))}`),
          number(dependencies.syntaxErrorCount),
        ),
      ),
      ...section('Dependency cycles', cycleText.join('\n'), rest(number(dependencies.cycleCount), cycleText.length)),
      ...section(
        'Imports that lead nowhere',
        ...listOf(
          unresolved.map((one) => `- ${place(text(one.from), number(one.line))} imports ${code(text(one.specifier))}`),
          number(dependencies.unresolvedCount),
        ),
      ),
      ...section(
        'Modules that nothing imports',
        ...listOf(
          orphans.map((path) => `- ${code(path)}`),
          number(dependencies.orphanCount),
        ),
      ),
      ...(clones.length === 0
        ? []
        : section(
            'Duplication',
            `${number(duplication.percent)} % of the compared lines stand in more than one place.`,
            table(
              ['Lines', 'Here', 'And here'],
              clones
                .slice(0, 10)
                .map((clone) => [String(number(clone.lines)), range(fields(clone.a)), range(fields(clone.b))]),
            ),
            rest(number(duplication.cloneCount), 10),
          )),
      ...section(
        'Hot spots',
        table(
          ['File', 'Commits', 'Lines'],
          rows(churn.hotSpots)
            .filter((spot) => number(spot.commits) > 1)
            .slice(0, 10)
            .map((spot) => [code(text(spot.file)), String(number(spot.commits)), String(number(spot.lines))]),
        ),
      ),
      ...(number(structure.files) === 0
        ? []
        : section(
            'Structure',
            `${count(number(structure.files), 'file')} with ${count(number(structure.lines), 'line')}: ${languages.map((language) => `${plainly(text(language.language))} ${number(language.lines)}`).join(', ')}.`,
            table(
              ['Longest functions', 'Lines'],
              rows(structure.longestFunctions)
                .filter((one) => number(one.lines) > 60)
                .slice(0, 5)
                .map((one) => [
                  `${code(text(one.name))} ${place(text(one.file), number(one.line))}`,
                  String(number(one.lines)),
                ]),
            ),
          )),
    ],
  }
}

function range(side: Fields): string {
  return code(`${text(side.file)}:${number(side.start)}-${number(side.end)}`)
}

function listOf(lines: readonly string[], total: number): string[] {
  return [lines.slice(0, LISTED).join('\n'), rest(Math.max(total, lines.length), Math.min(LISTED, lines.length))]
}

function tellTests(output: Fields, result: UpstreamResult): Told {
  const failures = rows(output.failures)
  const failed = number(output.failed)
  const reason = text(output.reason)
  const logs = result.artifacts.filter(({ name }) => name.endsWith('.log')).map(({ name }) => link(result, name))
  const counts = `${number(output.passed)} passed, ${failed} failed, ${number(output.skipped)} skipped of ${number(output.total)}`
  const how =
    text(output.command) === ''
      ? ''
      : ` with ${code(text(output.command))} in ${(number(output.durationMs) / 1_000).toFixed(1)} s`
  const clean = failed === 0 && reason === '' && number(output.total) > 0
  return {
    attention: failed > 0 ? [count(failed, 'failing test')] : reason === '' ? [] : ['tests that were not (all) run'],
    sections: section(
      'Tests',
      number(output.total) > 0 || reason === '' ? `${counts}${how}.` : '',
      plainly(reason, 600),
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

function tellReview(output: Fields, result: UpstreamResult): Told {
  const severities = fields(output.bySeverity)
  const errors = number(severities.error)
  const findings = rows(output.findings)
  const serious = findings.filter((finding) => finding.severity !== 'info')
  const total = errors + number(severities.warning)
  const remarks = Object.entries(fields(output.byRule)).map(([rule, times]) => `${plainly(rule)} ${number(times)}`)
  const all = result.artifacts.find(({ name }) => name === 'findings.json')
  const shown = serious.slice(0, LISTED)
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
            rest(total, shown.length),
            `In all: ${remarks.slice(0, 12).join(', ')}.${all ? ` Every finding: ${link(result, 'findings.json')}.` : ''}`,
          ),
  }
}

function tellDocumentation(output: Fields, result: UpstreamResult): Told {
  const pages = texts(output.pages)
  const coverage = fields(output.coverage)
  const bare = rows(output.undocumented)
  return {
    attention: [],
    sections:
      pages.length === 0
        ? []
        : section(
            'Documentation',
            number(coverage.exports) === 0
              ? ''
              : `${number(coverage.documented)} of ${number(coverage.exports)} exports are documented (${number(coverage.percent)} %).`,
            pages
              .slice(0, 40)
              .map((page) => `- ${link(result, page)}`)
              .join('\n'),
            rest(pages.length, Math.min(40, pages.length)),
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

function tellRelease(output: Fields): Told {
  const missed = rows(output.checks).filter((check) => check.passed === false)
  const order = ['error', 'warning', 'info']
  const sorted = missed.toSorted((a, b) => order.indexOf(text(a.severity)) - order.indexOf(text(b.severity)))
  const contents = fields(output.package)
  const verdict =
    output.releasable === true ? 'It can be released.' : text(output.reason) || 'It cannot be released as it is.'
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

function tellTypes(output: Fields, result: UpstreamResult): Told {
  const made = rows(output.files)
  const failed = rows(output.failed)
  return {
    attention:
      failed.length > 0 ? [count(failed.length, 'schema that gave no types', 'schemas that gave no types')] : [],
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
