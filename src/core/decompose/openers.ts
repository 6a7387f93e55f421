/** The words that lead into a clause. Every pattern is tried at one place only, so none runs over the text. */

export const LINK = /[\s,;*_#–—-]*(?:(?:and|but|plus|&)\s+(?:to\s+)?)?/iy
export const LATER =
  /(?:then|next|finally|lastly|last|afterwards?|thereafter|subsequently|later(?: on)?|after (?:that|this|which|it|completion)|(?:when|once) (?:(?:that|it|this|all of (?:that|it|this)|everything)(?:'s| is| has been)? )?(?:done|finished|completed?|ready)|followed by|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|fifth(?:ly)?|in the end|at the end|eventually|as (?:a|the) (?:last|final|next) step)(?=[\s,:])[\s,:]*/iy
export const ALSO =
  /(?:also|additionally|in addition|furthermore|moreover|besides|meanwhile|simultaneously|at the same time|concurrently|in parallel|as well as|plus|while|along with|together with)(?=[\s,:])[\s,:]*/iy
const FIRST = /(?:first(?: of all)?|firstly|to (?:start|begin)(?: with)?|initially|step one)(?=[\s,:])[\s,:]*/iy
const LEAD =
  /(?:please|kindly|just|also|now|there,? |lets?|let's|let us|go ahead and|be sure to|remember to|try to|do not forget to|don't forget to|help(?: me| us)?(?: to| with)?|assist (?:me|us) (?:in|with|to)|(?:also |then )?(?:want|need|would like|would love|wish) to|(?:i|we) (?:also |then |just |really |first )?(?:want|need|have|wish|hope|plan|intend|would (?:also |then )?(?:like|love)|prefer|must|am going|are going|am trying|am looking|are looking|should)(?: you)?(?: also| then| first)?(?: to)?(?: also| first)?|(?:i|we)['’](?:d (?:also |then )?(?:like|love)|ll (?:also )?need)(?: you)?(?: to)?|(?:i|we)['’]m (?:trying|looking|going) to|(?:it is|it's) necessary to|you (?:should|must|need to|have to)|(?:can|could|would|will) (?:you|we|i)(?: please| also| kindly| help me(?: to| with)?)*)(?=[\s,])[\s,]*/iy
export const SUBORDINATE = /(?:only )?(?:after|before|once|when|whenever|as soon as|if|during)(?=\s)\s*/iy
export const QUESTION = /(?:what|who|whom|whose|which|when|where|why|how|is|are|was|were|does|do|did|has|have)\b/iy
export const NEED =
  /(?:i|we)(?: also)? (?:want|need|require|wish for|would like|would love)\s|(?:i|we)['’]d(?: also)? (?:like|love)\s/iy
/** What follows is a rule for the work, not work. */
export const RULE = /(?:make sure|ensure|keep in mind|note that|do not|don't|never|avoid|only|remember that|must)\b/iy

/** The end of a match at exactly that place, or the place itself. */
export function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

/** Skips as often as it matches. */
function skipAll(pattern: RegExp, text: string, at: number): number {
  let end = at
  for (let next = skip(pattern, text, end); next > end; next = skip(pattern, text, end)) end = next
  return end
}

export interface Opening {
  at: number
  later: boolean
  also: boolean
  first: boolean
  followedBy: boolean
  /** Someone is asked: `please`, `I want you to`, `can you`. */
  asked: boolean
}

/** What leads into a clause: `, and then also please I would like you to`. */
export function opening(masked: string, from: number): Opening {
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
