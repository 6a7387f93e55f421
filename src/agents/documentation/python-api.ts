import { readText } from '../repository/files.ts'
import type { RepositoryFile } from '../repository/files.ts'
import { askPython } from '../repository/python.ts'
import type { ExportApi, ModuleApi } from './api.ts'

/** Public functions, classes and constants of Python files: by Python's own parser, or by their layout without it. */
export async function readPythonApi(
  root: string,
  files: readonly RepositoryFile[],
  timeLeft: () => number,
): Promise<{ modules: ModuleApi[]; notes: string[] }> {
  if (files.length === 0) return { modules: [], notes: [] }
  const notes: string[] = []
  const answers = await askPython<{ file: string; error?: string; doc?: string; exports?: ExportApi[] }>(
    'python_api.py',
    root,
    files.map((file) => file.path),
    timeLeft,
  )
  if (answers === undefined) {
    notes.push('python3 is not installed here; Python pages were made from the layout of the source.')
    return { modules: files.flatMap((file) => readByLayout(root, file)), notes }
  }
  const modules: ModuleApi[] = []
  for (const { file, error, doc = '', exports = [] } of answers) {
    if (error !== undefined) notes.push(`${file} could not be documented: ${error}`)
    else if (doc !== '' || exports.length > 0) modules.push({ file, language: 'Python', doc, exports, reexports: [] })
  }
  return { modules, notes }
}

/** Top-level `def` and `class` with the docstring on the lines after. */
function readByLayout(root: string, file: RepositoryFile): ModuleApi[] {
  const text = readText(root, file)
  if (text === undefined) return []
  const exports: ExportApi[] = []
  for (const match of text.matchAll(
    /^((?:async )?def|class) ([A-Za-z]\w*)([^\n]*(?:\n[ \t)][^\n]*?)*?):[ \t]*(?:#[^\n]*)?\n/gm,
  )) {
    const rest = text.slice(match.index + match[0].length)
    const doc = /^\s*[rRuU]?("""|''')([\s\S]*?)\1/.exec(rest)?.[2] ?? ''
    exports.push({
      name: match[2]!,
      kind: match[1] === 'class' ? 'class' : 'function',
      signature: `${match[1]} ${match[2]}${match[3]}`.replace(/\s+/g, ' '),
      doc: doc.replace(/^[ \t]+/gm, '').trim(),
      tags: [],
      line: text.slice(0, match.index).split('\n').length,
      members: [],
    })
  }
  const doc = /^\s*(?:#[^\n]*\n\s*)*[rRuU]?("""|''')([\s\S]*?)\1/.exec(text)?.[2]?.trim() ?? ''
  return exports.length === 0 && doc === ''
    ? []
    : [{ file: file.path, language: 'Python', doc, exports, reexports: [] }]
}
