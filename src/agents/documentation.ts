/**
 * Writes pages on what a repository's modules export, from the source, without running anything of it.
 */
import { basename } from 'node:path'
import { isDocumented } from './documentation/api.ts'
import type { ModuleApi } from './documentation/api.ts'
import { analysisAmong, renderOverview } from './documentation/overview.ts'
import { coverageOf, renderIndex, renderPages } from './documentation/pages.ts'
import { readPythonApi } from './documentation/python-api.ts'
import { readTypeScriptApi } from './documentation/typescript-api.ts'
import { runAgent } from './protocol/agent.ts'
import { count } from './protocol/wording.ts'
import { readRepository, readText } from './repository/files.ts'
import type { Repository } from './repository/files.ts'
import { isCode, isJavaScript } from './repository/languages.ts'
import { byPath } from './repository/paths.ts'

/** Undocumented exports beyond these are counted, not listed. */
const LISTED = 200
const MAX_NOTES = 50
/** An attempt may leave 1,000 files; folders beyond these have no page. */
const MAX_PAGES = 900

await runAgent(async ({ work, say, keep, timeLeft }) => {
  const repository = await readRepository(work.workspace)
  say(`found ${count(repository.files.length, 'file')}`)
  const sources = repository.files.filter((file) => !file.test && isCode(file.language))
  const python = sources.filter((file) => file.path.endsWith('.py'))
  const javaScript = sources.filter((file) => isJavaScript(file.path) && !/\.config\.[cm]?[jt]s$/.test(file.path))

  const fromPython = await readPythonApi(repository.root, python, timeLeft)
  const fromTypeScript = readTypeScriptApi(repository.root, javaScript, timeLeft)
  const modules: ModuleApi[] = [...fromTypeScript.modules, ...fromPython.modules].toSorted((a, b) =>
    byPath(a.file, b.file),
  )
  const coverage = coverageOf(modules)
  say(`read ${count(coverage.exports, 'export')} of ${count(modules.length, 'module')}`)

  const rendered = renderPages(modules)
  const pages = rendered.slice(0, MAX_PAGES)
  for (const page of pages) await keep(page.name, page.content, 'REPORT', 'text/markdown')
  const analysis = analysisAmong(work.upstream)
  if (analysis) await keep('overview.md', renderOverview(analysis), 'REPORT', 'text/markdown')
  const { title, about } = introduction(repository, work.workspace)
  await keep('index.md', renderIndex(title, about, pages, analysis !== undefined, coverage), 'REPORT', 'text/markdown')
  say(`wrote ${count(pages.length + (analysis ? 2 : 1), 'page')}`)

  const undocumented = modules.flatMap((module) =>
    module.exports
      .filter((entry) => !isDocumented(entry))
      .map(({ name, kind, line }) => ({ name, kind, file: module.file, line })),
  )
  const others = new Set(
    sources.filter((file) => !isJavaScript(file.path) && file.language !== 'Python').map((file) => file.language!),
  )
  const notes = [...repository.notes, ...fromTypeScript.notes, ...fromPython.notes]
  if (rendered.length > pages.length)
    notes.push(`Only the first ${pages.length} of ${rendered.length} folders have a page.`)
  if (others.size > 0) notes.push(`No pages are written for ${[...others].toSorted().join(', ')}.`)
  return {
    summary:
      coverage.exports === 0
        ? 'Nothing exported was found in TypeScript, JavaScript or Python, so there is only an index page.'
        : `${count(pages.length, 'page')} on ${count(coverage.exports, 'export')} of ${count(modules.length, 'module')}; ${coverage.percent} % documented.`,
    output: {
      format: 'documentation',
      pages: ['index.md', ...(analysis ? ['overview.md'] : []), ...pages.map((page) => page.name)],
      modules: modules.length,
      coverage,
      undocumented: undocumented.slice(0, LISTED),
      undocumentedCount: undocumented.length,
      notes: notes.slice(0, MAX_NOTES),
    },
    evidence: [
      { name: 'pages written', kind: 'ARTIFACT', passed: true, detail: { pages: pages.length + 1 } },
      { name: 'exports are documented', kind: 'COUNT', passed: undocumented.length === 0, detail: { ...coverage } },
    ],
  }
})

/** The project's name and what its README says first. */
function introduction(repository: Repository, workspace: string): { title: string; about: string } {
  const readme = repository.files.find((file) => /^readme\.(md|rst|txt)$/i.test(file.path))
  const text = readme ? (readText(repository.root, readme) ?? '') : ''
  const title = /^#\s+(.+)$/m.exec(text)?.[1]?.trim() ?? basename(workspace)
  const about = text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .find((paragraph) => /^[A-Za-z0-9*_`]/.test(paragraph) && !/^[=-]+$/m.test(paragraph))
  return { title, about: about?.slice(0, 1_000) ?? '' }
}
