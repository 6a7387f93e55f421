import type { Span } from './sentences.ts'

/** A list found in a text. */
export interface List {
  items: Span[]
  /** Numbers or letters stand before the items, or `Step 1:`; a bullet list is not ordered. */
  ordered: boolean
  /** What stands before the first item, and after the last one. */
  intro: Span
  outro: Span
}

const LINE =
  /^([ \t]{0,40})(?:[-*•+‣▪–]|(?:#{1,6}[ \t]{1,4})?\*{0,2}(?:\(?(\d{1,3})(?:[.):]|\uFE0F?\u20E3)|(?:step|task|phase|part)\s+(\d{1,3})\s*[:.)–-]|\(?([a-z])\)))\*{0,2}[ \t]{1,40}(?:\[[ xX]\][ \t]{1,4})?(?=\S)/gim

const INLINE = /(?<=^|[\s:;,.])(?:\(?(\d{1,2})[.)]|step\s+(\d{1,2})\s*[:.)–-]|\(([a-h])\))\s+(?=\S)/gi

const ordinal = (match: RegExpMatchArray): number => {
  const label = match.slice(1).findLast((group) => group?.trim()) ?? ''
  return /^\d+$/.test(label) ? Number(label) : label.toLowerCase().charCodeAt(0) - 96
}

/** Items on lines of their own: bullets, numbers, letters or `Step 1:`; deeper ones belong to the item above them. */
function lineList(masked: string): List | undefined {
  const found = [...masked.matchAll(LINE)].map((match) => ({ match, indent: match[0].search(/[^ \t]/) }))
  const margin = Math.min(...found.map(({ indent }) => indent))
  const top = found.filter(({ indent }) => indent === margin).map(({ match }) => match)
  const first = top.at(0)
  const last = top.at(-1)
  if (!first || !last || first === last) return undefined
  // After the last item, a line at the margin behind an empty one no longer belongs to it.
  const after = masked.slice(last.index).search(/\n[ \t]{0,40}\n(?=\S)/)
  const end = after < 0 ? masked.length : last.index + after
  return {
    items: top.map((match, at) => ({ from: match.index + match[0].length, to: top[at + 1]?.index ?? end })),
    ordered: top.filter((match) => Number.isInteger(ordinal(match))).length > top.length / 2,
    intro: { from: 0, to: first.index },
    outro: { from: end, to: masked.length },
  }
}

/** Items within a line: `1) fetch the data 2) plot it`; the numbers must count up from one. */
function inlineList(masked: string): List | undefined {
  const counted: RegExpExecArray[] = []
  for (const match of masked.matchAll(INLINE)) if (ordinal(match) === counted.length + 1) counted.push(match)
  const [first, second] = counted
  if (!first || !second) return undefined
  return {
    items: counted.map((match, at) => ({
      from: match.index + match[0].length,
      to: counted[at + 1]?.index ?? masked.length,
    })),
    ordered: true,
    intro: { from: 0, to: first.index },
    outro: { from: masked.length, to: masked.length },
  }
}

/** The list that a masked text (see `mask`) gives, if it gives one of at least two items. */
export function listIn(masked: string): List | undefined {
  return lineList(masked) ?? inlineList(masked)
}

const BY_NUMBER =
  /\b(?:(?:after|depends? on|requires?|once|needs)\s+(?:steps?\s+|tasks?\s+|items?\s+|parts?\s+|#)?|(?:steps?|tasks?|items?|parts?)\s+#?)(\d{1,3}(?:\s*(?:,|and|&|-|–|to)\s*\d{1,3})*)\b(?!\s*(?:%|\p{L}))/giu

/** The items that a text names by their number (`after steps 1 and 2`, `depends on 1-3`), counted from one. */
export function numbersIn(text: string): number[] {
  const named = new Set<number>()
  for (const [mention] of text.matchAll(BY_NUMBER)) {
    for (const { 1: first, 2: last } of mention.matchAll(/(\d{1,3})(?:\s*(?:-|–|to)\s*(\d{1,3}))?/g)) {
      for (let at = Number(first); at <= Number(last ?? first); at++) named.add(at)
    }
  }
  return [...named]
}
