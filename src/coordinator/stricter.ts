import type { PlanNode } from '../core/plan.ts'
import type { Work } from '../runtime.ts'
import type { AgentRecord } from '../store/store.ts'

/** The stricter of two limits holds. */
export function stricter(node: PlanNode['timeouts'], agent: AgentRecord['timeouts']): Work['timeouts'] {
  return {
    attemptMs: Math.min(node.attemptMs, agent?.attemptMs ?? node.attemptMs),
    idleMs: Math.min(node.idleMs, agent?.idleMs ?? node.idleMs),
  }
}
