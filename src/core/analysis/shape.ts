import { CONTEXT_MARK } from '../decompose.ts'
import { refersTo, refersToAll } from '../decompose/reference.ts'
import type { Pattern, SubTask } from '../plan.ts'

/** Of each sub-task the positions of those that it directly waits for; waits that follow from others are left out. */
function directWaits(subTasks: readonly SubTask[]): number[][] {
  const position = new Map(subTasks.map((subTask, at) => [subTask.key, at]))
  const waits = subTasks.map(({ dependsOn }) => [...new Set(dependsOn.flatMap((key) => position.get(key) ?? []))])
  const reached = subTasks.map((_, at) => {
    const seen = new Set<number>()
    const open = waits[at]!.flatMap((other) => waits[other]!)
    for (let other = open.pop(); other !== undefined; other = open.pop()) {
      if (!seen.has(other)) open.push(...waits[other]!)
      seen.add(other)
    }
    return seen
  })
  return waits.map((others, at) => others.filter((other) => !reached[at]!.has(other)))
}

/** A sub-task in its own words, without what is said about all of them. */
const wordsOf = (subTask: SubTask): string => (subTask.description || subTask.title).split(CONTEXT_MARK)[0]!

/** Whether a sub-task works on what the one before it leaves behind. */
function flows(from: SubTask, to: SubTask): boolean {
  return refersToAll(wordsOf(to)) || refersTo(wordsOf(to), wordsOf(from), true)
}

/**
 * The pattern that fits a graph of sub-tasks, with the reason: none wait -> PARALLEL; one row -> PIPELINE if data flows
 * along at least half of it, else SEQUENTIAL; anything else -> HIERARCHICAL; a single one -> SEQUENTIAL.
 */
export function patternOf(subTasks: readonly SubTask[]): { pattern: Pattern; reason: string } {
  const count = subTasks.length
  if (count < 2) return { pattern: 'SEQUENTIAL', reason: 'There is only one part, so nothing has to be coordinated.' }
  const waits = directWaits(subTasks)
  const edges = waits.flatMap((others, at) => others.map((other): [number, number] => [other, at]))
  if (edges.length === 0) {
    return { pattern: 'PARALLEL', reason: `None of the ${count} parts waits for another, so all can run side by side.` }
  }
  const followed = new Set(edges.map(([from]) => from))
  if (edges.length !== count - 1 || followed.size !== edges.length || waits.some((others) => others.length > 1)) {
    const roots = waits.filter((others) => others.length === 0).length
    const free = roots === 1 ? 'one part has' : `${roots} of them have`
    return {
      pattern: 'HIERARCHICAL',
      reason: `Of the ${count} parts some wait for others and some do not (${free} nothing to wait for), so a manager hands them out.`,
    }
  }
  const fed = edges.filter(([from, to]) => flows(subTasks[from]!, subTasks[to]!)).length
  return fed * 2 >= edges.length
    ? {
        pattern: 'PIPELINE',
        reason: `The ${count} parts form a chain in which each works on what the one before it made.`,
      }
    : {
        pattern: 'SEQUENTIAL',
        reason: `The ${count} parts form a chain: an order is asked for, but none needs another's result.`,
      }
}
