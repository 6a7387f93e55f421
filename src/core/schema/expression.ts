/** Characters that a regular expression of a schema may have. */
const MAX_LENGTH = 500
/** Kinds of characters such as `\d` and `[a-z]` that it may tell apart: to compare them takes a while. */
const MAX_KINDS = 10

/** Something that takes one character, or a group; how often it may stand. */
type Item = { min: number; max: number } & ({ atom: string } | { alternatives: Item[][] })

/** What may come first. `empty`: it may also take nothing. */
interface Opening {
  atoms: ReadonlySet<string>
  empty: boolean
}

const TOKEN =
  /\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[dD][89abAB][\da-fA-F]{2}\\u[\da-fA-F]{4}|\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\c.|\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?(?:<?[=!]|<[^>]*>|[^:]*:))?|[*+?]\??|\{\d+(?:,\d*)?\}\??|./gsu
const WITHOUT_WIDTH = new Set(['^', '$', '\\b', '\\B'])
const BEYOND_REGULAR = /^(?:\((?:\?<?[=!]|\?[^:<]+:)|\\[1-9k])/
/** Stands for the end of the text. */
const END = ''

/**
 * How the time that a regular expression takes grows with the length of a text: 1 linear, 2 quadratic. It is an upper
 * bound: one character ahead has to tell how to go on (Brueggemann-Klein and Wood, "One-unambiguous regular languages",
 * Information and Computation, 1998), else every way is tried; within a repetition that would be exponential.
 *
 * @returns why it is none, or might take much longer
 */
export function growth(pattern: string): { degree: number } | { problem: string } {
  if (pattern.length > MAX_LENGTH) return { problem: `is longer than ${MAX_LENGTH} characters` }
  if (!isExpression(pattern)) return { problem: 'is no regular expression' }
  const tokens = pattern.match(TOKEN) ?? []
  const beyond = tokens.find((token) => BEYOND_REGULAR.test(token))
  if (beyond !== undefined) return { problem: `uses "${beyond}", whose time cannot be foreseen` }
  const kinds = new Set(tokens.filter((token) => /^(?:\[|\.|\\[^bB])/.test(token)))
  if (kinds.size > MAX_KINDS) return { problem: `has more than ${MAX_KINDS} kinds of characters` }
  const alternatives = parse(tokens)
  const whole: Item = { min: 1, max: 1, alternatives }
  const choices = choicesOf(whole, new Set([END]), false, memo(rangesOf))
  // Elsewhere it is begun with anew at every character.
  const anchored = startsOf(tokens).every((token) => token === '^')
  const degree = 1 + choices + (anchored || longestOf(whole) <= MAX_LENGTH ? 0 : 1)
  if (degree <= 2) return { degree }
  return { problem: 'could take very long: begin it with ^, and let what repeats differ from what follows it' }
}

function isExpression(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').unicode
  } catch {
    return false
  }
}

/** The first token of each alternative on the top level. */
function startsOf(tokens: readonly string[]): (string | undefined)[] {
  const starts = [tokens[0]]
  let depth = 0
  tokens.forEach((token, at) => {
    if (token.startsWith('(')) depth++
    else if (token === ')') depth--
    else if (token === '|' && depth === 0) starts.push(tokens[at + 1])
  })
  return starts
}

/** The alternatives of a valid expression. */
function parse(tokens: readonly string[]): Item[][] {
  const stack: Item[][][] = [[[]]]
  for (const token of tokens) {
    const alternatives = stack.at(-1) as Item[][]
    const sequence = alternatives.at(-1) as Item[]
    if (token.startsWith('(')) {
      stack.push([[]])
    } else if (token === ')') {
      stack.pop()
      stack.at(-1)?.at(-1)?.push({ min: 1, max: 1, alternatives })
    } else if (token === '|') {
      alternatives.push([])
    } else if (/^(?:[*+?]|\{\d)/.test(token)) {
      Object.assign(sequence.at(-1) as Item, boundsOf(token))
    } else if (!WITHOUT_WIDTH.has(token)) {
      sequence.push({ min: 1, max: 1, atom: token })
    }
  }
  return stack[0] as Item[][]
}

function boundsOf(quantifier: string): { min: number; max: number } {
  if (quantifier.startsWith('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
  if (quantifier.startsWith('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
  if (quantifier.startsWith('?')) return { min: 0, max: 1 }
  const [min = '', max = min] = quantifier.replace(/[{}?]/g, '').split(',')
  return { min: Number(min), max: max === '' ? Number.POSITIVE_INFINITY : Number(max) }
}

/** Characters that it takes at most. */
function longestOf(item: Item): number {
  if ('atom' in item) return item.max
  const lengths = item.alternatives.map((sequence) => sequence.reduce((sum, inner) => sum + longestOf(inner), 0))
  return item.max * Math.max(...lengths)
}

function openingOf(item: Item): Opening {
  if ('atom' in item) return { atoms: new Set([item.atom]), empty: item.min === 0 }
  const openings = item.alternatives.map(openingOfSequence)
  return {
    atoms: openings.reduce<ReadonlySet<string>>((all, { atoms }) => all.union(atoms), new Set()),
    empty: item.min === 0 || openings.some(({ empty }) => empty),
  }
}

function openingOfSequence(sequence: readonly Item[]): Opening {
  let atoms: ReadonlySet<string> = new Set()
  for (const item of sequence) {
    const opening = openingOf(item)
    atoms = atoms.union(opening.atoms)
    if (!opening.empty) return { atoms, empty: false }
  }
  return { atoms, empty: true }
}

/** How many places there are at which the next character does not tell how to go on; infinite within a repetition. */
function choicesOf(item: Item, next: ReadonlySet<string>, repeated: boolean, ranges: Ranges): number {
  const { atoms } = openingOf(item)
  const weight = repeated ? Number.POSITIVE_INFINITY : 1
  const leaving = item.min !== item.max && clash(atoms, next, ranges) ? weight : 0
  if ('atom' in item) return leaving
  const repeats = item.max > 1
  const inside = repeated || repeats
  const follow = repeats ? atoms.union(next) : next
  const openings = item.alternatives.map((sequence) => {
    const { atoms, empty } = openingOfSequence(sequence)
    return empty ? atoms.union(follow) : atoms
  })
  const unclear = openings.some((one, at) => openings.slice(0, at).some((other) => clash(one, other, ranges)))
  const choosing = unclear ? (inside ? Number.POSITIVE_INFINITY : 1) : 0
  return item.alternatives.reduce((sum, sequence) => {
    let after = follow
    return sequence.toReversed().reduce((total, inner) => {
      const choices = choicesOf(inner, after, inside, ranges)
      const { atoms, empty } = openingOf(inner)
      after = empty ? atoms.union(after) : atoms
      return total + choices
    }, sum)
  }, leaving + choosing)
}

type Ranges = (atom: string) => readonly (readonly [from: number, to: number])[]

/** Whether some character is taken by one of these and one of those. */
function clash(these: ReadonlySet<string>, those: ReadonlySet<string>, ranges: Ranges): boolean {
  const overlap = (one: string, other: string): boolean =>
    ranges(other).some(([start, end]) => ranges(one).some(([from, to]) => from <= end && start <= to))
  return [...these].some((one) => those.has(one) || [...those].some((other) => overlap(one, other)))
}

/** Every character that there is, in order. */
const everything = memo(() => {
  const blocks = Array.from({ length: 0x1100 }, (_, block) =>
    block >= 0xd8 && block < 0xe0
      ? ''
      : String.fromCodePoint(...Array.from({ length: 0x100 }, (_, low) => block * 0x100 + low)),
  )
  return blocks.join('')
})

/** The characters that an atom takes, as code points from and to. */
function rangesOf(atom: string): [from: number, to: number][] {
  if (atom === END) return []
  return atom.length > 2 ? scan(atom) : common(atom)
}

/** There are only so many short ones. */
const common = memo(scan)

function scan(atom: string): [from: number, to: number][] {
  const first = atom.codePointAt(0) as number
  if (atom === String.fromCodePoint(first) && atom !== '.') return [[first, first]]
  const runs = everything('').matchAll(new RegExp(`${atom}+`, 'gu'))
  return Array.from(runs, ([run]) => [run.codePointAt(0) as number, lastOf(run)])
}

function lastOf(run: string): number {
  const last = run.charCodeAt(run.length - 1)
  const isHalf = last >= 0xdc00 && last < 0xe000
  return isHalf ? (run.codePointAt(run.length - 2) as number) : last
}

function memo<V>(f: (key: string) => V): (key: string) => V {
  const known = new Map<string, V>()
  return (key) => {
    if (!known.has(key)) known.set(key, f(key))
    return known.get(key) as V
  }
}
