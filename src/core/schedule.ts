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
 * Rule 5: which waiting executions start now. Concurrency = min(session, pattern, agent slots, project); the project
 * with the fewest running comes first, then priority, then the longest remaining path, then who waits longest.
 *
 * @param agentsOf the agents that a project may use
 */
export function assign(
  ready: readonly ReadyItem[],
  held: readonly HeldItem[],
  agentsOf: (projectId: string) => readonly Omit<Candidate, 'running'>[],
): Assignment[] {
  const running = [...held]
  const waiting = [...ready].toSorted(
    (a, b) =>
      b.priority - a.priority ||
      b.remainingPath - a.remainingPath ||
      a.readyAt - b.readyAt ||
      (a.executionId < b.executionId ? -1 : 1),
  )
  const assignments: Assignment[] = []
  const count = (same: (item: HeldItem) => boolean): number => running.filter(same).length
  while (waiting.length > 0) {
    const load = new Map<string, number>()
    for (const { projectId } of running) load.set(projectId, (load.get(projectId) ?? 0) + 1)
    const loadOf = ({ projectId }: ReadyItem): number => load.get(projectId) ?? 0
    const least = Math.min(...waiting.map(loadOf))
    const index = waiting.findIndex((item) => loadOf(item) === least)
    const [item] = waiting.splice(index, 1) as [ReadyItem]
    const full =
      count((h) => h.sessionId === item.sessionId) >= item.limits.session ||
      count((h) => h.sessionId === item.sessionId && h.group === item.group) >= item.limits.group ||
      loadOf(item) >= item.limits.project
    if (full) continue
    const candidates = agentsOf(item.projectId).map((candidate) => ({
      ...candidate,
      running: count((h) => h.agentId === candidate.agent.id),
    }))
    const selection = select(item.wanted, candidates)
    if (!selection.chosen) continue
    const { executionId, sessionId, projectId, group } = item
    const { agentId } = selection.chosen
    running.push({ executionId, sessionId, projectId, group, agentId })
    assignments.push({ executionId, sessionId, agentId, selection })
  }
  return assignments
}
