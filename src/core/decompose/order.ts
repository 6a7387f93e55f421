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

/** How many of the parts before it one part is compared with, so that the work stays linear. */
export const WINDOW = 50

/**
 * For each part the positions of the earlier ones that it depends on. `then` is a barrier: what follows it waits for
 * everything of the group before it. Within a group only those wait that work on an earlier result.
 */
export function dependenciesOf(parts: readonly Part[]): number[][] {
  const dependsOn: number[][] = []
  let before: number[] = []
  let group: number[] = []
  parts.forEach((part, at) => {
    const named = (part.named ?? []).filter((other) => other < at)
    const meant = part.condition === undefined ? -1 : meantBy(part.condition, parts.slice(Math.max(0, at - WINDOW), at))
    const condition = meant < 0 ? [] : [Math.max(0, at - WINDOW) + meant]
    if (part.joiner === 'THEN' && group.length > 0 && condition.length + named.length === 0) {
      before = group
      group = []
    }
    const all = refersToAll(part.text)
    const used = group.filter(
      (other) => all || (at - other <= WINDOW && refersTo(part.text, parts[other]!.text, other === at - 1)),
    )
    const needs = named.length > 0 ? named : [...before, ...used, ...condition]
    dependsOn.push([...new Set(needs)].sort((a, b) => a - b))
    group.push(at)
  })
  return dependsOn
}

/** The position of the part that some words speak of, -1 if none is meant. */
export function meantBy(condition: string, parts: readonly Part[]): number {
  const alike = parts.map((part) => likeness(condition, part.text.slice(0, 200)))
  const best = Math.max(0, ...alike)
  return best < SAME_THING ? -1 : alike.lastIndexOf(best)
}
