import { remainingPath } from './graph.ts'
import { isDoneByCoordinator } from './patterns/closing.ts'
import type { Plan, PlanNode } from './plan.ts'
import { indexOf } from './planIndex.ts'

/** What one execution is expected to take: milliseconds, US dollars, tokens. */
export interface Expected {
  ms: number
  cost: number
  tokens: number
}

export interface Estimate extends Expected {
  /** Keys of the nodes along the longest way through the plan: it can't be done in less time than they take. */
  criticalPath: string[]
  /** Keys of the nodes of which nothing was known. */
  unknown: string[]
}

/** What a node is taken for when nothing is known of any: a minute, and no guess at its cost. */
export const DEFAULT_EXPECTED: Expected = { ms: 60_000, cost: 0, tokens: 0 }

/**
 * What a plan will take if everything is accepted at the first attempt, and every branch is waited for. The time is that
 * of list scheduling: whenever there is room in the session and in the group of a waiting node, one starts, the one with
 * the longest remaining path first. With m at once and no groups that hold it back it takes at most 2 - 1/m times as
 * long as the best schedule (Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17, 1969).
 *
 * @param expected of one node; undefined: nothing is known, the medians of the known ones stand in for it
 * @param concurrency executions of the session at once, at least 1
 */
export function estimate(
  plan: Plan,
  expected: (node: PlanNode) => Expected | undefined,
  concurrency: number,
): Estimate {
  const given = new Map(
    plan.nodes.filter(({ kind }) => !isDoneByCoordinator(kind)).map((node) => [node.key, expected(node)]),
  )
  const known = [...given.values()].filter((one) => one !== undefined)
  const typical = known.length > 0 ? medians(known) : DEFAULT_EXPECTED
  const all = new Map([...given].map(([key, one]) => [key, one ?? typical]))
  const weight = (key: string): number => all.get(key)?.ms ?? 0
  const after = new Map(plan.nodes.map((node) => [node.key, endsBefore(plan, node)]))
  const vertices = [...after].map(([key, after]) => ({ key, after }))
  const remaining = remainingPath(vertices, weight)
  const sum = (unit: 'cost' | 'tokens'): number => [...all.values()].reduce((total, one) => total + one[unit], 0)
  return {
    ms: makespan(plan, after, remaining, weight, concurrency),
    cost: sum('cost'),
    tokens: sum('tokens'),
    criticalPath: heaviestWay(after, remaining),
    unknown: [...given].flatMap(([key, one]) => (one ? [] : [key])),
  }
}

/**
 * Keys of those that have ended when a node begins. What it begins with at the soonest has waited for others itself; that
 * it may have waited for room too is left out of account.
 */
function endsBefore(plan: Plan, { after, behind = [], onceBegun = [] }: PlanNode): string[] {
  const { nodes } = indexOf(plan)
  return [...after, ...behind, ...onceBegun.flatMap((key) => endsBefore(plan, nodes.get(key) as PlanNode))]
}

function medians(known: readonly Expected[]): Expected {
  const median = (unit: keyof Expected): number => {
    const sorted = known.map((one) => one[unit]).toSorted((a, b) => a - b)
    const middle = sorted.length / 2
    return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2
  }
  return { ms: median('ms'), cost: median('cost'), tokens: median('tokens') }
}

/** When the last node ends, in milliseconds from the start. */
function makespan(
  { nodes, groups }: Plan,
  after: ReadonlyMap<string, readonly string[]>,
  remaining: ReadonlyMap<string, number>,
  weight: (key: string) => number,
  concurrency: number,
): number {
  const groupOf = new Map(nodes.map(({ key, kind, group }) => [key, isDoneByCoordinator(kind) ? undefined : group]))
  const room = new Map<string | undefined, number>(groups.map((group) => [group.key, group.concurrency]))
  // What the coordinator does itself takes up no room.
  room.set(undefined, Number.POSITIVE_INFINITY)
  const missing = new Map(after.entries().map(([key, before]) => [key, new Set(before)]))
  const next = followers(after)
  const isBusy = (key: string): boolean => groupOf.get(key) !== undefined
  const use = (key: string, by: number): void => {
    room.set(groupOf.get(key), (room.get(groupOf.get(key)) as number) - by)
  }
  let waiting = [...after.keys()].filter((key) => missing.get(key)?.size === 0)
  let running: { key: string; end: number }[] = []
  let now = 0
  while (waiting.length + running.length > 0) {
    const held: string[] = []
    for (const key of waiting.toSorted((a, b) => (remaining.get(b) as number) - (remaining.get(a) as number))) {
      const isFull = isBusy(key) && running.filter((one) => isBusy(one.key)).length >= concurrency
      if (isFull || (room.get(groupOf.get(key)) as number) < 1) {
        held.push(key)
        continue
      }
      use(key, 1)
      running.push({ key, end: now + weight(key) })
    }
    now = Math.min(...running.map(({ end }) => end))
    const ended = running.filter(({ end }) => end <= now)
    running = running.filter(({ end }) => end > now)
    for (const { key } of ended) use(key, -1)
    const freed = ended.flatMap(({ key }) =>
      (next.get(key) as string[]).filter((follower) => {
        const rest = missing.get(follower) as Set<string>
        rest.delete(key)
        return rest.size === 0
      }),
    )
    waiting = [...held, ...freed]
  }
  return now
}

/** The keys along the way with the most work, from a beginning to an end of the plan. */
function heaviestWay(after: ReadonlyMap<string, readonly string[]>, remaining: ReadonlyMap<string, number>): string[] {
  const next = followers(after)
  const way: string[] = []
  let choices: readonly string[] = [...after.keys()]
  while (choices.length > 0) {
    const heaviest = choices.reduce((a, b) => ((remaining.get(b) as number) > (remaining.get(a) as number) ? b : a))
    way.push(heaviest)
    choices = next.get(heaviest) as string[]
  }
  return way
}

/** By key, the keys that come directly after. */
function followers(after: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const next = new Map<string, string[]>([...after.keys()].map((key) => [key, []]))
  for (const [key, before] of after) for (const one of new Set(before)) next.get(one)?.push(key)
  return next
}
