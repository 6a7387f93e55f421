import type { AgentRecord, Store } from '../store/store.ts'

/** Who is there, and how much a project may do at once. */
export interface Directory {
  /** All that are not archived. */
  agents(): Promise<AgentRecord[]>
  /** The agents of a project and those of all projects; archived ones are not among them. */
  agentsOf(projectId: string): Promise<AgentRecord[]>
  agent(agentId: string): Promise<AgentRecord | undefined>
  /** Executions at once over all sessions of a project. */
  concurrencyOf(projectId: string): Promise<number>
}

/** How long an answer is believed, in milliseconds: short beside an execution, long beside a burst of them. */
const FRESH_MS = 250

export function createDirectory(store: Pick<Store, 'agents' | 'concurrencies'>, now: () => number): Directory {
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
    const agents = await store.agents()
    return { agents, concurrency: await store.concurrencies() }
  }

  return {
    agents: async () => (await all()).agents,
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
