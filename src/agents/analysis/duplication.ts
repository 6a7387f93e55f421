import { getFormatByFile, tokenize } from '@jscpd/tokenizer'
import { isProgram } from '../repository/languages.ts'
import { readText, saysGenerated } from '../repository/files.ts'
import type { RepositoryFile } from '../repository/files.ts'
import { findClones } from './clones.ts'
import type { Clone, TokenFile } from './clones.ts'

/** Longer files (in bytes) are tables or generated. */
const MAX_FILE_BYTES = 200_000
/** Code beyond this many bytes in all is not compared; it keeps memory below about 1 GB. */
const MAX_TOTAL_BYTES = 12_000_000
/** Milliseconds that splitting into tokens may take in all. */
const MAX_MS = 30_000

export interface Duplication {
  clones: Clone[]
  /** Lines that repeat lines elsewhere, each counted once, and their share of all compared lines in percent. */
  duplicatedLines: number
  comparedLines: number
  percent: number
  comparedFiles: number
  /** Why some code was not compared. */
  notes: string[]
}

/**
 * Duplicated code in files of the same language, longest first; white space, comments and one-line imports do not
 * count. Stops at a limit of bytes or time with a note.
 *
 * @param timeLeft milliseconds that may still be spent
 */
export function findDuplication(root: string, files: readonly RepositoryFile[], timeLeft: () => number): Duplication {
  const notes: string[] = []
  const compared: TokenFile[] = []
  const until = performance.now() + Math.min(MAX_MS, timeLeft())
  let comparedLines = 0
  let bytes = 0
  for (const file of files) {
    const format = getFormatByFile(file.path)
    if (
      !isProgram(file.language) ||
      file.material ||
      format === undefined ||
      file.bytes > MAX_FILE_BYTES ||
      file.bytes === 0
    )
      continue
    if (bytes + file.bytes > MAX_TOTAL_BYTES || performance.now() > until) {
      notes.push(
        `Duplication was looked for in the first ${compared.length} source files only (limit of size or time).`,
      )
      break
    }
    const text = readText(root, file)
    if (text === undefined || saysGenerated(text)) continue
    bytes += file.bytes
    try {
      compared.push(readTokens(file, format, text))
      comparedLines += text.split('\n').length
    } catch (error) {
      notes.push(`${file.path} could not be compared: ${(error as Error).message}`)
    }
  }
  const clones = findClones(compared)
  const repeated = new Set(
    clones.flatMap(({ b }) => Array.from({ length: b.end - b.start + 1 }, (_, line) => `${b.file}:${b.start + line}`)),
  )
  return {
    clones,
    duplicatedLines: repeated.size,
    comparedLines,
    percent: comparedLines === 0 ? 0 : Math.round((repeated.size / comparedLines) * 1_000) / 10,
    comparedFiles: compared.length,
    notes,
  }
}

const IMPORT =
  /^\s*(import\b|export\b.*\bfrom\b|from\b.*\bimport\b|use\s|using\s|#include\b|package\s|const\b.*=\s*require\()/

function readTokens(file: RepositoryFile, format: string, text: string): TokenFile {
  const isImport = text.split('\n').map((line) => IMPORT.test(line))
  const tokens: TokenFile['tokens'] = []
  for (const { type, value, loc } of tokenize(text, format)) {
    const line = loc?.start.line
    if (line === undefined || /comment|empty|new_line|ignore/.test(type) || value.trim() === '' || isImport[line - 1])
      continue
    tokens.push({ value: value.trim(), line, endLine: loc!.end.line })
  }
  return { file: file.path, group: file.language!, tokens }
}
