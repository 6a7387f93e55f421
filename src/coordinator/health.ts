import type { Parts } from './parts.ts'

/**
 * Proves the registered agents alive, or not: asks each one's runtime whether it could run it now. Agents that a person
 * DISABLED stay so.
 *
 * @returns how many have changed their status
 */
export async function checkAgents({ database, runtimes, now }: Parts): Promise<number> {
  const agents = await database.query<{
    id: string
    status: string
    statusReason: string | null
    runtime: string
    runtimeConfig: never
  }>(
    `SELECT id, status::text AS status, "statusReason", runtime, "runtimeConfig" FROM "Agent"
     WHERE "archivedAt" IS NULL AND status <> 'DISABLED'`,
  )
  let changed = 0
  for (const agent of agents) {
    const runtime = runtimes[agent.runtime]
    const reason = runtime
      ? await runtime.check(agent.runtimeConfig).catch((error: Error) => `its check failed: ${error.message}`)
      : `this server has no runtime "${agent.runtime}"; it has ${Object.keys(runtimes).join(', ')}`
    const status = reason === undefined ? 'ONLINE' : 'OFFLINE'
    if (status === agent.status && (reason ?? null) === agent.statusReason) continue
    // A person may have switched it off while it was being asked.
    const updated = await database.query(
      `UPDATE "Agent" SET status = $2::"AgentStatus", "statusReason" = $3, "updatedAt" = $4
       WHERE id = $1 AND status <> 'DISABLED' RETURNING id`,
      [agent.id, status, reason ?? null, new Date(now())],
    )
    changed += updated.length
  }
  return changed
}
