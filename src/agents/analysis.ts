/**
 * Looks a repository over without running anything of it: structure, dependencies and their cycles, duplication, churn.
 */
import { findDuplication } from './analysis/duplication.ts'
import { readDependencies } from './analysis/dependencies.ts'
import { readStructure } from './analysis/structure.ts'
import { runAgent } from './protocol/agent.ts'
import { count } from './protocol/wording.ts'
import { hotSpots, readChurn } from './repository/churn.ts'
import { readRepository } from './repository/files.ts'

/** Lists longer than this are cut; the counts beside them are whole. */
const LISTED = 50

await runAgent(async ({ work, say, keep, timeLeft }) => {
  const repository = await readRepository(work.workspace)
  say(`found ${count(repository.files.length, 'file')}`)
  for (const { path, reason } of repository.skipped.slice(0, 10)) say(`left out ${path}: ${reason}`)

  const { structure, lines, functions } = readStructure(repository, timeLeft)
  say(`counted ${count(structure.lines, 'line')} and ${count(functions, 'function')}`)

  const { dependencies, graph } = readDependencies(repository, timeLeft)
  say(
    `followed ${count(dependencies.edges, 'import')} between ${count(dependencies.modules, 'module')}: ${count(dependencies.cycleCount, 'cycle')}`,
  )

  const churn = repository.git ? await readChurn(work.workspace) : undefined
  if (churn) say(`read ${count(churn.commits, 'commit')}`)

  const duplication = findDuplication(work.workspace, repository.files, () => timeLeft() / 2)
  say(
    `compared ${count(duplication.comparedFiles, 'source file')}: ${count(duplication.clones.length, 'clone')}, ${duplication.percent} %`,
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
        : `${count(structure.files, 'file')}, ${count(structure.lines, 'line')}, ${count(dependencies.cycleCount, 'dependency cycle')}, ${duplication.percent} % duplicated.`,
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
      notes: [
        ...repository.notes,
        ...duplication.notes,
        ...(timeLeft() === 0 ? ['The time for this attempt was too short for all files.'] : []),
      ],
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
