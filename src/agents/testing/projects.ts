import { join } from 'node:path'
import type { Repository } from '../repository/files.ts'
import { javaScriptSuites } from './javascript-suites.ts'
import { goSuites, makeSuites, pythonSuites, rustSuites } from './other-suites.ts'
import type { Suites } from './suite.ts'

/** A monorepo's projects beyond these are named, not run. */
export const MAX_PROJECTS = 12
/** Projects are looked for this many folders down: `packages/a` is 2. */
const MAX_DEPTH = 2

/** Places whose projects are material, not the repository's own. */
const MATERIAL = /(^|\/)(tests?|fixtures|testdata|__fixtures__|examples?|templates?|docs|demo|playground)(\/|$)/

const MARKERS = {
  javaScript: /(^|\/)package\.json$/,
  python:
    /(^|\/)(pyproject\.toml|setup\.py|setup\.cfg|pytest\.ini|tox\.ini|requirements[^/]*\.txt|conftest\.py|Pipfile)$/,
  go: /(^|\/)go\.mod$/,
  rust: /(^|\/)Cargo\.toml$/,
} as const
type Kind = keyof typeof MARKERS

/**
 * What tests a repository has and how to run them. A project at the root speaks for all of its kind below; without
 * one, the projects in folders below are run one after the other.
 *
 * @param reports folder for the frameworks' own reports, which become artifacts
 */
export async function findSuites(repository: Repository, reports: string): Promise<Suites> {
  const all: Suites = { suites: [], unrunnable: [] }
  for (const kind of Object.keys(MARKERS) as Kind[]) {
    const folders = foldersWith(repository, kind)
    for (const [index, folder] of folders.entries()) {
      if (folder !== '.' && index >= MAX_PROJECTS) {
        all.unrunnable.push({ framework: kind, folder, reason: `Only the first ${MAX_PROJECTS} projects are run.` })
        continue
      }
      const found = await suitesOf(kind, repository, folder, join(reports, `${index + 1}-${kind}-report`))
      all.suites.push(...found.suites)
      all.unrunnable.push(...found.unrunnable)
      if (folder === '.' && found.suites.length + found.unrunnable.length > 0) break
    }
  }
  if (all.suites.length === 0 && all.unrunnable.length === 0) all.suites.push(...makeSuites(repository).suites)
  return all
}

async function suitesOf(kind: Kind, repository: Repository, folder: string, reportBase: string): Promise<Suites> {
  switch (kind) {
    case 'javaScript':
      return javaScriptSuites(repository, folder, reportBase)
    case 'python':
      return pythonSuites(repository, folder, reportBase)
    case 'go':
      return goSuites(repository, folder)
    case 'rust':
      return rustSuites(repository, folder)
  }
}

/** Folders with a marker of this kind, the root first. Without any, loose test files make the root a project. */
function foldersWith(repository: Repository, kind: Kind): string[] {
  const folders = new Set<string>()
  for (const { path } of repository.files) {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.'
    if (!MARKERS[kind].test(path) || folder.split('/').length > MAX_DEPTH) continue
    if (!MATERIAL.test(folder)) folders.add(folder)
  }
  const sorted = [...folders].toSorted((a, b) => (a === '.' ? -1 : b === '.' ? 1 : a < b ? -1 : 1))
  // Scripts without a project file may have tests all the same.
  const loose =
    kind === 'python' && sorted.length === 0 && !repository.files.some(({ path }) => path === 'package.json')
  return loose ? ['.'] : sorted
}
