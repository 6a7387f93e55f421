import type { Client } from './client.ts'
import { AgentsQuery } from './operations.ts'
import { everyPage } from './pages.ts'

/** An agent, as it is listed. */
export interface AgentLine {
  name: string
  type: string
  status: string
  /** Why it is not ONLINE, with the next step. */
  reason: string | null
  capabilities: readonly string[]
  slots: number
}

/** All agents that are in use, by name. */
export async function agentsOf(client: Client): Promise<AgentLine[]> {
  const agents = await everyPage((after) => client.ask(AgentsQuery, { after }).then((answer) => answer.agents))
  return agents.map(({ name, type, status, reason, capabilities, slots }) => {
    return { name, type, status, reason: reason ?? null, capabilities, slots }
  })
}
