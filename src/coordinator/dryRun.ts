import { estimate } from '../core/estimate.ts'
import { remainingPath } from '../core/graph.ts'
import { select } from '../core/select.ts'
import type { DryRun, Refusal, StartInput } from './coordinator.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import { prepare } from './prepare.ts'
import { wantedOf } from './ready.ts'

/** What `start` would do with the same input: see `Coordinator.analyze`. */
export async function dryRun(parts: Parts & { directory: Directory }, input: StartInput): Promise<DryRun | Refusal> {
  const prepared = await prepare(parts, input)
  if (prepared.kind !== 'PREPARED') return prepared
  const { analysis, decomposition, plan, projectId, limits } = prepared
  const agents = await parts.directory.agentsOf(projectId)
  const candidates = agents.map((agent) => ({ agent, running: 0 }))
  const selections = plan.nodes.map((node) => {
    const byAgent = node.kind === 'TASK' || node.kind === 'MANAGE'
    const chosen = byAgent ? select(wantedOf(node), candidates).chosen : undefined
    const reasons = byAgent
      ? (chosen?.reasons ?? [])
      : [node.kind === 'SESSION' ? 'a session of its own' : 'the coordinator does it itself']
    return { key: node.key, agentId: chosen?.agentId ?? null, agentName: chosen?.name ?? null, reasons }
  })
  const experience = await parts.store.experience(selections.flatMap(({ agentId }) => agentId ?? []))
  const picked = new Map(selections.map(({ key, agentId }) => [key, agentId]))
  return {
    kind: 'ANALYZED',
    analysis,
    decomposition,
    plan,
    selections,
    criticalPath: Math.max(0, ...remainingPath(plan.nodes, () => 1).values()),
    estimate: estimate(plan, ({ key }) => experience.get(picked.get(key) ?? ''), limits.concurrency),
  }
}
