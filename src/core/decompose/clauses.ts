import { FILLER } from './mask.ts'
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

const LINK = /[\s,;*_#–—-]*(?:(?:and|but|plus|&)\s+(?:to\s+)?)?/iy
const LATER =
  /(?:then|next|finally|lastly|last|afterwards?|thereafter|subsequently|later(?: on)?|after (?:that|this|which|it|completion)|(?:when|once) (?:(?:that|it|this|all of (?:that|it|this)|everything)(?:'s| is| has been)? )?(?:done|finished|completed?|ready)|followed by|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|fifth(?:ly)?|in the end|at the end|eventually|as (?:a|the) (?:last|final|next) step)(?=[\s,:])[\s,:]*/iy
const ALSO =
  /(?:also|additionally|in addition|furthermore|moreover|besides|meanwhile|simultaneously|at the same time|concurrently|in parallel|as well as|plus|while|along with|together with)(?=[\s,:])[\s,:]*/iy
const FIRST = /(?:first(?: of all)?|firstly|to (?:start|begin)(?: with)?|initially|step one)(?=[\s,:])[\s,:]*/iy
const LEAD =
  /(?:please|kindly|just|also|now|there,? |lets?|let's|let us|go ahead and|be sure to|remember to|try to|do not forget to|don't forget to|help(?: me| us)?(?: to| with)?|assist (?:me|us) (?:in|with|to)|(?:also |then )?(?:want|need|would like|would love|wish) to|(?:i|we) (?:also |then |just |really |first )?(?:want|need|have|wish|hope|plan|intend|would (?:also |then )?(?:like|love)|prefer|must|am going|are going|am trying|am looking|are looking|should)(?: you)?(?: also| then| first)?(?: to)?(?: also| first)?|(?:i|we)['’](?:d (?:also |then )?(?:like|love)|ll (?:also )?need)(?: you)?(?: to)?|(?:i|we)['’]m (?:trying|looking|going) to|(?:it is|it's) necessary to|you (?:should|must|need to|have to)|(?:can|could|would|will) (?:you|we|i)(?: please| also| kindly| help me(?: to| with)?)*)(?=[\s,])[\s,]*/iy
const SUBORDINATE = /(?:only )?(?:after|before|once|when|whenever|as soon as|if|while|during)(?=\s)\s*/iy
const QUESTION = /(?:what|who|whom|whose|which|when|where|why|how|is|are|was|were|does|do|did|has|have)\b/iy
const NEED =
  /(?:i|we)(?: also)? (?:want|need|require|wish for|would like|would love)\s|(?:i|we)['’]d(?: also)? (?:like|love)\s/iy
/** What follows is a rule for the work, not work. */
const RULE = /(?:make sure|ensure|keep in mind|note that|do not|don't|never|avoid|only|remember that|must)\b/iy

/** The end of a match at exactly that place, or the place itself. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

/** Skips as often as it matches. */
function skipAll(pattern: RegExp, text: string, at: number): number {
  let end = at
  for (let next = skip(pattern, text, end); next > end; next = skip(pattern, text, end)) end = next
  return end
}

interface Opening {
  at: number
  later: boolean
  also: boolean
  first: boolean
  followedBy: boolean
  /** Someone is asked: `please`, `I want you to`, `can you`. */
  asked: boolean
}

/** What leads into a clause: `, and then also please I would like you to`. */
function opening(masked: string, from: number): Opening {
  const found: Opening = {
    at: skip(LINK, masked, from),
    later: false,
    also: false,
    first: false,
    followedBy: false,
    asked: false,
  }
  for (let moved = true; moved;) {
    const then = skip(LATER, masked, found.at)
    const also = skip(ALSO, masked, then)
    const first = skip(FIRST, masked, also)
    found.later ||= then > found.at
    found.followedBy ||= /followed/i.test(masked.slice(found.at, then))
    found.also ||= also > then
    found.first ||= first > also
    moved = first > found.at
    found.at = skip(LINK, masked, first)
  }
  for (let moved = true; moved;) {
    const lead = skipAll(LEAD, masked, found.at)
    const first = skip(FIRST, masked, lead)
    found.asked ||= lead > found.at
    found.first ||= first > lead
    moved = first > lead
    found.at = first
  }
  return found
}

/** The tokens of one sentence. */
function tokenise(masked: string, from: number, to: number): Token[] {
  return [...masked.slice(from, to).matchAll(TOKEN)].map((match) => ({
    word: match[0].toLowerCase(),
    from: from + match.index,
    to: from + match.index + match[0].length,
  }))
}

/** Where a token of a sentence stands, by its offset. */
function positions(tokens: readonly Token[]): (at: number) => number {
  const byOffset = new Map(tokens.map((token, at) => [token.from, at]))
  return (at) => byOffset.get(at) ?? tokens.length
}

const SEPARATOR = /^(?:[,;–—&-]|and|then|while|before|after|once|followed|meanwhile|but|plus|finally)$/

/**
 * The clauses of one sentence in the order of the text.
 *
 * @param masked the masked text, see {@link mask}
 * @param from where the sentence begins in it
 * @param to where it ends
 */
export function clausesOf(masked: string, from: number, to: number): Clause[] {
  const tokens = tokenise(masked, from, to)
  const position = positions(tokens)
  const wordAt = (at: number): string => tokens[at]?.word ?? ''
  const acts = (offset: number): boolean => {
    const at = position(offset)
    return beginsAction(wordAt(at), wordAt(at + 1)) || (isBaseForm(wordAt(at)) && coordinated(at + 1))
  }
  /** `review and test the module`: a bare verb that shares the object of the next one. */
  const coordinated = (at: number): boolean =>
    /^(?:,|and|&)$/.test(wordAt(at)) && isBaseForm(wordAt(at + 1)) && wordAt(at + 2) !== ''
  const gerundAt = (offset: number): boolean => baseOfGerund(wordAt(position(offset))) !== undefined

  /** `I need a taxi` */
  const asksFor = (offset: number): boolean => {
    const at = skip(ALSO, masked, skip(LATER, masked, skip(LINK, masked, offset)))
    return skip(NEED, masked, at) > at
  }

  const clauses: Clause[] = []
  const begin = (opened: Opening, action: boolean, joiner: Clause['joiner']): Clause => {
    const clause: Clause = { from: opened.at, to, action, joiner }
    if (opened.first) clause.opensOrder = true
    clauses.push(clause)
    return clause
  }

  // The beginning of the sentence, with a subordinate clause that may stand before the main one.
  let opened = opening(masked, from)
  let condition: string | undefined
  let pending: Clause | undefined
  const main = skip(SUBORDINATE, masked, opened.at)
  if (main > opened.at) {
    const comma = tokens.find((token) => token.word === ',' && token.from > main)
    if (comma) {
      const kind = masked.slice(opened.at, main).trim().toLowerCase()
      const rest = opening(masked, comma.to)
      if (gerundAt(main) && /^(?:after|before|while)$/.test(kind)) {
        const clause: Clause = { from: main, to: comma.from, action: true, joiner: opened.later ? 'THEN' : 'AND' }
        if (kind === 'before') pending = { ...clause, joiner: 'THEN' }
        else clauses.push(kind === 'after' ? { ...clause, recalls: true } : clause)
        opened = { ...rest, later: rest.later || kind === 'after', first: opened.first }
      } else {
        if (kind !== 'during' && kind !== 'before') condition = masked.slice(main, comma.from)
        const barrier = /^(?:after|once|as soon as)$/.test(kind)
        opened = { ...rest, later: rest.later || opened.later || barrier, first: opened.first }
      }
    }
  }
  const question = masked.slice(Math.max(from, to - 2), to).includes('?')
  const isRule = skip(RULE, masked, opened.at) > opened.at
  const action =
    !isRule &&
    (acts(opened.at) ||
      gerundAt(opened.at) ||
      (question && skip(QUESTION, masked, opened.at) > opened.at) ||
      asksFor(from))
  let current = begin(opened, action, opened.later ? 'THEN' : 'AND')
  if (condition !== undefined) current.condition = condition

  for (let at = position(opened.at) + 1; at < tokens.length; at++) {
    const token = tokens[at]!
    if (!SEPARATOR.test(token.word)) continue
    const close = (next: number): void => {
      current.to = Math.min(current.to, token.from)
      at = Math.max(at, position(next))
    }
    const word = token.word
    const link = /^(?:before|after|once)$/.test(word) ? skip(SUBORDINATE, masked, token.from) : token.from
    if (link > token.from && opening(masked, token.from).at === token.from) {
      // `deploy it after running the tests`, `check the licence before publishing`, `deploy once the tests pass`
      if (!current.action) continue
      if (gerundAt(link)) {
        close(link)
        const behind = begin({ ...opened, at: link, first: false }, true, word === 'before' ? 'THEN' : 'AND')
        if (word !== 'before') Object.assign(behind, { before: true, recalls: true })
        else current = behind
      } else if (word !== 'before' && position(link) < tokens.length) {
        const end = tokens.slice(at, at + 40).find((later) => later.word === ',')?.from ?? to
        current.condition = masked.slice(link, end)
      }
      continue
    }
    const next = opening(masked, token.from)
    const strong = next.later || next.also || next.asked
    if (position(next.at) >= tokens.length) continue
    if (skip(RULE, masked, next.at) > next.at) {
      if (!next.later) continue
    }
    const bare = wordAt(at - 2) === 'to' && isBaseForm(wordAt(at - 1)) && tokens[at - 1]!.from > current.from
    const starts =
      (acts(next.at) && (current.action || strong) && !(bare && !strong)) ||
      (gerundAt(next.at) && (next.also || next.later || (current.action && gerundAt(current.from)))) ||
      (next.asked && asksFor(token.from)) ||
      (next.followedBy && current.action)
    if (!starts) continue
    close(next.at)
    current = begin(next, true, next.later ? 'THEN' : 'AND')
  }
  if (pending) clauses.push(pending)
  return clauses
}
