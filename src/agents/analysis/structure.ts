import { readFunctions } from '../repository/functions.ts'
import type { FunctionSize } from '../repository/functions.ts'
import { isCode } from '../repository/languages.ts'
import { countLines } from '../repository/lines.ts'
import { byPath } from '../repository/paths.ts'
import { readText, saysGenerated } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'

export interface Structure {
  files: number
  /** Lines of text files, empty ones and comments included. */
  lines: number
  bytes: number
  testFiles: number
  testLines: number
  languages: { language: string; files: number; lines: number }[]
  /** First-level folders; files at the root are `.`. */
  folders: { folder: string; files: number; lines: number }[]
  largestFiles: { file: string; lines: number }[]
  longestFunctions: FunctionSize[]
}

const LISTED = 15

/** Sizes by language and folder, and what is largest. Also the lines of every file that people maintain. */
export function readStructure(
  repository: Repository,
  timeLeft: () => number,
): {
  structure: Structure
  lines: Map<string, number>
  functions: number
} {
  const lines = new Map<string, number>()
  const functions: FunctionSize[] = []
  const code: { file: string; lines: number }[] = []
  const languages = new Map<string, { language: string; files: number; lines: number }>()
  const folders = new Map<string, { folder: string; files: number; lines: number }>()
  const structure = { files: repository.files.length, lines: 0, bytes: 0, testFiles: 0, testLines: 0 }
  for (const file of repository.files) {
    if (timeLeft() === 0) break
    structure.bytes += file.bytes
    const text = readText(repository.root, file)
    const count = text === undefined ? 0 : countLines(text)
    structure.lines += count
    if (file.test) {
      structure.testFiles++
      structure.testLines += count
    }
    const language = file.language ?? 'other'
    add(languages, language, { language, files: 0, lines: 0 }, count)
    const folder = file.path.includes('/') ? file.path.slice(0, file.path.indexOf('/')) : '.'
    add(folders, folder, { folder, files: 0, lines: 0 }, count)
    if (text === undefined || !isCode(file.language) || file.material || saysGenerated(text)) continue
    lines.set(file.path, count)
    code.push({ file: file.path, lines: count })
    functions.push(...readFunctions(file.path, file.language, text))
  }
  const bySize = (a: { lines: number }, b: { lines: number }): number => b.lines - a.lines
  return {
    lines,
    functions: functions.length,
    structure: {
      ...structure,
      languages: [...languages.values()].toSorted((a, b) => bySize(a, b) || byPath(a.language, b.language)),
      folders: [...folders.values()].toSorted((a, b) => bySize(a, b) || byPath(a.folder, b.folder)).slice(0, 30),
      largestFiles: code.toSorted((a, b) => bySize(a, b) || byPath(a.file, b.file)).slice(0, LISTED),
      longestFunctions: functions
        .toSorted((a, b) => bySize(a, b) || byPath(a.file, b.file) || a.line - b.line)
        .slice(0, LISTED),
    },
  }
}

function add<T extends { files: number; lines: number }>(
  into: Map<string, T>,
  key: string,
  empty: T,
  lines: number,
): void {
  const entry = into.get(key) ?? empty
  entry.files++
  entry.lines += lines
  into.set(key, entry)
}
