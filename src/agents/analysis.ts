/**
 * Looks a repository over without running anything of it: structure, dependencies and their cycles, duplication, churn.
 */
import { findDuplication } from './analysis/duplication.ts'
import { readDependencies } from './analysis/dependencies.ts'
import { readStructure } from './analysis/structure.ts'
import { runAgent } from './protocol/agent.ts'
import { hotSpots, readChurn } from './repository/churn.ts'
import { readRepository } from './repository/files.ts'

/** Lists longer than this are cut; the counts beside them are whole. */
const LISTED = 50

await runAgent(async ({ work, say, keep, timeLeft }) => {
  const repository = await readRepository(work.workspace)
  say(`found ${repository.files.length} files`)
  for (const { path, reason } of repository.skipped.slice(0, 10)) say(`left out ${path}: ${reason}`)

  const { structure, lines, functions } = readStructure(repository)
  say(`counted ${structure.lines} lines and ${functions} functions`)

  const { dependencies, graph } = readDependencies(repository)
  say(
    `followed ${dependencies.edges} imports between ${dependencies.modules} modules: ${dependencies.cycleCount} cycles`,
  )

  const churn = repository.git ? await readChurn(work.workspace) : undefined
  if (churn) say(`read ${churn.commits} commits`)

  const duplication = findDuplication(work.workspace, repository.files, () => timeLeft() / 2)
  say(
    `compared ${duplication.comparedFiles} source files: ${duplication.clones.length} clones, ${duplication.percent} %`,
  )

  await keep(
    'imports.json',
    `${JSON.stringify({ modules: graph.modules, edges: graph.edges }, null, 1)}\n`,
    'JSON',
    'application/json',
  )

  const runtimeCycles = dependencies.cycles.filter((cycle) => cycle.kind === 'runtime').length
  const { clones, ...figures } = duplication
  return {
    summary:
      structure.files === 0
        ? 'The folder has no files to look at.'
        : `${structure.files} files, ${structure.lines} lines, ${count(dependencies.cycleCount, 'dependency cycle')}, ${duplication.percent} % duplicated.`,
    output: {
      format: 'analysis',
      structure,
      dependencies,
      duplication: { ...figures, cloneCount: clones.length, clones: clones.slice(0, LISTED) },
      churn: churn && {
        commits: churn.commits,
        truncated: churn.truncated,
        from: churn.from === null ? null : new Date(churn.from * 1_000).toISOString(),
        to: churn.to === null ? null : new Date(churn.to * 1_000).toISOString(),
        mostChanged: [...churn.byFile]
          .filter(([file]) => lines.has(file))
          .map(([file, change]) => ({ file, ...change }))
          .toSorted((a, b) => b.commits - a.commits || (a.file < b.file ? -1 : 1))
          .slice(0, 15),
        hotSpots: hotSpots(churn, lines).slice(0, 15),
      },
      skipped: repository.skipped,
      skippedCount: repository.skippedCount,
      notes: [...repository.notes, ...duplication.notes],
    },
    evidence: [
      {
        name: 'no dependency cycles at run time',
        kind: 'COUNT',
        passed: runtimeCycles === 0,
        detail: { cycles: runtimeCycles },
      },
      {
        name: 'sources parse',
        kind: 'COUNT',
        passed: dependencies.syntaxErrorCount === 0,
        detail: { syntaxErrors: dependencies.syntaxErrorCount },
      },
      {
        name: 'files read',
        kind: 'COUNT',
        passed: true,
        detail: { files: structure.files, skipped: repository.skippedCount },
      },
    ],
  }
})

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
