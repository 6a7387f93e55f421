import { FILLER } from './mask.ts'
import { ALSO, LATER, LINK, NEED, opening, type Opening, QUESTION, RULE, skip, SUBORDINATE } from './openers.ts'
import { baseOfGerund, beginsAction, isBaseForm } from './verbs.ts'

/** A stretch of the text that does one thing, or, when it is no action, says something about the others. */
export interface Clause {
  /** Offsets in the text, openers such as `and then please` left out. */
  from: number
  to: number
  action: boolean
  /** THEN: everything before it has to be done first. AND: nothing says so. */
  joiner: 'AND' | 'THEN'
  /** It stands behind another clause and still comes before it: `publish it after checking the licence`. */
  before?: true
  /** `after running the tests`: it may speak of a part that was named before, and then it is none of its own. */
  recalls?: true
  /** `first` was said, so that whatever the next sentence asks for comes later. */
  opensOrder?: true
  /** What has to be done first in the text's own words: `once the tests pass`. */
  condition?: string
}

interface Token {
  word: string
  from: number
  to: number
}

const TOKEN = new RegExp(`[\\p{L}\\p{N}\\p{M}_][\\p{L}\\p{N}\\p{M}_'’-]*|${FILLER}+|[,;:&–—?]|(?<=\\s)-(?=\\s)`, 'gu')

/** A sentence as its tokens, and what can be asked about an offset or a position in it. */
interface Sentence {
  masked: string
  from: number
  to: number
  tokens: readonly Token[]
  /** The position of the token that begins at an offset; the number of tokens if none does. */
  position: (offset: number) => number
  /** The word at a position, '' outside. */
  wordAt: (at: number) => string
}

function sentenceOf(masked: string, from: number, to: number): Sentence {
  const tokens = [...masked.slice(from, to).matchAll(TOKEN)].map((match) => ({
    word: match[0].toLowerCase(),
    from: from + match.index,
    to: from + match.index + match[0].length,
  }))
  const byOffset = new Map(tokens.map((token, at) => [token.from, at]))
  return {
    masked,
    from,
    to,
    tokens,
    position: (offset) => byOffset.get(offset) ?? tokens.length,
    wordAt: (at) => tokens[at]?.word ?? '',
  }
}

/** Whether an action begins at an offset: a verb, also a bare one that shares its object: `review and test the module`. */
function acts({ position, wordAt }: Sentence, offset: number): boolean {
  const at = position(offset)
  const coordinated = /^(?:,|and|&)$/.test(wordAt(at + 1)) && isBaseForm(wordAt(at + 2)) && wordAt(at + 3) !== ''
  return beginsAction(wordAt(at), wordAt(at + 1)) || (coordinated && isBaseForm(wordAt(at)))
}

/** Whether a gerund of a known verb stands at an offset. */
function gerundAt({ position, wordAt }: Sentence, offset: number): boolean {
  return baseOfGerund(wordAt(position(offset))) !== undefined
}

/** Whether a thing is wished for behind an offset: `I need a taxi`. */
function asksFor({ masked }: Sentence, offset: number): boolean {
  const at = skip(ALSO, masked, skip(LATER, masked, skip(LINK, masked, offset)))
  return skip(NEED, masked, at) > at
}

/** How a sentence begins: its main clause, and an action that a subordinate clause in front of it may be. */
interface Beginning {
  main: Clause
  /** `After testing it, …` */
  earlier?: Clause
  /** `Before shipping it, …` */
  afterwards?: Clause
}

function beginningOf(sentence: Sentence): Beginning {
  const { masked, from, tokens } = sentence
  const opened = opening(masked, from)
  const behind = skip(SUBORDINATE, masked, opened.at)
  const comma = behind > opened.at ? tokens.find((token) => token.word === ',' && token.from > behind) : undefined
  if (!comma) return { main: mainClause(sentence, opened) }

  const kind = masked.slice(opened.at, behind).trim().toLowerCase()
  const rest = opening(masked, comma.to)
  if (gerundAt(sentence, behind) && /^(?:after|before)$/.test(kind)) {
    const clause: Clause = { from: behind, to: comma.from, action: true, joiner: opened.later ? 'THEN' : 'AND' }
    const later = rest.later || kind === 'after'
    const main = mainClause(sentence, { ...rest, later, first: opened.first })
    return kind === 'before'
      ? { main, afterwards: { ...clause, joiner: 'THEN' } }
      : { main, earlier: { ...clause, recalls: true } }
  }
  const barrier = /^(?:after|once|as soon as)$/.test(kind)
  const main = mainClause(sentence, { ...rest, later: rest.later || opened.later || barrier, first: opened.first })
  if (kind !== 'during' && kind !== 'before') main.condition = masked.slice(behind, comma.from)
  return { main }
}

