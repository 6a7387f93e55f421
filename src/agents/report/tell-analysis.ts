import { count } from '../protocol/wording.ts'
import { code, place, plainly, table } from './markdown.ts'
import { fields, number, rows, text, texts } from './part.ts'
import type { Fields } from './part.ts'
import { LISTED, background, listOf, rest, section } from './section.ts'
import type { Told } from './section.ts'

/** Cycles first, then what may be dead or double, then where the work is. */
export function tellAnalysis(output: Fields): Told {
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
    const also = cycle.kind === 'types' ? ' (types only)' : cycle.kind === 'deferred' ? ' (only once it is called)' : ''
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
      ...background(
        'Modules that nothing seems to use',
        ...listOf(
          orphans.map((path) => `- ${code(path)}`),
          number(dependencies.orphanCount),
        ),
      ),
      ...(clones.length === 0
        ? []
        : background(
            'Duplication',
            `${count(number(duplication.duplicatedLines), 'line')} of ${number(duplication.comparedLines)} repeat others (${number(duplication.percent) || 'less than 0.1'} %).`,
            table(
              ['Lines', 'Here', 'And here'],
              clones
                .slice(0, 10)
                .map((clone) => [String(number(clone.lines)), range(fields(clone.a)), range(fields(clone.b))]),
            ),
            rest(number(duplication.cloneCount), 10),
          )),
      ...background(
        'Hot spots',
        table(
          ['File', 'Commits', 'Lines'],
          rows(churn.hotSpots)
            .filter((spot) => number(spot.commits) > 2)
            .slice(0, 10)
            .map((spot) => [code(text(spot.file)), String(number(spot.commits)), String(number(spot.lines))]),
        ),
      ),
      ...(number(structure.files) === 0
        ? []
        : background(
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
