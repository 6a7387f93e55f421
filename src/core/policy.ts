import { enough } from './aggregate.ts'
import { executionOf, executionsOf, nodeOf } from './draft.ts'
import { type ExecutionState, isSettled } from './execution.ts'
import type { PlanGroup, PlanNode } from './plan.ts'
import { branchesOf } from './ready.ts'
import type { SessionState } from './state.ts'

/** The group of a node and those above it. */
function groupsOf({ plan }: SessionState, node: PlanNode): PlanGroup[] {
  const chain: PlanGroup[] = []
  let name: string | undefined = node.group
  while (name !== undefined) {
    const group = plan.groups.find(({ key }) => key === name)
    if (!group) break
    chain.push(group)
    name = group.parent
  }
  return chain
}

/** The executions of a group and of the groups below it. */
function membersOf(state: SessionState, group: PlanGroup): ExecutionState[] {
  return state.plan.nodes
    .filter((node) => groupsOf(state, node).includes(group))
    .map(({ key }) => executionOf(state, key))
}

/**
 * Why an execution that has not settled has to stop for the sake of another one: that failed and the group fails fast, too
 * many have failed for the group's quorum, or the aggregator of its branch has what it needs (rule 6).
 */
export function stopCause(state: SessionState, node: PlanNode): { causeId: string; reason: string } | undefined {
  for (const group of groupsOf(state, node)) {
    if (group.onFailure === 'CONTINUE') continue
    const members = membersOf(state, group)
    if (group.onFailure === 'FAIL_FAST') {
      const failed = members.find(({ key, status }) => status === 'FAILED' && !nodeOf(state, key).optional)
      if (failed) return { causeId: failed.id, reason: `${failed.key} failed and its group fails fast` }
      continue
    }
    const { quorum = members.length } = group
    const given = members.filter(({ status }) => isSettled(status) && status !== 'ACCEPTED')
    if (members.length - given.length < quorum) {
      const culprit = given.find(({ status }) => status === 'FAILED') ?? (given[0] as ExecutionState)
      const causeId = culprit.causeId ?? culprit.id
      return { causeId, reason: `only ${members.length - given.length} can be accepted, the quorum is ${quorum}` }
    }
  }
  const winner = aggregatorsOf(state, node.key).find(({ key }) => isSettled(executionOf(state, key).status))
  if (!winner) return undefined
  return { causeId: executionOf(state, winner.key).id, reason: `${winner.key} has what it needs` }
}

/** The aggregators that go on as soon as they have enough, for one branch. */
function aggregatorsOf({ plan }: SessionState, key: string): PlanNode[] {
  return plan.nodes.filter(({ join, after }) => join === 'ENOUGH' && after.includes(key))
}

/** Whether what comes before a node has come far enough (rule 1), or who is to blame that it never will. */
export function comesBefore(
  state: SessionState,
  node: PlanNode,
): { kind: 'READY' } | { kind: 'NOT_YET' } | { kind: 'NEVER'; culprit: ExecutionState } {
  // An item that is skipped still keeps its place between two stages, or their buffer would not be bounded.
  if (!(node.behind ?? []).every((key) => isSettled(executionOf(state, key).status))) return { kind: 'NOT_YET' }
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
  return enough(node.kind as 'FIRST' | 'VOTE', node.votes ?? 1, branchesOf(state, node))
}

/**
 * Rule 6: SUCCEEDED = all accepted; PARTIAL = every required one accepted, some other not; else FAILED. Branches are not
 * missed once their aggregator has had enough; within a group that reached its quorum none is required.
 */
export function outcome(state: SessionState): {
  end: 'SUCCEED' | 'SUCCEED_PARTLY' | 'FAIL'
  missing: ExecutionState[]
} {
  const missing = executionsOf(state).filter(
    ({ key, status }) =>
      status !== 'ACCEPTED' &&
      status !== 'COMPENSATED' &&
      !aggregatorsOf(state, key).some((winner) => executionOf(state, winner.key).status === 'ACCEPTED'),
  )
  if (missing.length === 0) return { end: 'SUCCEED', missing }
  const excused = ({ key }: ExecutionState): boolean => {
    const node = nodeOf(state, key)
    return node.optional || groupsOf(state, node).some((group) => reachedQuorum(state, group))
  }
  return { end: missing.every(excused) ? 'SUCCEED_PARTLY' : 'FAIL', missing }
}

function reachedQuorum(state: SessionState, group: PlanGroup): boolean {
  if (group.onFailure !== 'QUORUM') return false
  const members = membersOf(state, group)
  return members.filter(({ status }) => status === 'ACCEPTED').length >= (group.quorum ?? members.length)
}
