import type { AgentProfile } from './agent.ts'
import { checkSubTasks } from './check.ts'
import { freeKey } from './freeKey.ts'
import type { Json } from './json.ts'
import { readEntry, type LedgerEntry } from './ledger/entry.ts'
import { CLOSING, closingNode } from './patterns/closing.ts'
import { makeNode } from './patterns/node.ts'
import type { Manager, Plan, PlanGroup, PlanNode, SubTask } from './plan.ts'
import { capable } from './select.ts'
import type { Ledger } from './state.ts'

/** More problems than this are not told at once. */
const MAX_PROBLEMS = 10

/** What a ledger has to fit. */
interface LedgerContext {
  /** Keys of the plan so far. */
  taken: readonly string[]
  /** Sub-tasks that may still be delegated. */
  left: number
  agents: readonly AgentProfile[]
  /** Of the managed session; 1: it is nobody's child. */
  depth: number
}

/** Reads what a manager put out. A problem is a text that can be handed back to it. */
export function readLedger(output: Json, context: LedgerContext): { entry: LedgerEntry } | { problem: string } {
  const read = readEntry(output)
  const problems = 'entry' in read ? entryProblems(read.entry, context) : read.problems
  if ('entry' in read && problems.length === 0) return read
  return { problem: problems.slice(0, MAX_PROBLEMS).join('; ') }
}

function entryProblems({ satisfied, next }: LedgerEntry, { taken, left, agents, depth }: LedgerContext): string[] {
  if (satisfied) return next.length > 0 ? ['"satisfied" is true, so "next" must be empty'] : []
  if (next.length === 0) return ['"next" is empty, but "satisfied" is false: delegate something']
  if (next.length > left) return [`"next" has ${next.length} sub-tasks: only ${left} may still be delegated`]
  const keys = next.map(({ key }) => key)
  return [
    ...keys.filter((key) => taken.includes(key)).map((key) => `"${key}" is taken: use another key`),
    ...next.flatMap(({ key, dependsOn }) => earlierProblems(key, dependsOn, keys, taken)),
    ...checkSubTasks(
      next.map((part) => ({ ...part, dependsOn: part.dependsOn.filter((key) => keys.includes(key)) })),
      'HIERARCHICAL',
      depth,
    ).map(({ message }) => message),
    ...next.flatMap((part) => targetProblems(part, agents)),
  ]
}

/** What is wrong with what a sub-task depends on outside of its own round. */
function earlierProblems(
  key: string,
  dependsOn: readonly string[],
  keys: readonly string[],
  taken: readonly string[],
): string[] {
  const earlier = dependsOn.filter((before) => !keys.includes(before))
  return earlier.flatMap((before, place) => {
    if (!taken.includes(before)) {
      return [`"${key}" depends on "${before}", which is not among ${[...taken, ...keys].join(', ')}`]
    }
    return earlier.indexOf(before) < place ? [`"${key}" depends on "${before}" twice`] : []
  })
}

/** Sub-tasks that nobody can do, those of child sessions included. */
function targetProblems(
  { key, title, description, capabilities, agent, session }: SubTask,
  agents: readonly AgentProfile[],
): string[] {
  if (session) return session.parts.flatMap((part) => targetProblems(part, agents))
  const wanted = { capabilities, text: `${title}. ${description}`, ...(agent !== undefined && { agent }) }
  const { able, reason } = capable(wanted, agents, 'CALLER')
  return able.length > 0 ? [] : [`"${key}": ${reason}`]
}

/** DONE: the task is. REPLAN: begin anew. LIMIT: it has to end, `limit` says why. */
interface Judged {
  ledger: Ledger
  course: 'DONE' | 'GO_ON' | 'REPLAN' | 'LIMIT'
}

/** What follows from one round of a managed session. */
export function judgeRound(ledger: Ledger, entry: LedgerEntry, manager: Manager): Judged {
  const round = ledger.round + 1
  if (entry.satisfied) return { ledger: { ...ledger, round, satisfied: true }, course: 'DONE' }
  const stalled = entry.looping || !entry.progressing
  const stalls = stalled ? ledger.stalls + 1 : Math.max(0, ledger.stalls - 1)
  const next = { ...ledger, round, stalls }
  const end = (limit: string): Judged => ({ ledger: { ...next, limit }, course: 'LIMIT' })
  if (round >= manager.maxRounds) {
    return end(`the manager is not satisfied after ${round} ${round === 1 ? 'round' : 'rounds'}, which is its limit`)
  }
  if (stalls <= manager.maxStalls) return { ledger: next, course: 'GO_ON' }
  if (ledger.replans >= manager.maxReplans) {
    const replans = `${ledger.replans} ${ledger.replans === 1 ? 'replan' : 'replans'}`
    return end(`the manager makes no progress after ${replans}, which is its limit`)
  }
  return { ledger: { ...next, stalls: 0, replans: ledger.replans + 1 }, course: 'REPLAN' }
}

/**
 * The plan with what a round delegates, and with the next round behind it. What was there before stays as it is.
 *
 * @param round the one that delegates, from 1
 * @param replan the next round has to begin anew
 */
export function grow(plan: Plan, round: number, entry: LedgerEntry, replan: boolean): Plan {
  const manage = managerOf(plan)
  const group = freeKey(`round-${round}`, plan.groups)
  const nodes = entry.next.map((part) =>
    makeNode({ part: { optional: true, ...part }, group, after: part.dependsOn, needs: part.dependsOn }, manage),
  )
  const keys = nodes.map(({ key }) => key)
  const next: PlanNode = {
    ...manage,
    key: freeKey(`manage-${round + 1}`, [...plan.nodes, ...nodes]),
    input: { round: round + 1, replan, instruction: entry.instruction },
    after: keys,
    needs: keys,
    join: 'SETTLED',
  }
  const { concurrency } = plan.groups.find(({ key }) => key === manage.group) as PlanGroup
  return {
    ...plan,
    nodes: [...plan.nodes, ...nodes, next],
    groups: [
      ...plan.groups,
      { key: group, parent: manage.group, pattern: 'PARALLEL', onFailure: 'CONTINUE', concurrency },
    ],
  }
}

/** The plan with what brings everything that was delegated together, once its manager is through. */
export function close(plan: Plan): Plan {
  const delegated = plan.nodes.filter(({ kind }) => kind !== 'MANAGE')
  const closing = closingNode('COLLECT', delegated, managerOf(plan))
  return { ...plan, nodes: [...plan.nodes, closing], groups: [...plan.groups, CLOSING], outputs: [closing.key] }
}

function managerOf(plan: Plan): PlanNode {
  return plan.nodes.find(({ kind }) => kind === 'MANAGE') as PlanNode
}
