import type { ExecutionState, Failure } from './execution.ts'
import { gather } from './gather.ts'
import { canonical, hash } from './hash.ts'
import type { Json } from './json.ts'

/** An execution as whoever brings branches together sees it. */
export interface Branch extends Pick<
  ExecutionState,
  'id' | 'key' | 'status' | 'output' | 'summary' | 'error' | 'endedAt'
> {
  /** Place of the item that it worked on. */
  item?: number
  /** Whose end made it SKIPPED or CANCELED. */
  culprit?: { key: string; error?: Failure }
}

/** What the coordinator does itself at the end of branches. */
type Kind = 'COLLECT' | 'REDUCE' | 'VOTE' | 'FIRST' | 'ITEMS'
type Aggregated = { output: Json; summary: string } | { error: string }

/** What branches hand to their aggregator, in declared order, failures included; large outputs are left out. */
export function branches(executions: readonly Branch[]): Json[] {
  const outputs = gather(executions)
  return executions.map((execution, index) => branch(execution, outputs[index] as Json))
}

/** What one branch hands to its aggregator. */
export function branch({ key, status, summary, error }: Branch, output: Json): Json {
  return { branch: key, status, summary: summary ?? null, output, error: failure(error) }
}

function failure(error: Failure | undefined): Json {
  return error ? { class: error.class, message: error.message } : null
}

/**
 * Whether an aggregator has what it needs before all branches have settled.
 *
 * @param votes VOTE: accepted outputs that have to be equal
 */
export function enough(kind: 'FIRST' | 'VOTE', votes: number, branches: readonly Branch[]): boolean {
  if (kind === 'FIRST') return accepted(branches).length > 0
  return tally(branches).some(({ voters }) => voters.length >= votes)
}

/**
 * Brings branches together. COLLECT: all of them, failures included. REDUCE: the objects of the accepted ones in one.
 * VOTE: the output that most agree on. FIRST: that of the branch that was accepted first. ITEMS: the outputs in the
 * order of their items, and what became of the missing ones.
 *
 * @param branches in declared order
 * @param votes VOTE: branches that have to agree
 */
export function aggregate(kind: Kind, branches: readonly Branch[], votes: number = 1): Aggregated {
  return AGGREGATORS[kind](branches, votes)
}

const AGGREGATORS: Record<Kind, (executions: readonly Branch[], votes: number) => Aggregated> = {
  COLLECT: (executions) => ({
    output: branches(executions),
    summary: `${accepted(executions).length} of ${executions.length} branches accepted`,
  }),
  REDUCE: reduce,
  VOTE: vote,
  FIRST: first,
  ITEMS: items,
}

function accepted<B extends Branch>(branches: readonly B[]): B[] {
  return branches.filter(({ status }) => status === 'ACCEPTED')
}

function reduce(branches: readonly Branch[]): Aggregated {
  const merged = new Map<string, { value: Json; from: string }>()
  const sources = accepted(branches)
  if (sources.length === 0) return { error: noneAccepted(branches) }
  for (const { key: from, output = null } of sources) {
    if (typeof output !== 'object' || output === null || Array.isArray(output)) {
      return { error: `"${from}" put out no object, so it cannot be merged` }
    }
    for (const [key, value] of Object.entries(output)) {
      const other = merged.get(key)
      if (other && canonical(other.value) !== canonical(value)) {
        return { error: `"${key}" has one value from "${other.from}" and another from "${from}"` }
      }
      merged.set(key, other ?? { value, from })
    }
  }
  return {
    output: Object.fromEntries([...merged].map(([key, { value }]) => [key, value])),
    summary: `${sources.length} of ${branches.length} branches merged`,
  }
}

/** The different outputs of accepted branches with those that put them out, in declared order. */
function tally(branches: readonly Branch[]): { output: Json; voters: string[] }[] {
  const found = new Map<string, { output: Json; voters: string[] }>()
  for (const { key, output = null } of accepted(branches)) {
    const id = hash(output)
    const same = found.get(id) ?? { output, voters: [] }
    same.voters.push(key)
    found.set(id, same)
  }
  return [...found.values()]
}

function vote(branches: readonly Branch[], votes: number): Aggregated {
  // Of equally many the one declared first: the sort is stable.
  const counted = tally(branches).toSorted((a, b) => b.voters.length - a.voters.length)
  const [winner] = counted
  if (!winner) return { error: noneAccepted(branches) }
  if (winner.voters.length < votes) {
    const sides = counted.map(({ voters }) => `${voters.length} for that of ${voters.join(', ')}`).join('; ')
    return { error: `no output has the votes of ${votes} branches: ${sides}` }
  }
  return { output: winner.output, summary: `${winner.voters.length} of ${branches.length} branches agree` }
}

function first(branches: readonly Branch[]): Aggregated {
  const end = ({ endedAt = Number.POSITIVE_INFINITY }: Branch): number => endedAt
  const earliest = Math.min(...accepted(branches).map(end))
  const found = accepted(branches).find((one) => end(one) === earliest)
  if (!found) return { error: noneAccepted(branches) }
  return { output: found.output ?? null, summary: `"${found.key}" was accepted first` }
}

function items(branches: readonly Branch[]): Aggregated {
  const inOrder = branches
    .map((one, place) => ({ ...one, item: one.item ?? place }))
    .toSorted((a, b) => a.item - b.item)
  const through = accepted(inOrder)
  const outputs = gather(through)
  return {
    output: {
      items: inOrder.map((one) => outputs[through.indexOf(one)] ?? null),
      deadLetters: inOrder
        .filter(({ status }) => status !== 'ACCEPTED')
        .map(({ item, key, error, culprit }) => ({
          // Counted from 1, as in the keys of its executions.
          item: item + 1,
          stage: culprit?.key ?? key,
          error: failure(culprit ? culprit.error : error),
        })),
    },
    summary: `${through.length} of ${inOrder.length} items came through`,
  }
}

/** What became of every branch. */
function noneAccepted(branches: readonly Branch[]): string {
  const ends = branches.map(({ key, status, error, culprit }) => {
    const why = error ? `: ${error.message}` : culprit ? ` because of ${culprit.key}` : ''
    return `${key} ${status.toLowerCase()}${why}`
  })
  return `no branch was accepted: ${ends.join('; ')}`
}
