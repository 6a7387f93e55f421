import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findCycles } from '../src/agents/repository/cycles.ts'
import { readImportGraph } from '../src/agents/repository/import-graph.ts'

const ROOT = join(import.meta.dirname, '..')

/** What stands on which floor, from the ground up. A file or folder of src that is not here has no place yet. */
const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  // One floor in the architecture; the contracts lie below the store, which may speak of them.
  ['body.ts', 'bus.ts', 'door.ts', 'engine.ts', 'ids.ts', 'runtime.ts', 'workspace.ts'],
  // What starts and ends programs, and what keeps paths inside of a folder, for all who need it above.
  ['store', 'processes', 'files'],
  // What connects to MCP servers, beside what knows nothing of it.
  ['coordinator', 'mcp'],
  ['graphql', 'a2a', 'mcpServer', 'engines', 'runtimes', 'buses', 'workspaces', 'agents'],
  ['main.ts', 'app.ts', 'config.ts', 'configFile.ts', 'registrations.ts', 'openRuntimes.ts', 'cli'],
]
const TOP = FLOORS.length - 1

/** The file or folder directly in src that a path belongs to. */
const partOf = (path: string): string => path.split('/')[1]!
const floorOf = (path: string): number => FLOORS.findIndex((floor) => floor.includes(partOf(path)))
const isFile = (part: string): boolean => part.endsWith('.ts')

/** The TypeScript in a folder, without what stands in some of the folders in it. */
const filesIn = (folder: string, without: readonly string[]): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !without.some((below) => path.startsWith(`${below}/`)))
    .map((path) => `${folder}/${path}`)
const files = filesIn('src', ['generated'])
const { edges, unresolved, unparsable } = readImportGraph(ROOT, files)

describe('the floors of the house', () => {
  it('are known for every file of src', () => {
    expect(files.filter((file) => floorOf(file) < 0)).toEqual([])
    expect(edges.length).toBeGreaterThan(files.length / 2)
    expect({ unresolved: unresolved.filter(({ specifier }) => !specifier.includes('generated/')), unparsable }).toEqual(
      { unresolved: [], unparsable: [] },
    )
  })

  it('are imported downwards or within one folder, types included', () => {
    const wrong = edges.filter(({ from, to }) => {
      const [above, below] = [floorOf(from), floorOf(to)]
      if (below < above || partOf(from) === partOf(to)) return false
      // Contracts lie side by side in src; the top floor is one room: it wires all others.
      const sameRoom = (isFile(partOf(from)) && isFile(partOf(to))) || above === TOP
      return below > above || !sameRoom
    })
    expect(wrong.map(({ from, line, to }) => `${from}:${line} imports ${to}`)).toEqual([])
  })

  it('leave the core to itself', () => {
    const core = files.filter((file) => partOf(file) === 'core')
    const imports = readImportGraph(ROOT, core).external.map(({ from, specifier }) => `${from} imports ${specifier}`)
    // A digest is arithmetic: no clock, no chance, nothing read or written. The other interprets schemas in the same way:
    // it generates no code, and fetches nothing.
    expect(imports).toEqual([
      'src/core/hash.ts imports node:crypto',
      'src/core/schema/checker.ts imports @cfworker/json-schema',
    ])
  })
})

describe('modules', () => {
  it('do not import each other in a circle, nor do tests', () => {
    // Fixtures hold circles to be found.
    const tests = readImportGraph(
      ROOT,
      filesIn('test', [
        'fixtures',
        'mutation/node_modules',
        'clients/node_modules',
        'coding-agents/node_modules',
        'coding-agents/node_modules',
      ]),
    ).edges
    expect(tests.length).toBeGreaterThan(0)
    const circles = findCycles([...edges, ...tests]).map(({ path }) =>
      path.map(({ from, line }) => `${from}:${line}`).join(' -> '),
    )
    expect(circles).toEqual([])
  })
})
