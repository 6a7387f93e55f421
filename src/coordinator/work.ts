import type { Amounts } from '../core/budget.ts'
import type { ExecutionState } from '../core/execution.ts'
import type { Plan, PlanNode } from '../core/plan.ts'
import type { SessionState } from '../core/state.ts'
import type { Crew, UpstreamResult, Work } from '../runtime.ts'
import type { AgentRecord, TaskText } from '../store/store.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import type { Tools } from './tools.ts'

/** What a runtime is handed: the frozen input, with the results that it refers to. */
export async function workOf(
  { store, artifacts, directory }: Pick<Tools, 'store' | 'artifacts' | 'directory'>,
  state: SessionState,
  node: PlanNode,
  agent: AgentRecord,
  attempt: { attemptId: string; fence: number; outputDir: string; timeouts: Work['timeouts'] },
): Promise<Work> {
  const execution = state.executions[node.key] as SessionState['executions'][string]
  const upstream = node.needs.map((key) => state.executions[key] as SessionState['executions'][string])
  // A carried result's artifacts stand with the execution that made them.
  const makerOf = ({ id, carriedId }: ExecutionState): string => carriedId ?? id
  const makers = upstream.filter(({ artifactCount, carriedId }) => artifactCount !== undefined || carriedId)
  const [{ task, workspace }, kept, names] = await Promise.all([
    taskOf(store, state),
    makers.length > 0 ? store.artifacts(makers.map(makerOf)) : [],
    Promise.all(upstream.map(({ agentId }) => (agentId === undefined ? null : nameOf(directory, store, agentId)))),
  ])
  return {
    sessionId: state.id,
    executionId: execution.id,
    attemptId: attempt.attemptId,
    attempt: execution.attempt,
    fence: attempt.fence,
    key: node.key,
    title: node.title,
    description: node.description,
    task,
    agent: { id: agent.id, name: agent.name, type: agent.type },
    ...(node.kind === 'MANAGE' && { wanted: 'LEDGER' as const, crew: await crewOf(directory, state) }),
    ...(node.gates && node.gates.length > 0 && { gates: node.gates }),
    input: node.input ?? null,
    upstream: upstream.map((e, index): UpstreamResult => {
      const { key, status, summary, output, error } = e
      const produced = kept.filter(({ executionId }) => executionId === makerOf(e))
      return {
        key,
        title: state.plan.nodes[e.position]?.title ?? key,
        agent: names[index] ?? null,
        status,
        summary: summary ?? null,
        output: output ?? null,
        error: error ? { ...error } : null,
        artifacts: produced.map(({ id, name, kind, mediaType, size, sha256 }) => {
          return { id, name, kind, mediaType, size, sha256, path: artifacts.path(sha256) }
        }),
      }
    }),
    feedback: (execution.feedback ?? []).map((item) => ({ ...item })),
    replies: (execution.replies ?? []).map((item) => ({ ...item })),
    notes: state.inputs.slice(0, execution.input?.inputs ?? 0).map(({ text }) => text),
    allowance: allowanceOf(state, execution.current?.reserved),
    workspace,
    outputDir: attempt.outputDir,
    timeouts: attempt.timeouts,
    runtimeConfig: agent.runtimeConfig,
  }
}

/** Whom a manager may delegate to, and how much still: what its ledger is held against. */
async function crewOf(directory: Directory, { plan, projectId, ledger }: SessionState): Promise<Crew> {
  const delegated = plan.nodes.filter(({ kind }) => kind !== 'MANAGE').length
  const { maxChildren = 0, maxRounds = 0 } = plan.manager ?? {}
  const agents = await directory.agentsOf(projectId)
  return {
    agents: agents.map(({ name, type, description, capabilities }) => ({ name, type, description, capabilities })),
    taken: plan.nodes.map(({ key }) => key),
    left: Math.max(0, maxChildren - delegated),
    roundsLeft: Math.max(0, maxRounds - (ledger?.round ?? 0)),
  }
}

/** What is to be done does not change while it is being done: it is read once. A plan belongs to one session. */
const tasks = new WeakMap<Plan, TaskText>()

/** What was read already when a plan was made. */
export function knowTask(plan: Plan, text: TaskText): void {
  tasks.set(plan, text)
}

/** What the task of a session says, and where it is carried out. */
export async function taskOf(store: Parts['store'], { plan, taskId }: SessionState): Promise<TaskText> {
  const known = tasks.get(plan) ?? (await store.taskText(taskId))
  tasks.set(plan, known)
  return known
}

/** Of an agent that may be archived by now. */
async function nameOf(directory: Directory, store: Parts['store'], agentId: string): Promise<string | null> {
  return (await directory.agent(agentId))?.name ?? (await store.agentName(agentId)) ?? null
}

/** What a limited budget leaves an attempt, or a judge, that has put something aside. */
export function allowanceOf({ budget }: SessionState, reserved: Amounts | undefined): Work['allowance'] {
  const limit = (unit: 'TOKENS' | 'COST', amount: number): number | null =>
    budget[unit].hard === undefined ? null : amount
  return { tokens: limit('TOKENS', reserved?.tokens ?? 0), cost: limit('COST', reserved?.cost ?? 0) }
}
