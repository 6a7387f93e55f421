import { byPath } from './paths.ts'
import type { ImportEdge, ImportKind } from './import-graph.ts'

/** Blanks comments and strings that span lines, so that prose is not read as code. Line numbers stay. */
function withoutProse(text: string): string[] {
  const blank = (match: string): string => match.replace(/[^\n]/g, ' ')
  return text
    .replace(/("""|''')[\s\S]*?\1/g, blank)
    .replace(/#.*/g, '')
    .split('\n')
}

/** One import as it stands: `from ..a import b` is {module: '..a', names: ['b']}. */
interface PythonImport {
  module: string
  names: string[]
  line: number
  kind: ImportKind
}

function readPythonImports(text: string): PythonImport[] {
  const found: PythonImport[] = []
  const lines = withoutProse(text)
  let typeCheckingIndent = -1
  for (let index = 0; index < lines.length; index++) {
    const code = lines[index]!
    if (code.trim() === '') continue
    const indent = code.length - code.trimStart().length
    if (indent <= typeCheckingIndent) typeCheckingIndent = -1
    if (/^\s*if\s+(typing\.)?TYPE_CHECKING\b/.test(code)) typeCheckingIndent = indent
    // An import inside a function waits for the call; `try:` and `if:` blocks at the top run at once, at depth one.
    const kind: ImportKind =
      typeCheckingIndent >= 0 ? 'type' : indent > 4 || insideFunction(lines, index, indent) ? 'dynamic' : 'import'
    const line = index + 1
    const whole = /^\s*import\s+(.+)$/.exec(code)
    if (whole) {
      for (const part of whole[1]!.split(',')) {
        const module = /^[\w.]+/.exec(part.trim())?.[0]
        if (module) found.push({ module, names: [], line, kind })
      }
      continue
    }
    const from = /^\s*from\s+(\.*[\w.]*)\s+import\s+(.*)$/.exec(code)
    if (!from?.[1]) continue
    let list = from[2]!
    while (list.includes('(') && !list.includes(')') && index + 1 < lines.length) list += ` ${lines[++index]}`
    while (list.trimEnd().endsWith('\\') && index + 1 < lines.length)
      list = `${list.trimEnd().slice(0, -1)} ${lines[++index]}`
    const names = list
      .replace(/[()]/g, ' ')
      .split(',')
      .map((part) => /^\w+/.exec(part.trim())?.[0] ?? '')
      .filter((name) => name !== '')
    found.push({ module: from[1], names, line, kind })
  }
  return found
}

/** Whether the nearest less indented line above begins a function. */
function insideFunction(lines: readonly string[], index: number, indent: number): boolean {
  if (indent === 0) return false
  for (let above = index - 1; above >= 0; above--) {
    const code = lines[above]!
    if (code.trim() !== '' && code.length - code.trimStart().length < indent) return /^\s*(async\s+)?def\b/.test(code)
  }
  return false
}

/**
 * Imports between Python modules of the repository: absolute ones from the root, `src`, and the folder that holds the
 * importing file's outermost package; relative ones from the file. What leads elsewhere is left out.
 *
 * @param files paths of .py files relative to the root
 * @param read the text of one of them, undefined if it cannot be read
 */
export function readPythonGraph(files: readonly string[], read: (path: string) => string | undefined): ImportEdge[] {
  const known = new Set(files)
  const edges: ImportEdge[] = []
  const find = (base: string, dotted: string): string | undefined => {
    const path = [base, ...dotted.split('.')].filter((part) => part !== '').join('/')
    return [`${path}.py`, `${path}/__init__.py`].find((candidate) => known.has(candidate))
  }
  const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '')
  for (const from of [...files].toSorted(byPath)) {
    const text = read(from)
    if (text === undefined) continue
    let outermost = folderOf(from)
    while (known.has(`${outermost}/__init__.py`)) outermost = folderOf(outermost)
    for (const { module, names, line, kind } of readPythonImports(text)) {
      const dots = /^\.*/.exec(module)![0].length
      const rest = module.slice(dots)
      let bases = [...new Set([outermost, folderOf(from), '', 'src'])]
      if (dots > 0) {
        let base = folderOf(from)
        for (let up = 1; up < dots; up++) base = folderOf(base)
        bases = [base]
      }
      const targets = new Set<string>()
      for (const base of bases) {
        const here = names.map((name) => find(base, rest === '' ? name : `${rest}.${name}`))
        for (const target of here) if (target !== undefined) targets.add(target)
        // `from package import module` needs the package only where a name is not a module of its own.
        const itself = here.length === 0 || here.includes(undefined) ? find(base, rest) : undefined
        if (itself !== undefined) targets.add(itself)
        if (targets.size > 0) break
      }
      const specifier = names.length > 0 ? `from ${module} import ${names.join(', ')}` : `import ${module}`
      for (const to of targets) if (to !== from) edges.push({ from, to, line, specifier, kind })
    }
  }
  return edges
}
