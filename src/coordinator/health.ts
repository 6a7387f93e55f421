import type { Parts } from './parts.ts'

/**
 * Proves the registered agents alive, or not: asks each one's runtime whether it could run it now. Agents that a person
 * DISABLED stay so.
 *
 * @param only name of the runtime whose agents are asked; all of them unless told
 * @returns how many have changed their status
 */
export async function checkAgents(
  { store, runtimes, now }: Pick<Parts, 'store' | 'runtimes' | 'now'>,
  only?: string,
): Promise<number> {
  let changed = 0
  for (const agent of await store.agents()) {
    if (agent.status === 'DISABLED' || agent.runtime !== (only ?? agent.runtime)) continue
    const runtime = runtimes[agent.runtime]
    const reason = runtime
      ? await runtime.check(agent.runtimeConfig, agent.id).catch((error: Error) => `its check failed: ${error.message}`)
      : `this server has no runtime "${agent.runtime}"; it has ${Object.keys(runtimes).join(', ')}`
    const status = reason === undefined ? 'ONLINE' : 'OFFLINE'
    if (status === agent.status && (reason ?? null) === agent.statusReason) continue
    // A person may have switched it off while it was being asked.
    if (await store.setAgentStatus(agent.id, status, reason ?? null, now())) changed += 1
  }
  return changed
}
