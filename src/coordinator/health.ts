import type { Parts } from './parts.ts'

/**
 * Proves the registered agents alive, or not: asks each one's runtime whether it could run it now. Agents that a person
 * DISABLED stay so.
 *
 * @returns how many have changed their status
 */
export async function checkAgents({
  store,
  runtimes,
  now,
}: Pick<Parts, 'store' | 'runtimes' | 'now'>): Promise<number> {
  let changed = 0
  for (const agent of await store.agents()) {
    if (agent.status === 'DISABLED') continue
    const runtime = runtimes[agent.runtime]
    const reason = runtime
      ? await runtime.check(agent.runtimeConfig).catch((error: Error) => `its check failed: ${error.message}`)
      : `this server has no runtime "${agent.runtime}"; it has ${Object.keys(runtimes).join(', ')}`
    const status = reason === undefined ? 'ONLINE' : 'OFFLINE'
    if (status === agent.status && (reason ?? null) === agent.statusReason) continue
    // A person may have switched it off while it was being asked.
    if (await store.setAgentStatus(agent.id, status, reason ?? null, now())) changed += 1
  }
  return changed
}
