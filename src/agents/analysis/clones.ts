import { byPath } from '../repository/paths.ts'

/** A clone has at least this many tokens. */
export const MIN_TOKENS = 60
/** A clone has at least this many lines. */
export const MIN_LINES = 8
/** Earlier places with the same beginning that are compared; more would be a table. */
const MAX_CANDIDATES = 8

/** A source as a sequence of tokens. Only files of one group are compared. */
export interface TokenFile {
  file: string
  group: string
  tokens: { value: string; line: number; endLine: number }[]
}

/** The same tokens in two places; lines are 1-based and inclusive. */
export interface Clone {
  lines: number
  tokens: number
  a: { file: string; start: number; end: number }
  b: { file: string; start: number; end: number }
}

/**
 * Sequences of tokens that stand in two places, longest first. Windows of {@link MIN_TOKENS} tokens are found by a
 * rolling hash (Karp and Rabin, "Efficient randomized pattern-matching algorithms", 1987), compared token by token,
 * and then followed as far as they agree. A place is reported as a copy once, of the longest one before it.
 */
export function findClones(files: readonly TokenFile[]): Clone[] {
  const clones: Clone[] = []
  for (const group of Map.groupBy(files, (file) => file.group).values()) clones.push(...clonesWithin(group))
  return clones.toSorted(
    (x, y) =>
      y.tokens - x.tokens ||
      byPath(x.a.file, y.a.file) ||
      x.a.start - y.a.start ||
      byPath(x.b.file, y.b.file) ||
      x.b.start - y.b.start,
  )
}

function clonesWithin(files: readonly TokenFile[]): Clone[] {
  const total = files.reduce((sum, file) => sum + file.tokens.length, 0)
  const words = new Map<string, number>()
  /** Each token as a number that stands for its text, all files in a row. */
  const text = new Int32Array(total)
  /** Index of the file's first token, and of the first after its last. */
  const bounds: { file: TokenFile; start: number; end: number }[] = []
  let position = 0
  for (const file of files) {
    bounds.push({ file, start: position, end: position + file.tokens.length })
    for (const { value } of file.tokens) {
      let word = words.get(value)
      if (word === undefined) words.set(value, (word = words.size + 1))
      text[position++] = word
    }
  }
  const boundOf = (at: number): (typeof bounds)[number] => {
    let [low, high] = [0, bounds.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (bounds[middle]!.start <= at) low = middle
      else high = middle - 1
    }
    return bounds[low]!
  }
  const seen = new Map<number, number[]>()
  const clones: Clone[] = []
  for (const bound of bounds) {
    const hashAt = rollingHash(text, bound.start, bound.end)
    for (let at = bound.start; at + MIN_TOKENS <= bound.end;) {
      const hash = hashAt(at)
      let best = { from: 0, length: 0 }
      for (const from of seen.get(hash) ?? []) {
        const there = boundOf(from)
        // Within one file the two places must not overlap.
        const limit = Math.min(bound.end - at, (there === bound ? at : there.end) - from)
        let length = 0
        while (length < limit && text[from + length] === text[at + length]) length++
        if (length > best.length) best = { from, length }
      }
      const clone =
        best.length < MIN_TOKENS ? undefined : toClone(boundOf(best.from), best.from, bound, at, best.length)
      if (clone && clone.lines >= MIN_LINES) {
        clones.push(clone)
        at += best.length
        continue
      }
      const places = seen.get(hash)
      if (!places) seen.set(hash, [at])
      else if (places.length < MAX_CANDIDATES) places.push(at)
      at++
    }
  }
  return clones
}

/** The hash of the window at a position; asked in rising order, each step costs one multiplication per token passed. */
function rollingHash(text: Int32Array, start: number, end: number): (at: number) => number {
  const BASE = 1_000_003
  let highest = 1
  for (let index = 1; index < MIN_TOKENS; index++) highest = Math.imul(highest, BASE)
  let hash = 0
  for (let index = start; index < Math.min(start + MIN_TOKENS, end); index++)
    hash = (Math.imul(hash, BASE) + text[index]!) | 0
  let current = start
  return (at) => {
    for (; current < at; current++) {
      hash = (hash - Math.imul(text[current]!, highest)) | 0
      hash = (Math.imul(hash, BASE) + text[current + MIN_TOKENS]!) | 0
    }
    return hash
  }
}

interface Bound {
  file: TokenFile
  start: number
}

function toClone(first: Bound, from: number, second: Bound, at: number, length: number): Clone {
  const place = ({ file, start }: Bound, index: number): Clone['a'] => ({
    file: file.file,
    start: file.tokens[index - start]!.line,
    end: file.tokens[index - start + length - 1]!.endLine,
  })
  const [a, b] = [place(first, from), place(second, at)]
  return { lines: Math.min(a.end - a.start, b.end - b.start) + 1, tokens: length, a, b }
}
