import { type Clause, clausesOf, firstClause } from './clauses.ts'
import { type List, listIn, numbersIn } from './lists.ts'
import { mask } from './mask.ts'
import { meantBy, type Part, WINDOW } from './order.ts'
import { plain, trimmed } from './phrase.ts'
import { sentencesOf, type Span } from './sentences.ts'
import { baseOfGerund } from './verbs.ts'

/** What a text was understood to say. */
export interface Reading {
  parts: Part[]
  /** What is said about all parts: a leading frame, facts, rules. */
  context: string[]
  method: 'LIST' | 'STEPS' | 'CLAUSES'
  reasons: string[]
}

interface Prose {
  parts: Part[]
  context: string[]
  /** A word of order was read: `then`, `after`, `first`. */
  ordered: boolean
}

const RULE = /^(?:please )?(?:do not|don't|never|always|make sure|ensure|avoid|only|must|note|keep|remember)\b/i

/** `review` in `review and test the module` is given the object of the next one. */
function shareObjects(parts: readonly Part[]): void {
  parts.toReversed().reduce((next, part) => {
    const object = next.text.indexOf(' ')
    if (!/\s/.test(part.text) && object > 0) part.text += next.text.slice(object)
    return part
  })
}

/** `reviewing the code` -> `review the code` */
function imperative(text: string): string {
  const [gerund = ''] = text.match(/^\p{L}+ing(?=\s|$)/iu) ?? []
  const base = baseOfGerund(gerund.toLowerCase())
  return base === undefined ? text : base + text.slice(gerund.length)
}

/** @param earlier the parts of the sentences before */
function toParts(text: string, clauses: readonly Clause[], earlier: readonly Part[]): Part[] {
  const parts: Part[] = []
  let recalled: string | undefined
  for (const clause of clauses) {
    const part: Part = { text: imperative(trimmed(text.slice(clause.from, clause.to))), joiner: clause.joiner }
    if (part.text === '') continue
    const condition = clause.condition ?? recalled
    if (condition !== undefined) part.condition = condition
    recalled = undefined
    const last = parts.at(-1)
    if (clause.recalls && meantBy(part.text, earlier.slice(-WINDOW))) {
      if (clause.before && last) last.condition = part.text
      else recalled = part.text
    } else if (clause.before && last) {
      parts.splice(-1, 1, { ...part, joiner: last.joiner }, { ...last, joiner: 'AND', condition: part.text })
    } else parts.push(part)
  }
  if (parts.length > 1) shareObjects(parts)
  return parts
}

/** `Audit this repository: analyse …`: what stands before the colon holds for every part behind it. */
function frameOf(masked: string, { from, to }: Span): number {
  const colon = masked.slice(from, to).search(/:(?=\s)/)
  return colon > 0 && firstClause(masked, from + colon + 1, to).action ? from + colon : from
}

/** Reads the sentences of a span of the text. */
function readProse(text: string, masked: string, span: Span): Prose {
  const prose: Prose = { parts: [], context: [], ordered: false }
  let inOrder = false
  for (const sentence of sentencesOf(masked, span.from, span.to)) {
    const frame = frameOf(masked, sentence)
    if (frame > sentence.from) prose.context.push(plain(text.slice(sentence.from, frame)))
    const clauses = clausesOf(masked, frame > sentence.from ? frame + 1 : frame, sentence.to)
    const [first, ...others] = toParts(
      text,
      clauses.filter((clause) => clause.action),
      prose.parts,
    )
    const last = prose.parts.at(-1)
    if (first) {
      prose.parts.push(inOrder ? { ...first, joiner: 'THEN' } : first, ...others)
      const facts = clauses
        .filter((clause) => !clause.action)
        .map((clause) => plain(text.slice(clause.from, clause.to)))
      prose.context.push(...facts.filter((fact) => fact !== ''))
    } else {
      const remark = plain(text.slice(sentence.from, sentence.to))
      if (last && !RULE.test(remark)) last.text += `. ${remark}`
      else prose.context.push(remark)
    }
    inOrder ||= clauses.some((clause) => clause.opensOrder)
    prose.ordered ||= inOrder || clauses.some((clause) => clause.joiner === 'THEN' || clause.before)
  }
  return prose
}

const UNORDERED = /\b(?:any order|independent(?:ly)?|in parallel|simultaneously|concurrently|at the same time)\b/i

/** Reads a list; nothing if its items are no actions but the objects of one: `Write these pages:`. */
function readList(text: string, masked: string, list: List): Reading | undefined {
  const items = list.items.map((item, at) => {
    const { from, to } = sentencesOf(masked, item.from, item.to)[0] ?? item
    const numbers = numbersIn(text.slice(item.from, item.to)).map((number) => number - 1)
    return { ...item, clause: firstClause(masked, from, to), named: numbers.filter((other) => other !== at) }
  })
  const intro = readProse(text, masked, list.intro)
  const acting = items.filter((item) => item.clause.action).length
  if (acting * 2 < items.length && intro.parts.length > 0) return undefined

  const numbered = list.ordered && items.some((item) => item.named.length > 0)
  const chained = list.ordered && !numbered && !UNORDERED.test(text.slice(list.intro.from, list.intro.to))
  const parts = items.map(({ to, clause, named }): Part => {
    const joiner = chained || (!numbered && clause.joiner === 'THEN') ? 'THEN' : 'AND'
    return { text: text.slice(clause.from, to).trim(), joiner, ...(numbered && { named }) }
  })
  const outro = readProse(text, masked, list.outro)
  const frame = plain(text.slice(list.intro.from, list.intro.to))
  const how = numbered
    ? 'the items name those that they wait for'
    : chained
      ? 'its items are counted, so each waits for the one before it'
      : 'its items wait for one another only where their words say so'
  return {
    parts: [...parts, ...outro.parts],
    context: [...(frame === '' ? [] : [frame]), ...outro.context],
    method: 'LIST',
    reasons: [`The text is a list of ${items.length} items; ${how}.`],
  }
}

/** Understands a text: a list if it gives one, else its sentences and clauses. */
export function read(text: string): Reading {
  const masked = mask(text)
  const list = listIn(masked)
  const asList = list && readList(text, masked, list)
  if (asList) return asList
  const { parts, context, ordered } = readProse(text, masked, { from: 0, to: text.length })
  return {
    parts,
    context,
    method: ordered ? 'STEPS' : 'CLAUSES',
    reasons: [
      ordered
        ? 'Words such as "then" or "after" put some parts before others.'
        : 'The sentences and clauses of the text each ask for something; no word puts one before another.',
    ],
  }
}
