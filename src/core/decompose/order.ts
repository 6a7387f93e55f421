import { refersTo, refersToAll } from './reference.ts'
import { likeness } from '../text.ts'

/** One action of a text, in the order in which it has to be thought of. */
export interface Part {
  /** Its own words. */
  text: string
  /** THEN: everything before it comes first. */
  joiner: 'AND' | 'THEN'
  /** What has to be done first, in words: it may mean one of the earlier parts. */
  condition?: string
  /** Positions of the parts that it names by their number. */
  named?: readonly number[]
}

/** A condition means a part that shares this much of its words. */
const SAME_THING = 0.3

/** A condition is looked for in so many parts before it, and in so many characters of each. */
export const WINDOW = 50
const LOOKED_AT = 200

/**
 * Each part with the earlier ones that it depends on. `then` is a barrier: what follows it waits for everything of the
 * group before it. Within a group only those wait that work on an earlier result.
 */
export function ordered<Some extends Part>(parts: readonly Some[]): { part: Some; dependsOn: Some[] }[] {
  let before: Some[] = []
  let group: Some[] = []
  return parts.map((part, at) => {
    const earlier = parts.slice(0, at)
    const recent = earlier.slice(-WINDOW)
    const named = earlier.filter((_, other) => part.named?.includes(other))
    const meant = part.condition === undefined ? undefined : meantBy(part.condition, recent)
    const explicit = meant ? [...named, meant] : named
    if (part.joiner === 'THEN' && group.length > 0 && explicit.length === 0) {
      before = group
      group = []
    }
    const last = earlier.at(-1)
    const all = refersToAll(part.text)
    const used = group.filter((other) => all || refersTo(part.text, other.text, other === last))
    const needs = new Set(named.length > 0 ? named : [...before, ...used, ...explicit])
    group.push(part)
    return { part, dependsOn: earlier.filter((other) => needs.has(other)) }
  })
}

/** The part that some words speak of, the last one of those most alike. */
export function meantBy<Some extends Part>(said: string, parts: readonly Some[]): Some | undefined {
  const alike = parts.map((part) => ({ part, likeness: likeness(said, part.text.slice(0, LOOKED_AT)) }))
  const best = Math.max(SAME_THING, ...alike.map((one) => one.likeness))
  return alike.findLast((one) => one.likeness >= best)?.part
}
