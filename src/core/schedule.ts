import { type Candidate, type Selection, select, type Wanted } from './select.ts'

/** An execution that waits for an agent. */
export interface ReadyItem {
  executionId: string
  sessionId: string
  projectId: string
  group: string
  /** -100..100; the higher the sooner. */
  priority: number
  /** Weight of the longest way from here to the end of its plan. */
  remainingPath: number
  /** Milliseconds since the epoch. */
  readyAt: number
  wanted: Wanted
  limits: { session: number; group: number; project: number }
}

/** An execution that an agent has in hand. */
export interface HeldItem {
  executionId: string
  sessionId: string
  projectId: string
  group: string
  agentId: string
}

/** Who is to do what, and why. */
export interface Assignment {
  executionId: string
  sessionId: string
  agentId: string
  selection: Selection
}

/**
 * E18: which waiting executions start now. Concurrency = min(session, pattern, agent slots, project); the project
 * with the fewest running comes first, then priority, then the longest remaining path, then who waits longest.
 *
 * @param running what agents have in hand; what starts now is added to it
 * @param agentsOf the agents that a project may use
 */
export function assign(
  ready: readonly ReadyItem[],
  running: Running,
  agentsOf: (projectId: string) => readonly Omit<Candidate, 'running'>[],
): Assignment[] {
  const queues = lineUp(ready, running)
  const assignments: Assignment[] = []
  // Within one round agents only get busier: what nobody could take a moment ago, nobody can.
  const hopeless = new Set<string>()
  while (queues.length > 0) {
    const queue = next(queues)
    const item = queue.items.pop() as ReadyItem
    queue.ranks.pop()
    queue.rank = queue.ranks.at(-1) ?? 0
    if (queue.items.length === 0) queues.splice(queues.indexOf(queue), 1)
    const { executionId, sessionId, projectId, group, limits, wanted } = item
    const full =
      running.of('session', sessionId) >= limits.session ||
      running.of('group', groupId(item)) >= limits.group ||
      running.of('project', projectId) >= limits.project
    const wish = JSON.stringify([projectId, wanted.capabilities, wanted.agent])
    if (full || hopeless.has(projectId) || hopeless.has(wish)) continue
    const candidates = agentsOf(projectId).map((one) => ({ ...one, running: running.of('agent', one.agent.id) }))
    const chosen = candidates.some(({ agent, running }) => running < agent.slots)
      ? select(wanted, candidates)
      : undefined
    if (!chosen?.chosen) {
      hopeless.add(chosen ? wish : projectId)
      continue
    }
    const { agentId } = chosen.chosen
    running.add({ executionId, sessionId, projectId, group, agentId })
    queue.load += 1
    assignments.push({ executionId, sessionId, agentId, selection: chosen })
  }
  return assignments
}

/** What waits in one project, who comes first last. */
interface Queue {
  items: ReadyItem[]
  ranks: number[]
  /** Place of the next one among all that wait. */
  rank: number
  /** How many the project has running. */
  load: number
}

function lineUp(ready: readonly ReadyItem[], running: Running): Queue[] {
  const backwards = [...ready].toSorted(
    (a, b) =>
      a.priority - b.priority ||
      a.remainingPath - b.remainingPath ||
      b.readyAt - a.readyAt ||
      (a.executionId > b.executionId ? -1 : 1),
  )
  const queues = new Map<string, Queue>()
  for (const [index, item] of backwards.entries()) {
    const rank = backwards.length - index
    const queue = queues.get(item.projectId) ?? {
      items: [],
      ranks: [],
      rank,
      load: running.of('project', item.projectId),
    }
    queue.items.push(item)
    queue.ranks.push(rank)
    queue.rank = rank
    queues.set(item.projectId, queue)
  }
  return [...queues.values()]
}

/** The queue of the project with the fewest running; of several the one with the first in line. */
function next(queues: readonly Queue[]): Queue {
  let first = queues[0] as Queue
  for (const queue of queues) {
    if (queue.load < first.load || (queue.load === first.load && queue.rank < first.rank)) first = queue
  }
  return first
}

const KINDS = ['session', 'group', 'project', 'agent'] as const
type Kind = (typeof KINDS)[number]

/** How many run already, by what they have in common. */
export interface Running {
  of(kind: Kind, id: string): number
  add(item: HeldItem): void
  remove(item: HeldItem): void
}

/** Counts what agents have in hand. */
export function countRunning(held: readonly HeldItem[] = []): Running {
  const counts = { session: new Map(), group: new Map(), project: new Map(), agent: new Map() } as Record<
    Kind,
    Map<string, number>
  >
  const count = (item: HeldItem, more: 1 | -1): void => {
    const ids = { session: item.sessionId, group: groupId(item), project: item.projectId, agent: item.agentId }
    for (const kind of KINDS) {
      const number = running.of(kind, ids[kind]) + more
      if (number > 0) counts[kind].set(ids[kind], number)
      else counts[kind].delete(ids[kind])
    }
  }
  const running: Running = {
    of: (kind, id) => counts[kind].get(id) ?? 0,
    add: (item) => count(item, 1),
    remove: (item) => count(item, -1),
  }
  for (const item of held) running.add(item)
  return running
}

/** Another session has groups of the same names. */
function groupId({ sessionId, group }: { sessionId: string; group: string }): string {
  return `${sessionId} ${group}`
}
