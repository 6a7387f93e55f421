import { executionsOf, nodeOf } from './draft.ts'
import { takesRoom } from './execution.ts'
import type { PlanGroup } from './plan.ts'
import type { SessionState } from './state.ts'

/**
 * E17: no more at once than the session and the group may have, whoever asks; gates run programs and judges, too.
 * Returns which limit is in the way.
 */
export function noRoom(state: SessionState, group: string): string | undefined {
  const held = executionsOf(state).filter(({ status }) => takesRoom(status))
  if (held.length >= state.limits.concurrency) return `the session has ${held.length} at once, which is its limit`
  const inGroup = held.filter(({ key }) => nodeOf(state, key).group === group).length
  const { concurrency } = state.plan.groups.find(({ key }) => key === group) as PlanGroup
  return inGroup >= concurrency ? `the group ${group} has ${inGroup} at once, which is its limit` : undefined
}
