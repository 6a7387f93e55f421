import type { McpServer } from '@agentclientprotocol/sdk'
import { type McpDefinition, unknownServer } from '../../mcp/definition.ts'
import { locate } from '../../mcp/servers.ts'
import type { Environment } from '../../processes/environment.ts'
import type { Failure } from '../../processes/failure.ts'

/** What only whoever speaks with a server can hold, and that is the agent then. */
const UNHELD = ['tools', 'approve', 'sandbox'] as const

/**
 * MCP servers as an agent is told of them: it starts the programs and speaks with all of them itself.
 *
 * @param own set for programs beside their definition
 */
export async function handOn(
  names: readonly string[],
  servers: Readonly<Record<string, McpDefinition>>,
  environment: Environment,
  own: Readonly<Record<string, string>>,
): Promise<McpServer[] | Failure> {
  const unknown = unknownServer(names, servers)
  if (unknown !== undefined) return { class: 'VALIDATION', message: unknown }
  const handed: McpServer[] = []
  for (const name of names) {
    const definition = servers[name] as McpDefinition
    const unheld = UNHELD.filter((key) => definition[key] !== undefined)
    if (unheld.length > 0) {
      const message = `MCP server "${name}": ${unheld.join(' and ')} cannot be held for a coding agent, which speaks with it itself`
      const advice = 'Give it one without, and say in its permissions and its sandbox what it may do.'
      return { class: 'VALIDATION', message: `${message}. ${advice}` }
    }
    const found = await locate(name, definition, environment, own)
    if ('class' in found) return found
    handed.push(
      'headers' in found
        ? { type: 'http', name, url: definition.url as string, headers: listOf(found.headers) }
        : { name, command: found.file, args: found.args, env: listOf(found.env) },
    )
  }
  return handed
}

function listOf(values: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }))
}
