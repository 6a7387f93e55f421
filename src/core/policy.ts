import { enough } from './aggregate.ts'
import { executionOf, executionsOf, nodeOf } from './draft.ts'
import { type ExecutionState, isSettled } from './execution.ts'
import type { PlanGroup, PlanNode } from './plan.ts'
import { indexOf } from './planIndex.ts'
import { branchesOf } from './ready.ts'
import type { SessionState } from './state.ts'

/** Why executions that have not settled have to stop for the sake of another one. */
export interface StopCause {
  causeId: string
  reason: string
}

/**
 * Which executions have to stop, now: those of a group that fails fast once one of it has failed, those of a group that can
 * no longer reach its quorum, and branches whose aggregator has what it needs (E46, E47, E83).
 */
export function stopCauses(state: SessionState): (node: PlanNode) => StopCause | undefined {
  const { groupsOf } = indexOf(state.plan)
  const causes = new Map<PlanGroup, StopCause | undefined>()
  for (const group of state.plan.groups) if (group.onFailure !== 'CONTINUE') causes.set(group, causeOf(state, group))
  return ({ key }) => {
    for (const group of groupsOf.get(key) as readonly PlanGroup[]) {
      const cause = causes.get(group)
      if (cause) return cause
    }
    const winner = aggregatorsOf(state, key).find((one) => isSettled(executionOf(state, one.key).status))
    return winner && { causeId: executionOf(state, winner.key).id, reason: `${winner.key} has what it needs` }
  }
}

function causeOf(state: SessionState, group: PlanGroup): StopCause | undefined {
  const members = membersOf(state, group)
  if (group.onFailure === 'FAIL_FAST') {
    const failed = members.find(({ key, status }) => status === 'FAILED' && !nodeOf(state, key).optional)
    return failed && { causeId: failed.id, reason: `${failed.key} failed and its group fails fast` }
  }
  // A plan that still grows may have enough of them later.
  if (state.plan.manager) return undefined
  const { quorum = members.length } = group
  const given = members.filter(({ status }) => isSettled(status) && status !== 'ACCEPTED')
  const left = members.length - given.length
  const culprit = given.find(({ status }) => status === 'FAILED') ?? given[0]
  if (left >= quorum || !culprit) return undefined
  return { causeId: culprit.causeId ?? culprit.id, reason: `only ${left} can be accepted, the quorum is ${quorum}` }
}

/** The executions of a group and of the groups below it. */
function membersOf(state: SessionState, group: PlanGroup): ExecutionState[] {
  return (indexOf(state.plan).membersOf.get(group) as readonly string[]).map((key) => executionOf(state, key))
}

/** The aggregators that go on as soon as they have enough, for one branch. */
function aggregatorsOf({ plan }: SessionState, key: string): readonly PlanNode[] {
  return indexOf(plan).aggregatorsOf.get(key) ?? []
}

/** Whether what comes before a node has come far enough (E11 to E14), or who is to blame that it never will. */
export function comesBefore(
  state: SessionState,
  node: PlanNode,
): { kind: 'READY' } | { kind: 'NOT_YET' } | { kind: 'NEVER'; culprit: ExecutionState } {
  // An item that is skipped still keeps its place between two stages, or their buffer would not be bounded.
  const { behind = [], onceBegun = [] } = node
  const isThrough = (key: string): boolean => isSettled(executionOf(state, key).status)
  const hasBegun = (key: string): boolean => executionOf(state, key).startedAt !== undefined
  if (!behind.every(isThrough) || !onceBegun.every((key) => hasBegun(key) || isThrough(key))) return { kind: 'NOT_YET' }
  const before = node.after.map((key) => executionOf(state, key))
  const settled = before.every(({ status }) => isSettled(status))
  if (node.join === 'ACCEPTED' || node.join === 'ACCEPTED_OR_SKIPPED') {
    const passes = (status: string): boolean =>
      status === 'ACCEPTED' || (status === 'SKIPPED' && node.join === 'ACCEPTED_OR_SKIPPED')
    const culprit = before.find(({ status }) => isSettled(status) && !passes(status))
    if (culprit) return { kind: 'NEVER', culprit }
  }
  const far = settled || (node.join === 'ENOUGH' && hasEnough(state, node))
  return far ? { kind: 'READY' } : { kind: 'NOT_YET' }
}

function hasEnough(state: SessionState, node: PlanNode): boolean {
  return enough(node.kind as 'FIRST' | 'VOTE', node.votes as number, branchesOf(state, node))
}

/**
 * E49, E50: SUCCEEDED = all accepted; PARTIAL = every required one accepted, some other not; else FAILED. Branches are not
 * missed once their aggregator has had enough; within a group that reached its quorum none is required. What a manager
 * delegates is not required of itself, but its quorum is: `short` says by how much it was missed.
 */
export function outcome(state: SessionState): {
  end: 'SUCCEED' | 'SUCCEED_PARTLY' | 'FAIL'
  missing: ExecutionState[]
  short?: string
} {
  const missing = executionsOf(state).filter(
    ({ key, status }) =>
      status !== 'ACCEPTED' &&
      status !== 'COMPENSATED' &&
      !aggregatorsOf(state, key).some((winner) => executionOf(state, winner.key).status === 'ACCEPTED'),
  )
  const short = state.plan.manager && shortOf(state)
  if (short !== undefined) return { end: 'FAIL', missing, short }
  if (missing.length === 0) return { end: 'SUCCEED', missing }
  const excused = ({ key }: ExecutionState): boolean => {
    const node = nodeOf(state, key)
    const groups = indexOf(state.plan).groupsOf.get(key) as readonly PlanGroup[]
    return node.optional || groups.some((group) => reachedQuorum(state, group))
  }
  return { end: missing.every(excused) ? 'SUCCEED_PARTLY' : 'FAIL', missing }
}

function shortOf(state: SessionState): string | undefined {
  const group = state.plan.groups.find((one) => one.onFailure === 'QUORUM' && !reachedQuorum(state, one))
  return group && `accepted of what was delegated: ${acceptedOf(state, group)}, the quorum is ${group.quorum}`
}

function reachedQuorum(state: SessionState, group: PlanGroup): boolean {
  if (group.onFailure !== 'QUORUM') return false
  return acceptedOf(state, group) >= (group.quorum ?? membersOf(state, group).length)
}

/** How many of a group were accepted. The rounds of a manager do none of the work. */
function acceptedOf(state: SessionState, group: PlanGroup): number {
  const work = membersOf(state, group).filter(({ key }) => nodeOf(state, key).kind !== 'MANAGE')
  return work.filter(({ status }) => status === 'ACCEPTED').length
}
