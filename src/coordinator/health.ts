import { degradedBy } from '../core/health.ts'
import type { Parts } from './parts.ts'

/**
 * Proves the registered agents alive, or not: asks each one's runtime whether it could run it now. Agents that a person
 * DISABLED stay so. One that could, but has failed lately, is DEGRADED.
 *
 * @param only name of the runtime whose agents are asked; all of them unless told
 * @returns how many have changed their status
 */
export async function checkAgents(
  { store, runtimes, now }: Pick<Parts, 'store' | 'runtimes' | 'now'>,
  only?: string,
): Promise<number> {
  let changed = 0
  const all = await store.agents()
  const agents = all.filter(({ status, runtime }) => status !== 'DISABLED' && runtime === (only ?? runtime))
  const ends = await store.lastEnds(agents.map(({ id }) => id))
  for (const agent of agents) {
    const runtime = runtimes[agent.runtime]
    const reason = runtime
      ? await runtime.check(agent.runtimeConfig, agent.id).catch((error: Error) => `its check failed: ${error.message}`)
      : `this server has no runtime "${agent.runtime}"; it has ${Object.keys(runtimes).join(', ')}`
    const degraded = reason === undefined ? degradedBy(ends.get(agent.id) ?? [], now()) : undefined
    const status = reason !== undefined ? 'OFFLINE' : degraded === undefined ? 'ONLINE' : 'DEGRADED'
    const why = reason ?? degraded ?? null
    if (status === agent.status && why === agent.statusReason) continue
    // A person may have switched it off while it was being asked.
    if (await store.setAgentStatus(agent.id, status, why, now())) changed += 1
  }
  return changed
}