function mainClause(sentence: Sentence, opened: Opening): Clause {
  const { masked, from, to } = sentence
  const question = masked.slice(Math.max(from, to - 2), to).includes('?')
  const action =
    skip(RULE, masked, opened.at) === opened.at &&
    (acts(sentence, opened.at) ||
      gerundAt(sentence, opened.at) ||
      (question && skip(QUESTION, masked, opened.at) > opened.at) ||
      asksFor(sentence, from))
  return clauseAt(sentence, opened, action)
}

function clauseAt({ to }: Sentence, opened: Opening, action: boolean): Clause {
  const clause: Clause = { from: opened.at, to, action, joiner: opened.later ? 'THEN' : 'AND' }
  if (opened.first) clause.opensOrder = true
  return clause
}

const SEPARATOR = /^(?:[,;–—&-]|and|then|while|before|after|once|followed|meanwhile|but|plus|finally)$/

/** How far behind `once` the end of the condition is looked for, in tokens. */
const CONDITION_LENGTH = 40

/** A clause that is joined to the current one by `before`, `after` or `once`, or a condition put on the current one. */
function joined(sentence: Sentence, current: Clause, at: number, word: string, behind: number): Clause | undefined {
  const { masked, to, tokens, position } = sentence
  if (!current.action) return undefined
  if (gerundAt(sentence, behind)) {
    const clause: Clause = { from: behind, to, action: true, joiner: word === 'before' ? 'THEN' : 'AND' }
    return word === 'before' ? clause : { ...clause, before: true, recalls: true }
  }
  if (word !== 'before' && position(behind) < tokens.length) {
    const end = tokens.slice(at, at + CONDITION_LENGTH).find((later) => later.word === ',')?.from ?? to
    current.condition = masked.slice(behind, end)
  }
  return undefined
}

/** Whether what is opened behind the separator at a position is a clause of its own. */
function startsClause(sentence: Sentence, current: Clause, at: number, separator: Token, next: Opening): boolean {
  const { masked, position, wordAt } = sentence
  if (!next.later && skip(RULE, masked, next.at) > next.at) return false
  const strong = next.later || next.also || next.asked
  // `a script to install and run the app`
  const purpose = wordAt(at - 2) === 'to' && isBaseForm(wordAt(at - 1)) && position(current.from) < at - 1
  if (acts(sentence, next.at) && (strong || (current.action && !purpose))) return true
  if (gerundAt(sentence, next.at)) {
    return next.also || next.later || (current.action && gerundAt(sentence, current.from))
  }
  return (next.asked && asksFor(sentence, separator.from)) || (next.followedBy && current.action)
}

/**
 * The clauses of one sentence in the order of the text.
 *
 * @param masked the masked text, see `mask`
 * @param from where the sentence begins in it
 * @param to where it ends
 */
export function clausesOf(masked: string, from: number, to: number): Clause[] {
  const sentence = sentenceOf(masked, from, to)
  const { tokens, position } = sentence
  const { main, earlier, afterwards } = beginningOf(sentence)
  const clauses = earlier ? [earlier, main] : [main]
  let current = main
  let resume = position(main.from) + 1
  for (const [at, token] of tokens.entries()) {
    if (at < resume || !SEPARATOR.test(token.word)) continue
    const behind = /^(?:before|after|once)$/.test(token.word) ? skip(SUBORDINATE, masked, token.from) : token.from
    const next = opening(masked, token.from)
    const isJoined = behind > token.from && next.at === token.from
    const clause = isJoined
      ? joined(sentence, current, at, token.word, behind)
      : position(next.at) < tokens.length && startsClause(sentence, current, at, token, next)
        ? clauseAt(sentence, next, true)
        : undefined
    if (!clause) continue
    current.to = Math.min(current.to, token.from)
    resume = Math.max(at, position(clause.from)) + 1
    clauses.push(clause)
    if (!clause.before) current = clause
  }
  return afterwards ? [...clauses, afterwards] : clauses
}

/** The first clause of a sentence, for whoever needs no more of it. */
export function firstClause(masked: string, from: number, to: number): Clause {
  const { main, earlier } = beginningOf(sentenceOf(masked, from, to))
  return earlier ?? main
}
