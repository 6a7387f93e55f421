import { readText } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'
import type { ImportGraph } from '../repository/import-graph.ts'

/** Files of these kinds may name a module that no import names: as a script, an entry, a worker, a page's script. */
const MAY_NAME_MODULES =
  /(^|\/)(package\.json|dockerfile[^/]*|makefile|[^/]*\.(ya?ml|json|jsonc|html?|toml|sh|[cm]?[jt]sx?|vue|svelte|astro))$/i

/** Modules that something outside the repository starts by their name or place. */
const ENTRIES =
  /(^|\/)(index|main|app|server|cli|worker|setup|sw|middleware)\.[cm]?[jt]sx?$|\.config\.[cm]?[jt]s$|\.d\.[cm]?ts$|(^|\/)\.[^/]+$|(^|\/)(bin|scripts?|examples?|migrations|pages|routes|app|api|functions|commands|tasks|tools|docs|bench|plugins)\//

/** Bytes of text that are searched for names; beyond it nothing is called an orphan any more. */
const MAX_SEARCHED_BYTES = 30_000_000

/**
 * Modules that nothing imports, that are no usual entry, and whose file name stands nowhere else in the repository.
 * They are candidates: what loads modules by computed names is not seen.
 */
export function findOrphans(repository: Repository, graph: ImportGraph): string[] {
  const imported = new Set(graph.edges.filter((edge) => edge.from !== edge.to).map((edge) => edge.to))
  const tests = new Set(repository.files.filter((file) => file.test).map((file) => file.path))
  const candidates = new Set(
    graph.modules.filter((path) => !imported.has(path) && !tests.has(path) && !ENTRIES.test(path)),
  )
  let searched = 0
  for (const file of repository.files) {
    if (candidates.size === 0) break
    if (!MAY_NAME_MODULES.test(file.path)) continue
    searched += file.bytes
    if (searched > MAX_SEARCHED_BYTES) return []
    const text = readText(repository.root, file)
    if (text === undefined) continue
    // `from './a.js'`, `scripts/a.ts`, or the name alone in quotes, as what is loaded by a computed path is listed.
    const named = new Set(text.match(/[\w.-]+\.[cm]?[jt]sx?\b|(?<=['"`/])[\w.-]+(?=['"`])/g))
    for (const candidate of candidates) {
      const name = candidate.slice(candidate.lastIndexOf('/') + 1)
      if (candidate !== file.path && (named.has(name) || named.has(name.replace(/\.\w+$/, ''))))
        candidates.delete(candidate)
    }
  }
  return [...candidates]
}
