import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { ResolverFactory } from 'oxc-resolver'
import { isJavaScript } from './languages.ts'
import { lineIndex } from './lines.ts'
import { byPath } from './paths.ts'
import { MAX_TREE, parseSource, visitNodes } from './source.ts'

/**
 * How a module names another one: `import` and `export … from` run first; `type` vanishes before anything runs;
 * `require` and `dynamic` run when they are reached.
 */
export type ImportKind = 'import' | 'export' | 'type' | 'require' | 'dynamic'

export interface ImportEdge {
  /** Paths relative to the root, with `/`. */
  from: string
  to: string
  /** 1-based line of the import in `from`. */
  line: number
  /** As it is written. */
  specifier: string
  kind: ImportKind
}

export interface ImportGraph {
  /** Every module that was read, in order of paths. */
  modules: string[]
  /** Between modules of the graph, in order of `from` and line. */
  edges: ImportEdge[]
  /** Imports of packages and of what the runtime has built in. */
  external: { from: string; line: number; specifier: string }[]
  /** Relative imports (or ones by an alias) that lead nowhere. */
  unresolved: { from: string; line: number; specifier: string }[]
  /** Files with a syntax error: their imports are as far known as the parser got. */
  unparsable: { file: string; line: number; message: string }[]
}

/** One import as it stands in a file. */
export interface ImportStatement {
  specifier: string
  line: number
  kind: ImportKind
}

const EXTENSIONS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json', '.d.ts']

/**
 * The imports of one JavaScript or TypeScript source in order of lines: static, `export … from`, dynamic with a plain
 * string, `require`, `import x = require()` and types by `import('…')`.
 */
