import { hash } from '../../core/hash.ts'
import type { McpTool } from '../../mcp/servers.ts'
import type { Tool } from './tool.ts'

/** Characters of what a server says of a tool. */
const MAX_DESCRIPTION = 2_000

/** The tools of MCP servers as a model has them. What they answer is material, and marked as such. */
export function mcpTools(tools: readonly McpTool[]): Tool[] {
  return tools.map(({ name, origin, description, schema, approve, call }) => ({
    name,
    right: 'mcp',
    approve,
    description: `${description.slice(0, MAX_DESCRIPTION)}\n(Tool ${origin.tool} of the MCP server ${origin.server}.)`,
    input: { jsonSchema: schema },
    // oxlint-disable-next-line require-yield
    async *perform({ signal, work }, input) {
      const { ok, text } = await call((input ?? {}) as Record<string, unknown>, signal)
      const detail = { ...origin, resultSha256: hash(text), characters: text.length }
      // Nobody can write the mark beforehand: it follows from the text and from the attempt.
      const mark = `data-${hash([work.attemptId, text]).slice(0, 12)}`
      return { ok, text: `<${mark} name=${JSON.stringify(name)}>\n${text}\n</${mark}>`, detail }
    },
  }))
}
