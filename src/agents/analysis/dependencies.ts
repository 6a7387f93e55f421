import { MAX_FILE_BYTES, readText } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'
import { findCycles } from '../repository/cycles.ts'
import type { Cycle } from '../repository/cycles.ts'
import { readImportGraph } from '../repository/import-graph.ts'
import type { ImportGraph } from '../repository/import-graph.ts'
import { byPath } from '../repository/paths.ts'
import { readPythonGraph } from '../repository/python-imports.ts'
import { findOrphans } from './orphans.ts'

/** Lists longer than this are cut; the counts beside them are whole. */
const LISTED = 50
const RANKED = 15

export interface Dependencies {
  modules: number
  edges: number
  cycleCount: number
  cycles: Cycle[]
  /** Modules that most others import. */
  mostImported: { module: string; importers: number }[]
  /** Modules that import most others. */
  mostImporting: { module: string; imports: number }[]
  /** Folders (two levels) and how many imports lead from one to the other. */
  betweenFolders: { from: string; to: string; imports: number }[]
  packages: { name: string; importers: number }[]
  orphans: string[]
  orphanCount: number
  unresolved: { from: string; line: number; specifier: string }[]
  unresolvedCount: number
  syntaxErrors: { file: string; line: number; message: string }[]
  syntaxErrorCount: number
}

/** The graph of modules of all languages that are understood, and what is notable about it. */
export function readDependencies(
  repository: Repository,
  timeLeft: () => number,
): { dependencies: Dependencies; graph: ImportGraph } {
  const readable = repository.files.filter((file) => file.bytes <= MAX_FILE_BYTES && !file.material)
  const manifests = readable.filter((file) => /(^|\/)package\.json$/.test(file.path)).map((file) => file.path)
  const graph = readImportGraph(
    repository.root,
    readable.map((file) => file.path),
    manifests,
    timeLeft,
  )
  const python = readable.filter((file) => /\.pyi?$/.test(file.path))
  const byName = new Map(python.map((file) => [file.path, file]))
  graph.modules.push(...byName.keys())
  graph.edges.push(...readPythonGraph([...byName.keys()], (path) => readText(repository.root, byName.get(path)!)))
  const cycles = findCycles(graph.edges)
  const orphans = findOrphans(repository, { ...graph, modules: graph.modules.filter((path) => !byName.has(path)) })
  const dependencies: Dependencies = {
    modules: graph.modules.length,
    edges: graph.edges.length,
    cycleCount: cycles.length,
    cycles: cycles.slice(0, LISTED),
    mostImported: rank(graph.edges, 'to', 'from').map(({ key, count }) => ({ module: key, importers: count })),
    mostImporting: rank(graph.edges, 'from', 'to').map(({ key, count }) => ({ module: key, imports: count })),
    betweenFolders: betweenFolders(graph),
    packages: rank(graph.external.map(toPackage), 'name', 'from').map(({ key, count }) => ({
      name: key,
      importers: count,
    })),
    orphans: orphans.slice(0, LISTED),
    orphanCount: orphans.length,
    unresolved: graph.unresolved.slice(0, LISTED),
    unresolvedCount: graph.unresolved.length,
    syntaxErrors: graph.unparsable.slice(0, LISTED),
    syntaxErrorCount: graph.unparsable.length,
  }
  return { dependencies, graph }
}

/** How many different `counted` each `key` has, most first. */
function rank<K extends string>(
  rows: readonly Record<K, string>[],
  key: K,
  counted: K,
): { key: string; count: number }[] {
  const found = new Map<string, Set<string>>()
  for (const row of rows) found.set(row[key], (found.get(row[key]) ?? new Set()).add(row[counted]))
  return [...found]
    .map(([name, set]) => ({ key: name, count: set.size }))
    .toSorted((a, b) => b.count - a.count || byPath(a.key, b.key))
    .slice(0, RANKED)
}

function toPackage({ from, specifier }: { from: string; specifier: string }): { from: string; name: string } {
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier
  return { from, name }
}

function betweenFolders(graph: ImportGraph): Dependencies['betweenFolders'] {
  const counts = new Map<string, number>()
  for (const { from, to } of graph.edges) {
    const key = `${folderOf(from)}\0${folderOf(to)}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts]
    .map(([key, imports]) => ({ from: key.split('\0')[0]!, to: key.split('\0')[1]!, imports }))
    .filter(({ from, to }) => from !== to)
    .toSorted((a, b) => b.imports - a.imports || byPath(a.from + a.to, b.from + b.to))
    .slice(0, LISTED)
}

/** The first two levels, which is where most repositories have their parts. */
function folderOf(path: string): string {
  const parts = path.split('/').slice(0, -1)
  return parts.slice(0, 2).join('/') || '.'
}
