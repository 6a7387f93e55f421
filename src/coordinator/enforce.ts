import type { Problem } from '../core/check.ts'
import type { Plan, PlanNode } from '../core/plan.ts'
import { capable, type Wanted } from '../core/select.ts'
import type { AgentRecord } from '../store/store.ts'
import { planOf } from './childPlan.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import { wantedOf } from './ready.ts'

/** Rule 9: what cannot be enforced, or done by anybody, is refused when the plan is made. */
export async function checkPlan(
  { directory, runtimes }: Pick<Parts, 'runtimes'> & { directory: Directory },
  projectId: string,
  plan: Plan,
  origin: 'CALLER' | 'WORDS',
): Promise<Problem[]> {
  const agents = await directory.agentsOf(projectId)
  const problems: Problem[] = []
  for (const [index, node] of plan.nodes.entries()) {
    const messages = [
      ...agentProblems(node, agents, origin),
      ...(await gateProblems(node, agents, runtimes)),
      ...(node.session ? await childProblems({ directory, runtimes }, projectId, node) : []),
    ]
    problems.push(...messages.map((message) => ({ path: ['plan', 'nodes', `${index}`], message })))
  }
  return problems
}

async function childProblems(
  tools: Pick<Parts, 'runtimes'> & { directory: Directory },
  projectId: string,
  { key, session }: PlanNode,
): Promise<string[]> {
  const plan = planOf(session as NonNullable<typeof session>, { concurrency: 1 })
  const problems = await checkPlan(tools, projectId, plan, 'CALLER')
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