export function readImports(
  path: string,
  text: string,
): { imports: ImportStatement[]; error?: { line: number; message: string } } {
  const parsed = parseSource(path, text)
  const lines = lineIndex(text)
  const imports: ImportStatement[] = []
  for (const found of parsed.module.staticImports) {
    const typeOnly =
      /^import\s+type\b(?!\s*(from\b|,))/.test(text.slice(found.start, found.end)) ||
      (found.entries.length > 0 && found.entries.every((entry) => entry.isType))
    imports.push({
      specifier: found.moduleRequest.value,
      line: lines.at(found.start),
      kind: typeOnly ? 'type' : 'import',
    })
  }
  const importedAt = new Set(parsed.module.staticImports.map(({ start }) => start))
  for (const found of parsed.module.staticExports) {
    const from = found.entries.find((entry) => entry.moduleRequest)?.moduleRequest
    // `export { a }` of something imported stands for its import statement, which is counted already.
    if (!from || importedAt.has(found.start)) continue
    const typeOnly = found.entries.every((entry) => entry.isType)
    imports.push({ specifier: from.value, line: lines.at(found.start), kind: typeOnly ? 'type' : 'export' })
  }
  // Only these need the syntax tree, which costs far more than the module record.
  if (text.length <= MAX_TREE && /\brequire\s*\(|\bimport\s*\(/.test(text)) {
    visitNodes(parsed.program, (node) => {
      const found = importWithin(node)
      if (found) imports.push({ ...found, line: lines.at(node.start) })
    })
  }
  const first = parsed.errors[0]
  return {
    imports: imports.toSorted((a, b) => a.line - b.line || byPath(a.specifier, b.specifier)),
    ...(first && { error: { line: lines.at(first.labels[0]?.start ?? 0), message: first.message } }),
  }
}

function importWithin(node: { type: string; [key: string]: unknown }): Omit<ImportStatement, 'line'> | undefined {
  const text = (value: unknown): string | undefined => {
    const literal = value as { type?: string; value?: unknown } | null | undefined
    return literal?.type === 'Literal' && typeof literal.value === 'string' ? literal.value : undefined
  }
  let specifier: string | undefined
  if (node.type === 'ImportExpression') {
    specifier = text(node.source)
    return specifier === undefined ? undefined : { specifier, kind: 'dynamic' }
  }
  if (node.type === 'CallExpression') {
    const callee = node.callee as { type: string; name?: string }
    if (callee.type !== 'Identifier' || callee.name !== 'require') return undefined
    specifier = text((node.arguments as unknown[])[0])
    return specifier === undefined ? undefined : { specifier, kind: 'require' }
  }
  if (node.type === 'TSExternalModuleReference') {
    specifier = text(node.expression)
    return specifier === undefined ? undefined : { specifier, kind: 'require' }
  }
  if (node.type === 'TSImportType') {
    specifier = text(node.source ?? node.argument)
    return specifier === undefined ? undefined : { specifier, kind: 'type' }
  }
  return undefined
}

/**
 * The graph of imports between JavaScript and TypeScript modules: path aliases (the nearest tsconfig.json), `.ts`
 * written as `.js` or as it is, folders with an index file, `#imports`, and packages of the same repository by name.
 *
 * @param root absolute path of the repository
 * @param files paths relative to it, with `/`; others than JavaScript and TypeScript are passed over
 * @param manifests paths of package.json files relative to the root: packages of the repository itself
 * @param timeLeft milliseconds that may still be spent; modules beyond it are left without their imports
 */
export function readImportGraph(
  root: string,
  files: readonly string[],
  manifests: readonly string[] = [],
  timeLeft: () => number = () => Infinity,
): ImportGraph {
  const modules = files.filter(isJavaScript).toSorted(byPath)
  const known = new Set(modules)
  const graph: ImportGraph = { modules, edges: [], external: [], unresolved: [], unparsable: [] }
  const findModule = moduleFinder(root, manifests)
  for (const from of modules) {
    if (timeLeft() === 0) break
    let text: string
    try {
      text = readFileSync(join(root, from), 'utf8')
    } catch {
      continue
    }
    // Not a text, whatever its name says.
    if (text.includes('\0')) continue
    const { imports, error } = readImports(from, text)
    if (error) graph.unparsable.push({ file: from, ...error })
    for (const { specifier, line, kind } of imports) {
      const to = findModule(from, specifier)
      if (to !== undefined && known.has(to)) graph.edges.push({ from, to, line, specifier, kind })
      else if (to === undefined && /^(\.|\/)/.test(specifier)) graph.unresolved.push({ from, line, specifier })
      else if (to === undefined || to.startsWith('..') || to.includes('node_modules/'))
        graph.external.push({ from, line, specifier })
    }
  }
  return graph
}

/** Finds what a specifier leads to, as a path relative to the root, or undefined. */
function moduleFinder(
  root: string,
  manifests: readonly string[],
): (from: string, specifier: string) => string | undefined {
  const options = {
    extensions: EXTENSIONS,
    // TypeScript lets `./a.js` mean `./a.ts`.
    extensionAlias: {
      '.js': ['.ts', '.tsx', '.js', '.jsx', '.d.ts'],
      '.jsx': ['.tsx', '.jsx'],
      '.mjs': ['.mts', '.mjs'],
      '.cjs': ['.cts', '.cjs'],
    },
    conditionNames: ['source', 'development', 'import', 'require', 'node', 'default', 'types'],
    mainFields: ['source', 'module', 'main', 'types'],
  }
  const withAliases = new ResolverFactory({ ...options, tsconfig: 'auto' })
  // A broken tsconfig.json must not hide plain relative imports.
  const plain = new ResolverFactory(options)
  const packages = ownPackages(root, manifests)
  const inside = (path: string): string => relative(root, path).split(sep).join('/')
  return (from, specifier) => {
    const file = join(root, from)
    const found = withAliases.resolveFileSync(file, specifier).path ?? plain.sync(dirname(file), specifier).path
    if (found !== undefined) return inside(found)
    const [, name = '', rest = ''] = /^((?:@[^/]+\/)?[^/]+)\/?(.*)$/.exec(specifier) ?? []
    const folder = packages.get(name)
    if (folder === undefined) return undefined
    for (const attempt of rest === '' ? ['.', './src', './index'] : [`./${rest}`, `./src/${rest}`]) {
      const own = plain.sync(resolve(root, folder), attempt).path
      if (own !== undefined) return inside(own)
    }
    return undefined
  }
}

function ownPackages(root: string, manifests: readonly string[]): Map<string, string> {
  const packages = new Map<string, string>()
  for (const manifest of manifests) {
    try {
      const { name } = JSON.parse(readFileSync(join(root, manifest), 'utf8')) as { name?: unknown }
      if (typeof name === 'string') packages.set(name, dirname(manifest))
    } catch {
      // A broken manifest names no package.
    }
  }
  return packages
}
