import { isTooDeep, MAX_DEPTH } from '../json.ts'
import type { CompileOptions } from '../pattern.ts'
import { AGGREGATES, FAILURE_POLICIES, type Pattern, type SubTask } from '../plan.ts'
import { type At, noneOf, notText, notWhole, type Problem } from './problem.ts'

/** How a caller wants a task planned. */
export type PlanOptions = Partial<
  Pick<CompileOptions, 'aggregate' | 'votes' | 'onFailure' | 'quorum' | 'items' | 'manager'>
>

/** More items than this in one pipeline, and more executions than this for all of them, are refused. */
export const MAX_ITEMS = 1_000
export const MAX_ITEM_NODES = 2_000

/** What the limits of a manager may be, from and to, both included. */
const MANAGER_RANGES = { maxRounds: [1, 100], maxReplans: [0, 20], maxStalls: [0, 20], maxChildren: [1, 20] } as const

/** Aggregates that make sense only of branches that do the same or add up. */
const OF_BRANCHES: ReadonlySet<unknown> = new Set(['REDUCE', 'VOTE', 'FIRST'])

/**
 * Everything that is wrong with how a caller wants these parts planned; empty: `compile` takes it. E44: what the
 * pattern would pass over is refused.
 *
 * @param options as the caller gave them, without defaults
 */
export function checkOptions(
  parts: readonly SubTask[],
  pattern: Pattern,
  options: PlanOptions,
  at: At = (...rest) => rest,
): Problem[] {
  return [
    ...aggregateProblems(parts, pattern, options, at),
    ...failureProblems(parts, options, at),
    ...itemsProblems(parts, pattern, options, at),
    ...managerProblems(pattern, options, at),
  ]
}

function aggregateProblems(
  parts: readonly SubTask[],
  pattern: Pattern,
  { aggregate, votes, items, manager }: PlanOptions,
  at: At,
): Problem[] {
  const problems: Problem[] = []
  const refuse = (name: string, message: string): number => problems.push({ path: at(name), message })
  const unknown = aggregate === undefined ? undefined : noneOf(aggregate, AGGREGATES)
  if (unknown !== undefined) refuse('aggregate', `aggregate ${unknown}`)
  if (OF_BRANCHES.has(aggregate) && pattern !== 'PARALLEL') {
    refuse('aggregate', `${aggregate} brings the branches of PARALLEL together, but the pattern is ${pattern}`)
  }
  if (aggregate !== undefined && aggregate !== 'NONE' && (items || manager)) {
    const who = items ? 'items are put back into their order' : 'the manager brings the results together'
    refuse('aggregate', `${who}: aggregate must be NONE, not ${aggregate}`)
  }
  if (votes === undefined) return problems
  if (aggregate !== 'VOTE') refuse('votes', 'votes are counted by the aggregate VOTE alone')
  const wrong = notWhole(votes, 1, parts.length)
  if (wrong !== undefined) refuse('votes', `votes ${wrong}, the number of branches`)
  return problems
}

function failureProblems(
  parts: readonly SubTask[],
  { onFailure, quorum, items, manager }: PlanOptions,
  at: At,
): Problem[] {
  const problems: Problem[] = []
  const refuse = (name: string, message: string): number => problems.push({ path: at(name), message })
  const unknown = onFailure === undefined ? undefined : noneOf(onFailure, FAILURE_POLICIES)
  if (unknown !== undefined) refuse('onFailure', `onFailure ${unknown}`)
  if (onFailure !== undefined && items) {
    refuse('onFailure', 'what a failed item does is said by items.onFailure: leave onFailure out')
  }
  if (onFailure === 'QUORUM' && quorum === undefined) {
    refuse('quorum', 'QUORUM needs quorum: how many have to be accepted')
  }
  if (quorum === undefined) return problems
  if (onFailure !== 'QUORUM') refuse('quorum', 'quorum needs onFailure to be QUORUM')
  const wrong = notWhole(quorum, 1, manager ? manager.maxChildren : parts.length)
  if (wrong !== undefined) refuse('quorum', `quorum ${wrong}, the number of parts`)
  return problems
}

function itemsProblems(parts: readonly SubTask[], pattern: Pattern, { items }: PlanOptions, at: At): Problem[] {
  if (!items) return []
  const problems: Problem[] = []
  const refuse = (path: string[], message: string): number => problems.push({ path, message })
  const { list, buffer, onFailure } = items
  const nodes = list.length * parts.length
  if (pattern !== 'PIPELINE') refuse(at('items'), `items go through the stages of PIPELINE, not of ${pattern}`)
  if (list.length < 1 || list.length > MAX_ITEMS) {
    refuse(at('items', 'list'), `${list.length} items: from 1 to ${MAX_ITEMS} are possible`)
  } else if (nodes > MAX_ITEM_NODES) {
    const message = `${list.length} items in ${parts.length} stages are ${nodes} executions: at most ${MAX_ITEM_NODES} are possible`
    refuse(at('items', 'list'), message)
  }
  list.forEach((item, index) => {
    // An item stands one level down in the input of its executions.
    if (!isTooDeep(item, MAX_DEPTH - 1)) return
    refuse(at('items', 'list', `${index}`), `the item is nested deeper than ${MAX_DEPTH - 1} levels: write it flatter`)
  })
  const wrong = notWhole(buffer, 1, MAX_ITEMS)
  if (wrong !== undefined) refuse(at('items', 'buffer'), `items.buffer ${wrong}`)
  const unknown = noneOf(onFailure, ['STOP', 'DEAD_LETTER'])
  if (unknown !== undefined) refuse(at('items', 'onFailure'), `items.onFailure ${unknown}`)
  for (const { key } of parts.filter(({ evenIfSkipped }) => evenIfSkipped)) {
    refuse(
      at('items'),
      `"${key}" has no item to work on once the stage before was skipped: evenIfSkipped is not possible`,
    )
  }
  return problems
}

function managerProblems(pattern: Pattern, { manager }: PlanOptions, at: At): Problem[] {
  if (!manager) return []
  const problems: Problem[] = []
  if (pattern !== 'HIERARCHICAL') {
    problems.push({ path: at('manager'), message: `a manager delegates in HIERARCHICAL, not in ${pattern}` })
  }
  const unnamed = manager.agent === undefined ? undefined : notText(manager.agent, 200)
  if (unnamed !== undefined) {
    problems.push({ path: at('manager', 'agent'), message: `the name of the manager's agent ${unnamed}` })
  }
  for (const [name, [from, to]] of Object.entries(MANAGER_RANGES)) {
    const wrong = notWhole(manager[name as keyof typeof MANAGER_RANGES], from, to)
    if (wrong !== undefined) problems.push({ path: at('manager', name), message: `manager.${name} ${wrong}` })
  }
  return problems
}
