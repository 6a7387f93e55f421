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
  /** What is known by now, for whoever cannot wait; undefined: nothing that could be believed. */
  known(): Known | undefined
}

/** The same without waiting for it. */
export interface Known {
  agentsOf(projectId: string): readonly AgentRecord[]
  concurrencyOf(projectId: string): number
}

/** How old what is believed without waiting may be, in milliseconds: it is read anew meanwhile. */
const STALE_MS = 2_000
/** How long an answer is believed, in milliseconds: short beside an execution, long beside a burst of them. */
const FRESH_MS = 250

export function createDirectory(store: Pick<Store, 'agents' | 'concurrencies'>, now: () => number): Directory {
  let read: Promise<Loaded> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let last: Loaded | undefined

  function all(): Promise<Loaded> {
    if (!read || now() - readAt >= FRESH_MS) {
      readAt = now()
      read = load()
      read.catch(() => {
        read = undefined
      })
    }
    return read
  }

  async function load(): Promise<Loaded> {
    const began = now()
    const agents = await store.agents()
    last = loadedOf(agents, await store.concurrencies(), began)
    return last
  }

  return {
    agents: async () => (await all()).agents,
    agentsOf: async (projectId) => (await all()).agentsOf(projectId),
    async agent(agentId) {
      return (await all()).agents.find(({ id }) => id === agentId)
    },
    concurrencyOf: async (projectId) => (await all()).concurrencyOf(projectId),
    known() {
      all().catch(() => {})
      return last && now() - last.at < STALE_MS ? last : undefined
    },
  }
}

interface Loaded extends Known {
  agents: AgentRecord[]
  agentsOf(projectId: string): AgentRecord[]
  /** Milliseconds since the epoch. */
  at: number
}

function loadedOf(agents: AgentRecord[], concurrency: ReadonlyMap<string, number>, at: number): Loaded {
  // The same array for the same agents: what follows from it alone can be kept beside it.
  const lists = new Map<string, AgentRecord[]>()
  return {
    agents,
    at,
    agentsOf(projectId) {
      let list = lists.get(projectId)
      if (!list) {
        list = agents.filter((agent) => agent.projectId === null || agent.projectId === projectId)
        lists.set(projectId, list)
      }
      return list
    },
    concurrencyOf: (projectId) => concurrency.get(projectId) ?? 1,
  }
}
