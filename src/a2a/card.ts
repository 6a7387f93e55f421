import { AgentCard } from '@a2a-js/sdk'
import type { A2aServerDefinition } from './definition.ts'

/** Where an agent shows its card, and where Tutti is spoken to. */
export const CARD_PATH = '/.well-known/agent-card.json'
export const RPC_PATH = '/a2a'

/** What is taken and given: text, and data. */
const MODES = ['text/plain', 'application/json']

/** How Tutti shows itself to other agents. @param url where it is reached, without a path */
export function cardOf(definition: A2aServerDefinition, url: string, version: string): AgentCard {
  const { name, description, skills = [ORCHESTRATE] } = definition
  return AgentCard.fromJSON({
    name,
    description,
    version,
    supportedInterfaces: [{ url: new URL(RPC_PATH, url).href, protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
    capabilities: { streaming: true, pushNotifications: false, extendedAgentCard: false },
    securitySchemes: {
      token: { httpAuthSecurityScheme: { scheme: 'Bearer', description: 'A token of this server.' } },
    },
    securityRequirements: [{ schemes: { token: { list: [] } } }],
    defaultInputModes: MODES,
    defaultOutputModes: [...MODES, 'application/octet-stream'],
    skills,
  })
}

const ORCHESTRATE = {
  id: 'orchestrate',
  name: 'Orchestrate',
  description:
    'Plans a task in plain words, has it done by a team of agents, and hands over their results as artifacts.',
  tags: ['planning', 'orchestration'],
}
