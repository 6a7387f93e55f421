import { ownWords } from '../decompose.ts'
import { refersTo, refersToAll } from '../decompose/reference.ts'
import type { Pattern, SubTask } from '../plan.ts'

interface Node {
  subTask: SubTask
  waits: Node[]
}

/** The sub-tasks with those that they directly wait for; waits that follow from others are left out. */
function graphOf(subTasks: readonly SubTask[]): Node[] {
  const nodes = new Map(subTasks.map((subTask): [string, Node] => [subTask.key, { subTask, waits: [] }]))
  for (const node of nodes.values()) {
    node.waits = [...new Set(node.subTask.dependsOn.flatMap((key) => nodes.get(key) ?? []))]
  }
  const indirect = new Map([...nodes.values()].map((node) => [node, beyond(node)]))
  return [...indirect].map(([{ subTask, waits }, reached]) => ({
    subTask,
    waits: waits.filter((other) => !reached.has(other)),
  }))
}

/** What the ones that it waits for wait for, and so on. */
function beyond(node: Node): Set<Node> {
  const reached = new Set<Node>()
  const open = node.waits.flatMap((other) => other.waits)
  for (let other = open.pop(); other !== undefined; other = open.pop()) {
    if (!reached.has(other)) open.push(...other.waits)
    reached.add(other)
  }
  return reached
}

/** Whether a sub-task works on what the one before it leaves behind. */
function flows(from: SubTask, to: SubTask): boolean {
  return refersToAll(ownWords(to)) || refersTo(ownWords(to), ownWords(from), true)
}

/**
 * The pattern that fits a graph of sub-tasks, with the reason: none wait -> PARALLEL; one row -> PIPELINE if data flows
 * along at least half of it, else SEQUENTIAL; anything else -> HIERARCHICAL; a single one -> SEQUENTIAL.
 */
export function patternOf(subTasks: readonly SubTask[]): { pattern: Pattern; reason: string } {
  const count = subTasks.length
  if (count < 2) return { pattern: 'SEQUENTIAL', reason: 'There is only one part, so nothing has to be coordinated.' }
  const nodes = graphOf(subTasks)
  const edges = nodes.flatMap(({ subTask, waits }) => waits.map((other) => ({ from: other.subTask, to: subTask })))
  if (edges.length === 0) {
    return { pattern: 'PARALLEL', reason: `None of the ${count} parts waits for another, so all can run side by side.` }
  }
  const followed = new Set(edges.map(({ from }) => from))
  if (edges.length !== count - 1 || followed.size !== edges.length || nodes.some(({ waits }) => waits.length > 1)) {
    const roots = nodes.filter(({ waits }) => waits.length === 0).length
    const free = roots === 1 ? 'one part has' : `${roots} of them have`
    return {
      pattern: 'HIERARCHICAL',
      reason: `Of the ${count} parts some wait for others and some do not (${free} nothing to wait for), so a manager hands them out.`,
    }
  }
  const fed = edges.filter(({ from, to }) => flows(from, to)).length
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
