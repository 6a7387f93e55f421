/** Stands for a character that must not be read as structure; a private-use code point, so no real text contains it. */
export const FILLER = '\uE000'

/** Code, addresses, quotations and asides: what stands in there is content, not an instruction. Every run is bounded. */
const PROTECTED = new RegExp(
  [
    '```[\\s\\S]*?(?:```|$)',
    '`[^`\\n]{1,300}`',
    'https?://[^\\s<>"\']{1,2000}',
    '(?<![\\w.+-])[\\w.+-]{1,64}@[\\w.-]{1,255}',
    '"[^"\\n]{1,600}"',
    '“[^”\\n]{1,600}”',
    '„[^“”\\n]{1,600}[“”]',
    '«[^»\\n]{1,600}»',
    '‘[^’\\n]{1,600}’(?![\\p{L}\\p{N}])',
    "(?<![\\p{L}\\p{N}])'(?:[^'\\n]|(?<=\\p{L})'(?=\\p{L})){1,600}'(?![\\p{L}\\p{N}])",
    // Not `(a)` or `(12)`, which count the items of a list.
    '\\([^()\\n]{3,300}\\)',
  ].join('|'),
  'gu',
)

/** A full stop, comma or colon inside a number, a file name or a time of day, and the full stop of an abbreviation. */
const HARMLESS =
  /(?<=[\p{L}\p{N}_])[.,:](?=[\p{L}\p{N}_])|(?<=\b(?:e\.g|i\.e|etc|vs|dr|mr|mrs|ms|prof|approx|cf|fig))\.(?=[\s,])|(?<=\bno)\.(?=\s?\d)/giu

/** `7 a.m. tomorrow` goes on, `7 a.m. Then` does not. */
const TIME_OF_DAY = /(?<=\b[ap].?m)\.(?=,|\s+\p{Ll})/gu

/**
 * The text with everything that must not be split replaced by {@link FILLER}, character for character, so that an
 * offset in the masked text is an offset in the text.
 */
export function mask(text: string): string {
  return text
    .replace(PROTECTED, (content) => FILLER.repeat(content.length))
    .replace(HARMLESS, (mark) => FILLER.repeat(mark.length))
    .replace(TIME_OF_DAY, FILLER)
}
