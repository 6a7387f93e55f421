import { isStopWord, words } from '../text.ts'
import { mask } from './mask.ts'

const LONGEST_TITLE = 80
const LONGEST_KEY = 40

const EDGE = /[\s,.;:!–—-]/

/** A text without the space and the punctuation around it; a loop, since a pattern could take time quadratic in it. */
export function trimmed(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && EDGE.test(text.charAt(from))) from++
  while (to > from && EDGE.test(text.charAt(to - 1))) to--
  return text.slice(from, to)
}

/** A text on one line, without Markdown's marks and without the punctuation around it. */
export function plain(text: string): string {
  return trimmed(text.replace(/[*_]{2,}|^[ \t]{0,3}#{1,6}[ \t]+/gm, '').replace(/\s+/g, ' '))
}

/** Where the core of an instruction ends and its particulars begin. */
const PARTICULARS = /[,;:(?!]\s|\s[–—-]\s|\.\s|\s(?:so that|because|which|including|in order to|such as)\s/i

/** At most so many characters, cut between words, an ellipsis in place of the rest. */
function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text
  const cut = text.slice(0, limit - 1)
  const space = cut.lastIndexOf(' ')
  return `${(space > limit / 2 ? cut.slice(0, space) : cut).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** The title of an instruction: the core of its first sentence, from a capital letter on, at most 80 characters. */
export function titleOf(text: string): string {
  const beginning = text.slice(0, 1_000)
  const end = mask(beginning).search(/[.!?]\s|[。！？]/)
  const line = plain(end < 0 ? beginning : beginning.slice(0, end))
  const at = line.length > LONGEST_TITLE ? mask(line).slice(12).search(PARTICULARS) : -1
  const core = at < 0 ? line : trimmed(line.slice(0, at + 12))
  return shorten(
    core.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase()),
    LONGEST_TITLE,
  )
}

/**
 * A short key from a title: its first words that mean something, in ASCII, joined with dashes; `part` if none can be
 * written so. A key in `taken` is not used again.
 */
export function keyOf(title: string, taken: ReadonlySet<string>): string {
  const ascii = words(title.normalize('NFKD').replace(/\p{M}/gu, '')).filter((word) => /^[a-z0-9]+$/.test(word))
  const telling = ascii.filter((word) => !isStopWord(word))
  let key = ''
  for (const word of (telling.length > 0 ? telling : ascii).slice(0, 4)) {
    if (key.length + word.length < LONGEST_KEY) key = key === '' ? word : `${key}-${word}`
  }
  const base = key || 'part'
  let free = base
  for (let count = 2; taken.has(free); count++) free = `${base}-${count}`
  return free
}
