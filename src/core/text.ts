/** Words that say nothing of what a text is about: articles, pronouns, auxiliaries and the phrases of a polite request. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a an the of to in on for and or with by at from as is are be been being was were am it its itself this that these those
  i me my mine you your yours we our ours us he him his she her they them their theirs who whom whose which what when where
  why how do does did done has have had having not no nor any some all each every both such than then so if else but into
  about over under out up off again further here there can could would will shall should may might must let lets please
  want wants wanted need needs needed like likes wish help tell give show know make get got also just very too only own
  same using use used via per more most other another s t d ll m re ve hi hello hey thanks thank something anything
  someone anyone one ones able provide looking assist`.split(/\s+/),
)

/** Short or loose forms that people use for another word; both must match. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['doc', 'document'],
  ['docs', 'document'],
  ['repo', 'repository'],
  ['repos', 'repository'],
  ['codebase', 'repository'],
  ['config', 'configuration'],
  ['db', 'database'],
  ['deps', 'dependency'],
  ['app', 'application'],
  ['apps', 'application'],
  ['photo', 'image'],
  ['photos', 'image'],
  ['picture', 'image'],
  ['pictures', 'image'],
  ['info', 'information'],
])

/** Endings of English words and what remains of them; the first one that fits is taken off. */
const ENDINGS: readonly (readonly [ending: string, remains: string])[] = [
  ['ization', ''],
  ['isation', ''],
  ['ification', 'if'],
  ['ation', ''],
  ['ition', 'it'],
  ['ction', 'ct'],
  ['yment', 'y'],
  ['gement', 'ge'],
  ['shment', 'sh'],
  ['vement', 've'],
  ['tment', 't'],
  ['ness', ''],
  ['ically', ''],
  ['ator', ''],
  ['ating', ''],
  ['ated', ''],
  ['ate', ''],
  ['ity', 'it'],
  ['izing', ''],
  ['ising', ''],
  ['ized', ''],
  ['ised', ''],
  ['ize', ''],
  ['ise', ''],
  ['ysis', 'ys'],
  ['yzing', 'ys'],
  ['yzed', 'ys'],
  ['yzer', 'ys'],
  ['yze', 'ys'],
  ['ency', 'enc'],
  ['ance', 'anc'],
  ['ing', ''],
  ['ier', 'i'],
  ['ied', 'i'],
  ['er', ''],
  ['edly', ''],
  ['ed', ''],
  ['ally', ''],
  ['able', ''],
  ['ly', ''],
]

/** Anything shorter no longer tells one word from another. */
const SHORTEST_STEM = 3

/**
 * The words of a text in lower case: runs of letters and digits of any script; `camelCase` and `kebab-case` fall apart,
 * accents stay.
 */
export function words(text: string): string[] {
  const spaced = text
    .normalize('NFC')
    .replace(/([\p{Ll}\d])(?=\p{Lu})/gu, '$1 ')
    .toLowerCase()
  return spaced.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
}

/** Whether a lower-case word carries no meaning of its own. */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word)
}

function singular(word: string): string {
  if (/(?:ss|us|is)$/.test(word) || !word.endsWith('s')) return word
  if (/(?:[^aeiou]ies|yses)$/.test(word)) return word.replace(/(?:ies|es)$/, (end) => (end === 'ies' ? 'y' : 'is'))
  return word.replace(/(?:(?<=[sx]|[cs]h)es|s)$/, '')
}

/**
 * The stem of a lower-case word, so that `analyse`, `analyzing` and `analysis` agree. Light, and for English only: the
 * plural and one ending are taken off, then a doubled consonant and a final e, y or i. Other words come back as they are.
 */
export function stem(word: string): string {
  const one = singular(ALIASES.get(word) ?? word)
  if (one.length <= SHORTEST_STEM) return one
  const fit = ENDINGS.find(
    ([ending, remains]) => one.endsWith(ending) && one.length - ending.length + remains.length >= SHORTEST_STEM,
  )
  const root = fit ? one.slice(0, one.length - fit[0].length) + fit[1] : one
  const single = root.replace(/([bdfgkmnprt])\1$/, '$1')
  return single.length > SHORTEST_STEM ? single.replace(/[eyi]$/, '') : single
}

/** What a text is about: the stems of its words in order, without stop words. */
export function stems(text: string): string[] {
  const found: string[] = []
  for (const word of words(text)) if (!STOP_WORDS.has(word)) found.push(stem(word))
  return found
}

/** Words joined with dashes: `Run the tests` becomes `run-the-tests`; how two capabilities are compared letter by letter. */
export function kebab(text: string): string {
  return words(text).join('-')
}

function count(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
  return counts
}

/**
 * Scores documents for a query: Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) with
 * k1 = 1.2, an idf that is never negative, and b = 0.5, since what agents say of themselves differs little in length.
 *
 * @param termsOf the terms of a document, see {@link stems}
 * @returns a function from the terms of a query to all documents in their order, with a score of 0 where no term is shared
 */
export function bm25<Document>(
  documents: readonly Document[],
  termsOf: (document: Document) => readonly string[],
): (query: readonly string[]) => { document: Document; score: number }[] {
  const k1 = 1.2
  const b = 0.5
  const read = documents.map((document) => ({ document, terms: termsOf(document) }))
  const mean = read.reduce((sum, { terms }) => sum + terms.length, 0) / read.length || 1
  const counted = read.map(({ document, terms }) => ({
    document,
    counts: count(terms),
    norm: k1 * (1 - b + (b * terms.length) / mean),
  }))
  const spread = count(counted.flatMap(({ counts }) => [...counts.keys()]))
  return (query) => {
    const idfs = [...new Set(query)].map((term): [string, number] => {
      const holding = spread.get(term) ?? 0
      return [term, Math.log(1 + (documents.length - holding + 0.5) / (holding + 0.5))]
    })
    return counted.map(({ document, counts, norm }) => {
      const score = idfs.reduce((sum, [term, idf]) => {
        const times = counts.get(term) ?? 0
        return sum + (idf * times * (k1 + 1)) / (times + norm)
      }, 0)
      return { document, score }
    })
  }
}

function trigrams(text: string): Set<string> {
  const padded = ` ${words(text).join(' ')} `
  const found = new Set<string>()
  for (let at = 0; at + 3 <= padded.length; at++) found.add(padded.slice(at, at + 3))
  return found
}

function dice(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  return a.size + b.size === 0 ? 0 : (2 * a.intersection(b).size) / (a.size + b.size)
}

/**
 * How alike two short texts are, 0 to 1: the mean of the Dice coefficients of their stems and of their letter trigrams,
 * so that word order and endings matter little and a slip of the pen does not lose everything.
 */
export function likeness(a: string, b: string): number {
  return (dice(new Set(stems(a)), new Set(stems(b))) + dice(trigrams(a), trigrams(b))) / 2
}
