/** Room for the words that say how much was left out. */
const MARK = 40

/**
 * A text as far as there is room for it: its beginning, and how much more there was.
 *
 * @param most characters, as JavaScript counts them, more than 40
 */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  // Not in the middle of a character that takes two of them.
  const kept = text.slice(0, most - MARK).replace(/[\uD800-\uDBFF]$/, '')
  return `${kept} … (${text.length - kept.length} more characters)`
}

/** The same of a list, each of them cut too. */
export function cutEach(texts: readonly string[], mostTexts: number, most: number): string[] {
  const kept = texts.slice(0, mostTexts).map((text) => cut(text, most))
  return texts.length > mostTexts ? [...kept, `… (${texts.length - mostTexts} more)`] : kept
}
