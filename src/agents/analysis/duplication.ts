import { hash } from 'node:crypto'
import { Detector, MemoryStore } from '@jscpd/core'
import type { IClone, IMapFrame } from '@jscpd/core'
import { Tokenizer, getFormatByFile } from '@jscpd/tokenizer'
import { isCode } from '../repository/languages.ts'
import { byPath } from '../repository/paths.ts'
import { readText } from '../repository/files.ts'
import type { RepositoryFile } from '../repository/files.ts'

/** A clone is at least this long in both measures. */
const MIN_LINES = 8
const MIN_TOKENS = 60
/** Longer files (in bytes) are tables or generated. */
const MAX_FILE_BYTES = 200_000
/** Code beyond this many bytes in all is not compared. */
const MAX_TOTAL_BYTES = 8_000_000

export interface Clone {
  lines: number
  tokens: number
  a: { file: string; start: number; end: number }
  b: { file: string; start: number; end: number }
}

export interface Duplication {
  clones: Clone[]
  /** Lines that stand in more than one place, each counted once, and their share of all compared lines in percent. */
  duplicatedLines: number
  comparedLines: number
  percent: number
  comparedFiles: number
  /** Why some code was not compared. */
  notes: string[]
}

/**
 * Duplicated code by token sequences (Karp and Rabin, 1987), longest clones first. Stops at a limit of bytes or time
 * with a note.
 *
 * @param timeLeft milliseconds that may still be spent
 */
export async function findDuplication(
  root: string,
  files: readonly RepositoryFile[],
  timeLeft: () => number,
): Promise<Duplication> {
  const result: Duplication = {
    clones: [],
    duplicatedLines: 0,
    comparedLines: 0,
    percent: 0,
    comparedFiles: 0,
    notes: [],
  }
  const detector = new Detector(new Tokenizer(), new MemoryStore<IMapFrame>(), [], {
    minLines: MIN_LINES,
    minTokens: MIN_TOKENS,
    hashFunction: (value: string) => hash('md5', value, 'base64url'),
  })
  let bytes = 0
  const found: IClone[] = []
  for (const file of files) {
    const format = getFormatByFile(file.path)
    if (!isCode(file.language) || format === undefined || file.bytes > MAX_FILE_BYTES || file.bytes === 0) continue
    if (bytes + file.bytes > MAX_TOTAL_BYTES || timeLeft() === 0) {
      result.notes.push(
        `Duplication was looked for in the first ${result.comparedFiles} source files only (limit of size or time).`,
      )
      break
    }
    const text = readText(root, file)
    if (text === undefined) continue
    bytes += file.bytes
    try {
      found.push(...(await detector.detect(file.path, text, format)))
    } catch (error) {
      result.notes.push(`${file.path} could not be compared: ${(error as Error).message}`)
      continue
    }
    result.comparedFiles++
    result.comparedLines += text.split('\n').length
  }
  result.clones = found.map(toClone).toSorted(byLength)
  result.duplicatedLines = countOnce(result.clones)
  result.percent =
    result.comparedLines === 0 ? 0 : Math.round((result.duplicatedLines / result.comparedLines) * 1_000) / 10
  return result
}

function toClone({ duplicationA, duplicationB }: IClone): Clone {
  const place = (side: IClone['duplicationA']): Clone['a'] => ({
    file: side.sourceId,
    start: side.start.line,
    end: side.end.line,
  })
  const [a, b] = [place(duplicationA), place(duplicationB)].toSorted(
    (x, y) => byPath(x.file, y.file) || x.start - y.start,
  )
  return {
    lines: a!.end - a!.start + 1,
    tokens: duplicationA.end.position! - duplicationA.start.position!,
    a: a!,
    b: b!,
  }
}

function byLength(x: Clone, y: Clone): number {
  return y.lines - x.lines || byPath(x.a.file, y.a.file) || x.a.start - y.a.start || byPath(x.b.file, y.b.file)
}

/** Lines that are a copy of lines elsewhere: of each clone its second place. */
function countOnce(clones: readonly Clone[]): number {
  const copied = new Set<string>()
  for (const { b } of clones) for (let line = b.start; line <= b.end; line++) copied.add(`${b.file}:${line}`)
  return copied.size
}
