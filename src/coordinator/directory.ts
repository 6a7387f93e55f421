import type { AgentProfile } from '../core/agent.ts'
import type { Json } from '../core/json.ts'
import type { Timeouts } from '../core/plan.ts'
import type { Database } from '../store/db.ts'

/** An agent as its registration says. */
export interface AgentRecord extends AgentProfile {
  projectId: string | null
  version: number
  runtime: string
  runtimeConfig: Json
  timeouts: Partial<Timeouts> | null
}

/** Who is there, and how much a project may do at once. */
export interface Directory {
  /** The agents of a project and those of all projects; archived ones are not among them. */
  agentsOf(projectId: string): Promise<AgentRecord[]>
  agent(agentId: string): Promise<AgentRecord | undefined>
  /** Executions at once over all sessions of a project. */
  concurrencyOf(projectId: string): Promise<number>
}

/** How long an answer is believed, in milliseconds: short beside an execution, long beside a burst of them. */
const FRESH_MS = 250

export function createDirectory(database: Database, now: () => number): Directory {
  let read: Promise<{ agents: AgentRecord[]; concurrency: Map<string, number> }> | undefined
  let readAt = Number.NEGATIVE_INFINITY

  function all(): NonNullable<typeof read> {
    if (!read || now() - readAt >= FRESH_MS) {
      readAt = now()
      read = load()
      read.catch(() => {
        read = undefined
      })
    }
    return read
  }

  async function load(): Promise<{ agents: AgentRecord[]; concurrency: Map<string, number> }> {
    const agents = await database.query<AgentRecord>(
      `SELECT id, name, type::text AS type, description, capabilities, status::text AS status, slots,
         "projectId", version, runtime, "runtimeConfig", timeouts
       FROM "Agent" WHERE "archivedAt" IS NULL ORDER BY name, id`,
    )
    const projects = await database.query<{ id: string; concurrency: number }>(`SELECT id, concurrency FROM "Project"`)
    return { agents, concurrency: new Map(projects.map(({ id, concurrency }) => [id, concurrency])) }
  }

  return {
    async agentsOf(projectId) {
      const { agents } = await all()
      return agents.filter((agent) => agent.projectId === null || agent.projectId === projectId)
    },
    async agent(agentId) {
      return (await all()).agents.find(({ id }) => id === agentId)
    },
    async concurrencyOf(projectId) {
      return (await all()).concurrency.get(projectId) ?? 1
    },
  }
}
