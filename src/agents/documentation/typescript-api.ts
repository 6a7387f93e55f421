import { join } from 'node:path'
import { Node, Project, SyntaxKind, ts } from 'ts-morph'
import type { SourceFile } from 'ts-morph'
import type { RepositoryFile } from '../repository/files.ts'
import { readText, saysGenerated } from '../repository/files.ts'
import { lineIndex } from '../repository/lines.ts'
import type { ExportApi, ModuleApi } from './api.ts'
import { declarationsOf, expressionExport } from './typescript-declarations.ts'
import { moduleDoc } from './typescript-docs.ts'
import { exportedNames } from './typescript-exports.ts'
import type { Inference } from './typescript-signatures.ts'

/** Source beyond this many bytes is not documented in one run; it keeps memory below about 1 GB. */
const MAX_TOTAL_BYTES = 24_000_000
/** Milliseconds in all for types that the source does not write down; after that they are left out. */
const INFERENCE_MS = 15_000

/** Modules with their exports, and what could not be read and why. */
export interface TypeScriptApi {
  modules: ModuleApi[]
  notes: string[]
}

/**
 * Exports of TypeScript and JavaScript files with their signatures and docstrings. Works from the syntax; only a type
 * that is not written down is asked of the compiler, with the repository's own files and no packages. The repository's
 * tsconfig.json is not needed and not read, so a broken one does no harm.
 *
 * @param timeLeft milliseconds that may still be spent; what is not reached is named in the notes
 */
export function readTypeScriptApi(
  root: string,
  files: readonly RepositoryFile[],
  timeLeft: () => number,
): TypeScriptApi {
  const project = new Project({
    skipAddingFilesFromTsConfig: true,
    skipFileDependencyResolution: true,
    skipLoadingLibFiles: false,
    compilerOptions: {
      allowJs: true,
      noResolve: true,
      types: [],
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      allowImportingTsExtensions: true,
      strict: true,
      skipLibCheck: true,
      jsx: ts.JsxEmit.Preserve,
    },
  })
  const result: TypeScriptApi = { modules: [], notes: [] }
  const sources: { file: RepositoryFile; source: SourceFile }[] = []
  let bytes = 0
  for (const file of files) {
    const text = readText(root, file)
    if (text === undefined || saysGenerated(text)) continue
    bytes += file.bytes
    if (bytes > MAX_TOTAL_BYTES || timeLeft() === 0) {
      result.notes.push(
        `Only the first ${sources.length} of ${files.length} source files are documented (limit of size or time).`,
      )
      break
    }
    try {
      sources.push({ file, source: project.createSourceFile(join(root, file.path), text, { overwrite: true }) })
    } catch (error) {
      // The compiler's parser is recursive: code nested some thousand levels deep is beyond it.
      result.notes.push(`${file.path} could not be parsed: ${(error as Error).message}`)
    }
  }
  const inference = { until: performance.now() + Math.min(INFERENCE_MS, timeLeft() / 2), cut: false }
  for (const [index, { file, source }] of sources.entries()) {
    if (timeLeft() === 0) {
      result.notes.push(`Only the first ${index} of ${files.length} source files are documented (limit of time).`)
      break
    }
    try {
      const found = readModule(source, file, inference)
      if (found.exports.length > 0 || found.reexports.length > 0 || found.doc !== '') result.modules.push(found)
    } catch (error) {
      result.notes.push(`${file.path} could not be documented: ${(error as Error).message.split('\n')[0]}`)
    }
  }
  if (inference.cut)
    result.notes.push('Types that the source does not write down were left out of later pages (limit of time).')
  return result
}

function readModule(source: SourceFile, file: RepositoryFile, inference: Inference): ModuleApi {
  const statements = source.getStatements()
  const reading = { inference, lines: lineIndex(source.getFullText()) }
  const exports: ExportApi[] = []
  const { names, reexports } = exportedNames(statements)
  for (const statement of statements) {
    const isExported = Node.isModifierable(statement) && statement.hasModifier(SyntaxKind.ExportKeyword)
    for (const { name, describe } of declarationsOf(statement, reading)) {
      const others = name === undefined ? [] : (names.get(name) ?? [])
      if (!isExported && others.length === 0) continue
      const described = describe()
      for (const known of new Set([...(isExported ? [described.name] : []), ...others]))
        exports.push({ ...described, name: known })
    }
    const expression = expressionExport(statement, reading)
    if (expression) exports.push(expression)
  }
  return {
    file: file.path,
    language: file.language === 'JavaScript' ? 'JavaScript' : 'TypeScript',
    doc: moduleDoc(source),
    exports: exports.toSorted((a, b) => a.line - b.line),
    reexports,
  }
}
