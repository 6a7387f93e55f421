import type { AgentType, WorkspaceUse } from '../core/agent.ts'
import { canonical } from '../core/hash.ts'
import type { Json } from '../core/json.ts'
import type { Timeouts } from '../core/plan.ts'
import type { Query } from './driver.ts'

/** What registers an agent. */
export interface Registration {
  /** Null: for every project. */
  projectId: string | null
  name: string
  type: AgentType
  description: string
  capabilities: readonly string[]
  runtime: string
  runtimeConfig: Json
  /** Executions at once. */
  slots: number
  timeouts: Partial<Timeouts> | null
  /** SHARED if left out. */
  workspace?: WorkspaceUse
  /** Who keeps it up to date: the operator's configuration, or clients of the API. */
  origin: 'CONFIGURATION' | 'API'
}

interface Registered extends Registration {
  id: string
  version: number
}

const KEEPS = `"projectId", name, type::text AS type, description, capabilities, runtime, "runtimeConfig", slots, timeouts, workspace::text AS workspace, origin`

/**
 * Registers an agent, or a new version of the one with this name in the project; each version is kept. The same
 * registration again changes nothing. Call it inside of a transaction.
 *
 * @param newId id for a new agent
 */
export async function registerAgent(
  query: Query,
  registration: Registration,
  newId: string,
  now: number,
): Promise<{ id: string; version: number; changed: boolean }> {
  const full = { workspace: 'SHARED' as const, ...registration }
  const {
    projectId,
    name,
    type,
    description,
    capabilities,
    runtime,
    runtimeConfig,
    slots,
    timeouts,
    workspace,
    origin,
  } = full
  // Two registrations of one name at once take turns; the lock goes with the transaction.
  await query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`agent:${projectId ?? ''}:${name}`])
  const [known] = await query<Registered>(
    `SELECT id, version, ${KEEPS} FROM "Agent"
     WHERE name = $1 AND "projectId" IS NOT DISTINCT FROM $2::uuid AND "archivedAt" IS NULL`,
    [name, projectId],
  )
  if (known) {
    const { id, version, ...rest } = known
    if (canonical(rest) === canonical(full)) return { id, version, changed: false }
  }
  const values = [
    known?.id ?? newId,
    projectId,
    name,
    type,
    description,
    [...capabilities],
    runtime,
    JSON.stringify(runtimeConfig),
    slots,
    timeouts === null ? null : JSON.stringify(timeouts),
    origin,
    new Date(now),
    workspace,
  ]
  const [row] = await query<{ id: string; version: number }>(
    `INSERT INTO "Agent" (id, "projectId", name, type, description, capabilities, runtime, "runtimeConfig", slots,
       timeouts, origin, "createdAt", "updatedAt", workspace)
     VALUES ($1, $2, $3, $4::"AgentType", $5, $6, $7, $8::jsonb, $9, $10::jsonb, $11, $12, $12, $13::"WorkspaceUse")
     ON CONFLICT (id) DO UPDATE SET type = EXCLUDED.type, description = EXCLUDED.description,
       capabilities = EXCLUDED.capabilities, runtime = EXCLUDED.runtime, "runtimeConfig" = EXCLUDED."runtimeConfig",
       slots = EXCLUDED.slots, timeouts = EXCLUDED.timeouts, workspace = EXCLUDED.workspace, origin = EXCLUDED.origin,
       "updatedAt" = EXCLUDED."updatedAt", version = "Agent".version + 1
     RETURNING id, version`,
    values,
  )
  const { id, version } = row as { id: string; version: number }
  await query(
    `INSERT INTO "AgentVersion" ("agentId", version, registration, "createdAt") VALUES ($1, $2, $3::jsonb, $4)`,
    [id, version, JSON.stringify(kept(full)), new Date(now)],
  )
  return { id, version, changed: true }
}

/** What is kept of each version: all that can change. */
function kept({ projectId: _project, name: _name, ...rest }: Registration): Json {
  return rest as unknown as Json
}

/** Archives the agents that came from the configuration and no longer stand in it. */
export async function archiveUnconfigured(query: Query, names: readonly string[], now: number): Promise<void> {
  await query(
    `UPDATE "Agent" SET "archivedAt" = $2 WHERE origin = 'CONFIGURATION' AND "archivedAt" IS NULL AND NOT name = ANY($1)`,
    [[...names], new Date(now)],
  )
}
