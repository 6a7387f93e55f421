import { beginsAction } from './verbs.ts'

/** A stretch of the text by its offsets. */
export interface Span {
  from: number
  to: number
}

/** Where one sentence ends: a mark followed by space, a mark that needs none, or a line break that is not mere wrapping. */
const END = /[.!?;](?=["'”’)]?\s)["'”’)]?|[。！？；]|\n/gu

/** The line before goes on after the break. */
function wraps(masked: string, at: number): boolean {
  const next = masked.slice(at, at + 80).match(/^\n[ \t]*([^\s]+)[ \t]*(\S*)/)
  if (!next) return false
  const [, word, after] = next as unknown as [string, string, string]
  return /^[\p{Ll}\d(]/u.test(word) && !beginsAction(word, after)
}

/** The sentences of a masked text (see `mask`), without the space around them. */
export function sentencesOf(masked: string, from = 0, to = masked.length): Span[] {
  const spans: Span[] = []
  let start = from
  const push = (end: number): void => {
    const text = masked.slice(start, end)
    const trimmed = text.trim()
    const at = start + text.indexOf(trimmed)
    if (/[^\s\p{P}\p{S}]/u.test(trimmed)) spans.push({ from: at, to: at + trimmed.length })
    start = end
  }
  for (const { 0: mark, index } of masked.slice(from, to).matchAll(END)) {
    const end = from + index + mark.length
    if (mark !== '\n' || !wraps(masked, from + index)) push(end)
  }
  push(to)
  return spans
}
