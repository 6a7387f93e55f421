import { stem, words } from '../text.ts'

/** Verbs that leave their object as it was: `it` after one of them is that object, not a result. */
const LEAVES_ALONE: ReadonlySet<string> = new Set(
  `review check inspect test audit read examine lint verify validate view watch run deploy analyse benchmark open visit
  monitor measure profile assess study explore call attend buy purchase pay book execute evaluate document`
    .trim()
    .split(/\s+/)
    .map(stem),
)

const RESULT =
  /\b(?:based on (?:it|that|this|them|these|those|the)|(?:the|this|that|its|their|your|whose) (?:own )?(?:results?|outputs?|outcomes?|findings?|answers?)|resulting|accordingly|(?:results?|outputs?|findings?|outcomes?) (?:of|from)|aforementioned|the (?:above|former|latter|previous|prior|same))\b/i

const ALL_RESULTS =
  /\b(?:(?:the|these|those|all|all the|your|their|our) (?:results|outputs|outcomes|findings|answers)|all of (?:this|that|it|them|these|those)|what (?:was|you|we|they) (?:found|find|learned|learn))\b/i

const PRONOUN =
  /\b(?:(?:it|them)\b(?! (?:is|are|was|were|can|could|will|should|must|has|have|does|works?)\b)|(?:this|that|these|those)(?=\s*(?:$|[.,;:!?)]|(?:to|into|with|from|by|on|in|for|as|and|via|through|using)\b)))/iu

/** `the`, `this`, ... and the up to three words after it. */
const DEFINITE = /\b(?:the|this|that|these|those)\s+([\p{L}-]+)(?:\s+([\p{L}-]+))?(?:\s+([\p{L}-]+))?/giu
/** What a text brings into the world: `a summary`, `some charts`. */
const INDEFINITE = /\b(?:an?|some|new)\s+([\p{L}-]+)(?:\s+([\p{L}-]+))?(?:\s+([\p{L}-]+))?/giu

const stemsAfter = (pattern: RegExp, text: string): Set<string> =>
  new Set(
    [...text.matchAll(pattern)].flatMap((match) =>
      match
        .slice(1)
        .filter(Boolean)
        .map((word) => stem(word.toLowerCase())),
    ),
  )

/** The stem of the verb of an instruction: its first word. */
const verbOf = (text: string): string => stem(words(text.slice(0, 80))[0] ?? '')

/** Texts are compared by their beginning: a reference stands near the verb, and long texts stay cheap. */
const LOOKED_AT = 2_000

/** Whether an instruction speaks of the results of all that came before it: `write a report on the findings`. */
export function refersToAll(later: string): boolean {
  return ALL_RESULTS.test(later.slice(0, LOOKED_AT))
}

/**
 * Whether an instruction works on what an earlier one leaves behind: a pronoun or `the result` when that one stands
 * directly before it, else the earlier verb as a participle (`the translated text`) or a thing that the earlier one
 * brought into the world (`a summary` ... `the summary`).
 *
 * @param next whether nothing stands between the two
 */
export function refersTo(later: string, earlier: string, next: boolean): boolean {
  const text = later.slice(0, LOOKED_AT)
  const before = earlier.slice(0, LOOKED_AT)
  const verb = verbOf(before)
  const changes = !LEAVES_ALONE.has(verb)
  if (next && (RESULT.test(text) || (changes && PRONOUN.test(text)))) return true
  const named = stemsAfter(DEFINITE, text)
  if (changes && named.has(verb)) return true
  const made = stemsAfter(INDEFINITE, before)
  return changes && !named.isDisjointFrom(made)
}
