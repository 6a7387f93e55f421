import type * as Sdk from '@modelcontextprotocol/client'
import type { Tool } from '@modelcontextprotocol/client'
import type { Failure } from '../processes/failure.ts'
import { boundedFetch } from './bounded-fetch.ts'
import type { McpDefinition } from './definition.ts'
import { classOf, reasonOf } from './failure.ts'
import type { ProgramTransport } from './program.ts'
import { textOf } from './result.ts'

/** What came of a call. */
export interface CallResult {
  ok: boolean
  /** What the tool has said, or why it has said nothing; inert, and cut to the limit. */
  text: string
}

/** A server that answers. */
export interface Connection {
  /** Those that agents may use. */
  tools: Tool[]
  /** Never throws: what goes wrong stands in the result. */
  call(tool: string, input: Record<string, unknown>, signal: AbortSignal): Promise<CallResult>
  /** Ends it with all that belongs to it. */
  close(): Promise<void>
}

/** How to reach a server: a program that can be started, or the headers for its address. */
export type Way = { program: ProgramTransport } | { headers: Record<string, string> }

/** Tools of one server; with more no model finds the right one. */
const MAX_TOOLS = 128
/** Characters of what a server says of one tool, and of the schema of its arguments. */
const MAX_TOOL_CHARACTERS = 20_000
/** How long a server may take to be told of the end, in milliseconds. */
const FAREWELL_MS = 2_000

/** Schemas come from servers: none of them is run here. The server itself checks what it is sent. */
const NO_VALIDATOR: Sdk.jsonSchemaValidator = {
  getValidator: <T>() =>
    ((input) => ({ valid: true, data: input as T, errorMessage: undefined })) as Sdk.JsonSchemaValidator<T>,
}

/**
 * Connects to a server and learns its tools, or says why not.
 *
 * Programs are asked by the handshake of 2025, which all of them know; servers over HTTP are first asked for that of 2026.
 */
export async function connect(
  name: string,
  definition: McpDefinition,
  way: Way,
  signal: AbortSignal,
): Promise<Connection | Failure> {
  // Takes 0.1 s, which only those wait for who have such a server.
  const sdk = await import('@modelcontextprotocol/client')
  const { connectMs, callMs, resultCharacters, messageBytes } = definition.limits
  const program = 'program' in way ? way.program : undefined
  const remote =
    'headers' in way
      ? new sdk.StreamableHTTPClientTransport(new URL(definition.url as string), {
          requestInit: { headers: way.headers },
          fetch: boundedFetch(messageBytes),
        })
      : undefined
  const client = new sdk.Client(
    { name: 'tutti', version: '1' },
    { jsonSchemaValidator: NO_VALIDATOR, ...(remote && { versionNegotiation: { mode: 'auto' } }) },
  )
  const why = (error: unknown): string => {
    const reason = reasonOf(sdk, error)
    const trouble = program?.trouble()
    return trouble === undefined ? reason : `${reason} (${trouble})`
  }

  async function close(): Promise<void> {
    if (remote?.sessionId !== undefined) {
      const patience = AbortSignal.timeout(FAREWELL_MS)
      const late = new Promise<void>((resolve) => patience.addEventListener('abort', () => resolve()))
      await Promise.race([remote.terminateSession().catch(() => {}), late])
    }
    await client.close().catch(() => {})
    await (program ?? remote)?.close()
  }

  const patience = AbortSignal.any([signal, AbortSignal.timeout(connectMs)])
  const asking = { signal: patience, timeout: connectMs, maxTotalTimeout: connectMs }
  try {
    await client.connect((program ?? remote) as Sdk.Transport, asking)
    const { tools: all } = await client.listTools(undefined, asking)
    const tools = allowed(name, definition, all)
    if ('class' in tools) {
      await close()
      return tools
    }
    return {
      tools,
      async call(tool, input, canceled) {
        try {
          const limits = { signal: canceled, timeout: callMs, maxTotalTimeout: callMs }
          const result = await client.callTool({ name: tool, arguments: input }, limits)
          const text = textOf(result, resultCharacters)
          return { ok: result.isError !== true, text: text.trim() || '(nothing)' }
        } catch (error) {
          return { ok: false, text: canceled.aborted ? 'it was canceled' : why(error) }
        }
      },
      close,
    }
  } catch (error) {
    const isLate = patience.aborted && !signal.aborted
    const reason = isLate ? `it did not answer within ${connectMs} ms (limits.connectMs)` : why(error)
    await close()
    return { class: classOf(sdk, error), message: `MCP server "${name}": ${reason}.` }
  }
}

/** The tools that the operator allows, or what is wrong with them. */
function allowed(name: string, { tools: names, approve = [] }: McpDefinition, all: Tool[]): Tool[] | Failure {
  const wrong = (message: string): Failure => ({ class: 'VALIDATION', message: `MCP server "${name}": ${message}` })
  const known = new Set(all.map((tool) => tool.name))
  const unknown = [...(names ?? []), ...approve].find((tool) => !known.has(tool))
  if (unknown !== undefined) {
    const has = [...known].slice(0, MAX_TOOLS).join(', ') || 'none'
    return wrong(`it has no tool "${unknown}"; it has: ${has}. Correct its tools and approve in the configuration.`)
  }
  const tools = names ? all.filter((tool) => names.includes(tool.name)) : all
  if (tools.length > MAX_TOOLS) {
    return wrong(`it has ${tools.length} tools, and an agent can use ${MAX_TOOLS}. Name those that it needs in tools.`)
  }
  const large = tools.find((tool) => JSON.stringify([tool.inputSchema, tool.description]).length > MAX_TOOL_CHARACTERS)
  if (!large) return tools
  return wrong(
    `what it says of its tool "${large.name.slice(0, 100)}" has more than ${MAX_TOOL_CHARACTERS} characters. Leave it out of tools.`,
  )
}
