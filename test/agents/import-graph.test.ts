import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findCycles } from '../../src/agents/repository/cycles.ts'
import { readImportGraph, readImports } from '../../src/agents/repository/import-graph.ts'
import { readPythonGraph } from '../../src/agents/repository/python-imports.ts'
import { folderWith } from './run.ts'

describe('the imports of a module', () => {
  it('are found in every form, with their lines', () => {
    const source = `import a, { type B } from './a.ts'
import type { C } from './c.ts'
import { type D } from './d.ts'
export * from './e.ts'
export type { F } from './f.ts'
const g = require('./g')
const h = await import('./h.ts')
import i = require('./i')
type J = import('./j.ts').J
import './k.ts'
const l = await import(\`./\${g}\`)
// import './comment.ts'
const m = "import './text.ts'"
import type from './n.ts'
export { a }
`
    expect(
      readImports('x.ts', source).imports.map(({ specifier, line, kind }) => `${line} ${kind} ${specifier}`),
    ).toEqual([
      '1 import ./a.ts',
      '2 type ./c.ts',
      '3 type ./d.ts',
      '4 export ./e.ts',
      '5 type ./f.ts',
      '6 require ./g',
      '7 dynamic ./h.ts',
      '8 require ./i',
      '9 type ./j.ts',
      '10 import ./k.ts',
      '14 import ./n.ts',
    ])
  })
})

describe('the import graph', () => {
  it('resolves extensions, folders, path aliases, # imports and packages of the same repository', () => {
    const files = {
      'package.json': JSON.stringify({ name: 'root', imports: { '#inner': './src/inner.ts' } }),
      'tsconfig.json': JSON.stringify({ compilerOptions: { paths: { '@/*': ['./src/*'] } } }),
      'src/a.ts':
        "import './b'\nimport './c.js'\nimport './folder'\nimport '@/b'\nimport '#inner'\nimport '@scope/p'\nimport '@scope/p/deep'\nimport 'zod'\nimport './none'\n",
      'src/b.ts': '',
      'src/c.ts': '',
      'src/folder/index.ts': '',
      'src/inner.ts': '',
      'packages/p/package.json': JSON.stringify({ name: '@scope/p', main: 'dist/index.js' }),
      'packages/p/src/index.ts': '',
      'packages/p/src/deep.ts': '',
    }
    const root = folderWith(files)
    const graph = readImportGraph(root, Object.keys(files), ['package.json', 'packages/p/package.json'])
    expect(graph.edges.map(({ line, to }) => `${line} ${to}`)).toEqual([
      '1 src/b.ts',
      '2 src/c.ts',
      '3 src/folder/index.ts',
      '4 src/b.ts',
      '5 src/inner.ts',
      '6 packages/p/src/index.ts',
      '7 packages/p/src/deep.ts',
    ])
    expect(graph.external).toEqual([{ from: 'src/a.ts', line: 8, specifier: 'zod' }])
    expect(graph.unresolved).toEqual([{ from: 'src/a.ts', line: 9, specifier: './none' }])
  })

  it('resolves Python imports, relative ones too', () => {
    const files: Record<string, string> = {
      'src/app/__init__.py': '',
      'src/app/a.py':
        'import os\nimport app.b as b, sys\nfrom . import c\nfrom .sub import d, NAME\nfrom .. import nothing\n"""\nimport app.c\n"""\n',
      'src/app/b.py': '',
      'src/app/c.py': 'if TYPE_CHECKING:\n    from app import a\n\ndef f():\n    import app.b\n',
      'src/app/sub/__init__.py': '',
      'src/app/sub/d.py': 'from ..b import (\n    x,\n)\nfrom app.a \\\n  import y\n',
    }
    const edges = readPythonGraph(Object.keys(files), (path) => files[path])
    expect(edges.map(({ from, line, to, kind }) => `${from}:${line} ${kind} ${to}`)).toEqual([
      'src/app/a.py:2 import src/app/b.py',
      'src/app/a.py:3 import src/app/c.py',
      'src/app/a.py:4 import src/app/sub/d.py',
      'src/app/a.py:4 import src/app/sub/__init__.py',
      'src/app/c.py:2 type src/app/a.py',
      'src/app/c.py:5 dynamic src/app/b.py',
      'src/app/sub/d.py:1 import src/app/b.py',
    ])
  })
})

describe('dependency cycles', () => {
  const graphs = fc.array(
    fc.tuple(fc.nat(7), fc.nat(7), fc.constantFrom('import' as const, 'dynamic' as const, 'type' as const)),
    { maxLength: 24 },
  )
  const toEdges = (pairs: [number, number, 'import' | 'dynamic' | 'type'][]) =>
    pairs.map(([from, to, kind], index) => ({ from: `m${from}`, to: `m${to}`, line: index + 1, kind }))

  const MAY_CLOSE = { runtime: ['import'], deferred: ['import', 'dynamic'], types: ['import', 'dynamic', 'type'] }

  /** Whether a way leads from one module to the other: Warshall's closure, which knows nothing of components. */
  function reaches(edges: { from: string; to: string }[]): (from: string, to: string) => boolean {
    const closure = new Set(edges.map(({ from, to }) => `${from} ${to}`))
    const modules = Array.from({ length: 8 }, (_, index) => `m${index}`)
    for (const via of modules)
      for (const from of modules)
        for (const to of modules)
          if (closure.has(`${from} ${via}`) && closure.has(`${via} ${to}`)) closure.add(`${from} ${to}`)
    return (from, to) => closure.has(`${from} ${to}`)
  }

  it('are found exactly where a module reaches itself, each with a way around that is real', () => {
    fc.assert(
      fc.property(graphs, (pairs) => {
        const edges = toEdges(pairs)
        const cycles = findCycles(edges)
        const canReach = reaches(edges)
        const inCycles = new Set(cycles.flatMap(({ modules }) => modules))
        for (const module of inCycles) expect(canReach(module, module)).toBe(true)
        for (const { from } of edges) {
          if (!canReach(from, from) || inCycles.has(from)) continue
          // Only the wider knot around a cycle that is already reported is left out.
          expect(cycles.some(({ modules }) => canReach(from, modules[0]!) && canReach(modules[0]!, from))).toBe(true)
        }
        for (const { path, modules, kind } of cycles) {
          expect(path.length).toBeGreaterThan(0)
          for (const [index, step] of path.entries()) {
            expect(modules).toContain(step.from)
            expect(step.to).toBe(path[(index + 1) % path.length]!.from)
            const edge = edges[step.line - 1]!
            expect(edge).toMatchObject({ from: step.from, to: step.to })
            expect(MAY_CLOSE[kind]).toContain(edge.kind)
          }
        }
      }),
      { numRuns: 300, verbose: true },
    )
  })

  it('do not overflow the stack in a chain of 50,000 modules', () => {
    const edges = Array.from({ length: 50_000 }, (_, index) => ({
      from: `m${index}`,
      to: `m${(index + 1) % 50_000}`,
      line: 1,
      kind: 'import' as const,
    }))
    const [cycle] = findCycles(edges)
    expect(cycle?.modules.length).toBe(50_000)
  })
})
