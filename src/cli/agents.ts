import type { CliRegisterAgentMutation } from '../generated/gql/graphql.ts'
import type { AgentType } from '../core/agent.ts'
import { AgentsQuery } from './agent-operations.ts'
import type { Client } from './client.ts'
import { everyPage } from './pages.ts'
import { uuidOf } from './result.ts'

/** An agent, as it is listed. */
export interface AgentLine {
  /** Its UUID. */
  id: string
  name: string
  /** Name of the one project that may use it; null: all. */
  project: string | null
  type: AgentType
  runtime: string
  version: number
  status: string
  /** Why it is not ONLINE, with the next step. */
  reason: string | null
  capabilities: readonly string[]
  slots: number
  /** Who keeps the registration: CONFIGURATION or API. */
  origin: string
}

type Told = Extract<CliRegisterAgentMutation['registerAgent'], { __typename: 'RegisterAgentSuccess' }>['agent']

/** An agent, as it comes from the server. */
export const lineOf = ({ id, project, reason, ...agent }: Told): AgentLine => ({
  ...agent,
  id: uuidOf(id),
  project: project?.name ?? null,
  reason: reason ?? null,
})

/** Agents that are in use, by name; all of them unless told. */
export async function agentsOf(
  client: Client,
  filter: { type?: AgentType; runtime?: string } = {},
): Promise<AgentLine[]> {
  const agents = await everyPage((after) => client.ask(AgentsQuery, { after, filter }).then((answer) => answer.agents))
  return agents.map(lineOf)
}

/** Whether it takes work, now or once it has a free slot. */
export const takesWork = ({ status }: Pick<AgentLine, 'status'>): boolean =>
  status !== 'OFFLINE' && status !== 'DISABLED'
