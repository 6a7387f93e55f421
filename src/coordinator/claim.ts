import { executionById } from '../core/draft.ts'
import type { Json } from '../core/json.ts'
import type { PlanNode } from '../core/plan.ts'
import type { Assignment } from '../core/schedule.ts'
import type { SessionState } from '../core/state.ts'
import type { Happening } from '../core/step.ts'
import type { Work } from '../runtime.ts'
import type { AgentRecord } from '../store/store.ts'
import type { Parts } from './parts.ts'
import { stricter } from './stricter.ts'

/** Beyond an attempt's own limit: what stopping, storing and reporting may take before the attempt counts as LOST. */
const LEASE_SLACK_MS = 60_000

/** An attempt that this server has claimed. */
export interface Claimed {
  state: SessionState
  node: PlanNode
  agent: AgentRecord
  attemptId: string
  fence: number
  timeouts: Work['timeouts']
}

/** A claim that is about to be made. */
export interface Claiming {
  happening: Extract<Happening, { type: 'CLAIM' }>
  /** What has been claimed, once the session is so; undefined: it was refused, or somebody else was first. */
  made(state: SessionState): Claimed | undefined
}

/** What claims an execution for an agent. */
export function claimFor(
  { now, owner, runtimes }: Pick<Parts, 'now' | 'owner' | 'runtimes'>,
  node: PlanNode,
  agent: AgentRecord,
  assignment: Assignment,
  attemptId: string,
): Claiming {
  const { executionId } = assignment
  const timeouts = stricter(node.timeouts, agent.timeouts)
  const { id: agentId, version: agentVersion } = agent
  const waitMs = runtimes[agent.runtime]?.waitMs ?? 0
  const leaseUntil = now() + waitMs + timeouts.attemptMs + LEASE_SLACK_MS
  const attempt = { id: attemptId, agentId, agentVersion, owner, leaseUntil }
  return {
    happening: { type: 'CLAIM', executionId, attempt, selection: explain(assignment) },
    made(state) {
      const current = executionById(state, executionId)?.current
      if (current?.id !== attemptId || current.status !== 'RUNNING') return undefined
      return { state, node, agent, attemptId, fence: current.fence, timeouts }
    },
  }
}

/** Why this agent, and who came next, as it is stored and shown. */
function explain({ selection }: Assignment): Json {
  const { chosen, ranked } = selection
  return {
    score: chosen?.score ?? null,
    reasons: chosen?.reasons ?? [],
    runnersUp: ranked
      .filter(({ agentId }) => agentId !== chosen?.agentId)
      .slice(0, 3)
      .map(({ name, score }) => ({ name, score })),
  }
}
