import type { Ended } from '../core/health.ts'
import type { Query } from './driver.ts'

/** Beyond those that count, attempts that were stopped say nothing. */
const LOOKED_AT = 10

/** See `Store.lastEnds`. */
export async function lastEnds(query: Query, agentIds: readonly string[]): Promise<Map<string, Ended[]>> {
  if (agentIds.length === 0) return new Map()
  const rows = await query<Ended & { agentId: string }>(
    `SELECT a."agentId", a.status::text AS status, a.error ->> 'class' AS "errorClass", a.error ->> 'message' AS message,
       (extract(epoch FROM a."endedAt") * 1000)::float8 AS "endedAt"
     FROM unnest($1::uuid[]) AS wanted(id) JOIN "Agent" g ON g.id = wanted.id, LATERAL (
       SELECT * FROM "Attempt" t WHERE t."agentId" = wanted.id AND t."endedAt" IS NOT NULL AND t."agentVersion" = g.version
       ORDER BY t."startedAt" DESC LIMIT ${LOOKED_AT}
     ) a ORDER BY a."startedAt" DESC`,
    [[...agentIds]],
  )
  const ends = new Map<string, Ended[]>()
  for (const { agentId, ...ended } of rows) ends.set(agentId, [...(ends.get(agentId) ?? []), ended])
  return ends
}
