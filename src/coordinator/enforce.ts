import type { Problem } from '../core/check.ts'
import type { Plan, PlanNode, SubTask } from '../core/plan.ts'
import { capable, type Wanted } from '../core/select.ts'
import type { SessionPolicy } from '../core/state.ts'
import type { AgentRecord } from '../store/store.ts'
import { planOf } from './childPlan.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import { wantedOf } from './ready.ts'

/** What a plan is held against. */
export type Means = Pick<Parts, 'store' | 'runtimes' | 'workspaces'> & { directory: Directory }

/** E44: what cannot be enforced, or done by anybody, is refused when the plan is made. */
export async function checkPlan(
  means: Means,
  projectId: string,
  plan: Plan,
  about: { origin: 'CALLER' | 'WORDS'; policy: Pick<SessionPolicy, 'isolation'> },
): Promise<Problem[]> {
  const agents = await means.directory.agentsOf(projectId)
  const problems: Problem[] = []
  for (const [index, node] of plan.nodes.entries()) {
    const messages = [
      ...agentProblems(node, agents, about.origin),
      ...(await gateProblems(node, agents, means.runtimes)),
      // What changes in a worktree is known.
      ...(about.policy.isolation === 'WORKTREES' ? [] : await changeProblems(means, projectId, node)),
      ...(node.session ? await childProblems(means, projectId, node, about.policy) : []),
    ]
    problems.push(...messages.map((message) => ({ path: ['plan', 'nodes', `${index}`], message })))
  }
  return problems
}

/**
 * The same for a policy that has a session rolled back instead of failing: it is refused where there would be nothing to
 * do. With compensations it is kept, though a workspace under no version control stays as it is then.
 */
export async function checkRollback(
  means: Pick<Means, 'store' | 'workspaces'>,
  projectId: string,
  plan: Plan,
  { rollback, isolation }: Pick<SessionPolicy, 'rollback' | 'isolation'>,
): Promise<Problem[]> {
  if (!rollback || isolation === 'WORKTREES' || plan.nodes.some(isUndone)) return []
  const plain = await plainWorkspace(means, projectId)
  if (plain === undefined) return []
  const message = `nothing could be undone: no part has a compensation, and ${plain} is not in a git repository; run "git init" there, or give parts compensations`
  return [{ path: ['policy', 'rollback'], message }]
}

/** Whether it has a compensation, or something of its session has. */
function isUndone({ compensation, session }: Pick<SubTask, 'compensation' | 'session'>): boolean {
  return compensation !== undefined || (session?.parts ?? []).some(isUndone)
}

/** The workspace, if it is under no version control. */
async function plainWorkspace(
  { store, workspaces }: Pick<Means, 'store' | 'workspaces'>,
  projectId: string,
): Promise<string | undefined> {
  const workspace = await store.workspace(projectId)
  return workspace === undefined || (await workspaces.keeps(workspace)) ? undefined : workspace
}

async function childProblems(
  means: Means,
  projectId: string,
  { key, session }: PlanNode,
  policy: Pick<SessionPolicy, 'isolation'>,
): Promise<string[]> {
  const plan = planOf(session as NonNullable<typeof session>, { concurrency: 1 })
  const problems = await checkPlan(means, projectId, plan, { origin: 'CALLER', policy })
  return problems.map(({ message }) => `in the session "${key}": ${message}`)
}

/** Nobody who could do it, take over from the one that fails, or undo it. */
function agentProblems(node: PlanNode, agents: readonly AgentRecord[], origin: 'CALLER' | 'WORDS'): string[] {
  const { key, kind, fallback = [], compensation } = node
  const text = (wanted: Wanted, from: typeof origin): string[] => {
    const { able, reason } = capable(wanted, agents, from)
    return able.length > 0 ? [] : [`"${key}": ${reason}`]
  }
  const unknown = fallback.filter((name) => !agents.some((agent) => agent.name === name || agent.id === name))
  const undo = compensation && (compensation.agent !== undefined || (compensation.capabilities ?? []).length > 0)
  return [
    ...(kind === 'TASK' || kind === 'MANAGE' ? text(wantedOf(node), origin) : []),
    ...unknown.map((name) => `"${key}": no agent is called "${name}", which is to take over`),
    ...(undo
      ? text(
          {
            capabilities: compensation.capabilities ?? [],
            text: `${compensation.title}. ${compensation.description ?? ''}`,
            ...(compensation.agent !== undefined && { agent: compensation.agent }),
          },
          'CALLER',
        )
      : []),
  ]
}

/** Gates that ask what has changed where nobody knows what was there before. */
async function changeProblems(means: Means, projectId: string, { key, gates = [] }: PlanNode): Promise<string[]> {
  const asks = gates.some((gate) => gate.kind === 'FILES' && gate.changed !== undefined)
  const plain = asks ? await plainWorkspace(means, projectId) : undefined
  if (plain === undefined) return []
  return [
    `"${key}": the gate FILES cannot be enforced: ${plain} is not in a git repository, so that nobody knows what has changed there; run "git init" there, or say "exist" instead of "changed"`,
  ]
}

/** Gates whose command, or whose judge, is not there. */
async function gateProblems(
  { key, gates = [] }: PlanNode,
  agents: readonly AgentRecord[],
  runtimes: Parts['runtimes'],
): Promise<string[]> {
  const problems: string[] = []
  for (const gate of gates) {
    if (gate.kind === 'COMMAND') {
      const why = runtimes.command
        ? await runtimes.command.check({ command: gate.command })
        : 'this server runs no commands'
      if (why !== undefined) problems.push(`"${key}": the gate COMMAND cannot be enforced: ${why}`)
    }
    if (gate.kind === 'JUDGE') {
      const wanted = { capabilities: gate.agent === undefined ? ['judge'] : [], text: gate.criteria }
      const { able, reason } = capable({ ...wanted, ...(gate.agent && { agent: gate.agent }) }, agents, 'CALLER')
      if (able.length === 0) problems.push(`"${key}": the gate JUDGE cannot be enforced: ${reason}`)
    }
  }
  return problems
}
