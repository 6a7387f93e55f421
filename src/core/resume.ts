import { executionOf } from './draft.ts'
import type { Plan, PlanNode } from './plan.ts'
import { type Ledger, NO_ROUNDS, type SessionState } from './state.ts'

/**
 * The plan with which another session goes on from what this one has accepted: without compensations, and, if a manager
 * made it grow, only as far as its rounds can be taken over. What it delegates from there on it decides anew.
 *
 * @param stands whether the result of a node is taken over
 */
export function planToResume(state: SessionState, stands: (key: string) => boolean): { plan: Plan; ledger?: Ledger } {
  const plan = withNodes(
    state.plan,
    state.plan.nodes.filter(({ kind }) => kind !== 'UNDO'),
  )
  if (!plan.manager) return { plan }
  const { ledger = NO_ROUNDS } = state
  const takenOver = ({ key, after }: PlanNode): boolean =>
    stands(key) && after.every((before) => executionOf(state, before).status === 'ACCEPTED' && stands(before))
  const open = plan.nodes.findIndex((node) => node.kind === 'MANAGE' && !takenOver(node))
  if (open < 0) return { plan, ledger }
  const nodes = plan.nodes.slice(0, open + 1)
  const round = nodes.filter(({ kind }) => kind === 'MANAGE').length - 1
  return {
    plan: { ...withNodes(plan, nodes), outputs: [] },
    ledger: { round, stalls: 0, replans: ledger.replans, satisfied: false },
  }
}

function withNodes(plan: Plan, nodes: readonly PlanNode[]): Plan {
  const groups = plan.groups.filter(
    ({ key }) => key !== 'rollback' && (key === 'manager' || nodes.some(({ group }) => isIn(plan, group, key))),
  )
  return { ...plan, nodes, groups }
}

/** Whether a group is another one, or below it. */
function isIn({ groups }: Plan, group: string, other: string): boolean {
  if (group === other) return true
  const parent = groups.find(({ key }) => key === group)?.parent
  return parent !== undefined && isIn({ groups } as Plan, parent, other)
}
