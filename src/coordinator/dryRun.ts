import { type Estimate, estimate } from '../core/estimate.ts'
import { remainingPath } from '../core/graph.ts'
import type { Plan } from '../core/plan.ts'
import { select } from '../core/select.ts'
import type { SessionLimits } from '../core/state.ts'
import type { DryRun, Refusal, StartInput } from './coordinator.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import { prepare } from './prepare.ts'
import { wantedOf } from './ready.ts'
import type { Tools } from './tools.ts'

/** What `start` would do with the same input: see `Coordinator.analyze`. */
export async function dryRun(parts: Parts & { directory: Directory }, input: StartInput): Promise<DryRun | Refusal> {
  const prepared = await prepare(parts, input)
  if (prepared.kind !== 'PREPARED') return prepared
  const { analysis, decomposition, plan, projectId, limits } = prepared
  const selections = await selectionsFor(parts, projectId, plan)
  return {
    kind: 'ANALYZED',
    analysis,
    decomposition,
    plan,
    selections,
    criticalPath: Math.max(0, ...remainingPath(plan.nodes, () => 1).values()),
    estimate: await estimateOf(parts, plan, selections, limits),
  }
}

/** What a session's plan would take: see `Coordinator.estimate`. */
export async function estimateSession(parts: Tools, sessionId: string): Promise<Estimate | undefined> {
  const state = await parts.sessions.read(sessionId)
  if (!state) return undefined
  const { projectId, plan, limits } = state
  return estimateOf(parts, plan, await selectionsFor(parts, projectId, plan), limits)
}

/** Who would be picked now for each node. */
async function selectionsFor(
  { directory }: { directory: Directory },
  projectId: string,
  plan: Plan,
): Promise<DryRun['selections']> {
  const agents = await directory.agentsOf(projectId)
  const candidates = agents.map((agent) => ({ agent, running: 0 }))
  return plan.nodes.map((node) => {
    const byAgent = node.kind === 'TASK' || node.kind === 'MANAGE'
    const chosen = byAgent ? select(wantedOf(node), candidates).chosen : undefined
    const reasons = byAgent
      ? (chosen?.reasons ?? [])
      : [node.kind === 'SESSION' ? 'a session of its own' : 'the coordinator does it itself']
    return { key: node.key, agentId: chosen?.agentId ?? null, agentName: chosen?.name ?? null, reasons }
  })
}

async function estimateOf(
  { store }: Pick<Parts, 'store'>,
  plan: Plan,
  selections: DryRun['selections'],
  { concurrency }: Pick<SessionLimits, 'concurrency'>,
): Promise<Estimate> {
  const experience = await store.experience(selections.flatMap(({ agentId }) => agentId ?? []))
  const picked = new Map(selections.map(({ key, agentId }) => [key, agentId]))
  return estimate(plan, ({ key }) => experience.get(picked.get(key) ?? ''), concurrency)
}
