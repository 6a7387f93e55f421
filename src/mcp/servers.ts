import { hash } from '../core/hash.ts'
import type { Json } from '../core/json.ts'
import { attemptVariables, markerOf, reapAttempt } from '../processes/attempt.ts'
import { agentEnvironment, type Environment, findExecutable } from '../processes/environment.ts'
import type { Failure } from '../processes/failure.ts'
import type { OutputLimits } from '../processes/output.ts'
import { removeRecord, writeRecord } from '../processes/record.ts'
import type { Sandbox } from '../processes/sandbox.ts'
import { bootId } from '../processes/table.ts'
import type { Work } from '../runtime.ts'
import { type CallResult, connect, type Connection, type Way } from './connect.ts'
import { headersOf, type McpDefinition, unknownServer } from './definition.ts'
import { createProgramTransport } from './program.ts'

/** A tool of a server, as agents are offered it. */
export interface McpTool {
  /** Unique among the tools of an agent: of 1 to 64 letters, digits, _ and -. */
  name: string
  /** What the server calls it, and what the configuration calls the server. */
  origin: { server: string; tool: string }
  description: string
  /** JSON Schema of its arguments. */
  schema: Json
  /** Whether a person has to approve each call. */
  approve: boolean
  call(input: Record<string, unknown>, signal: AbortSignal): Promise<CallResult>
}

/** The servers of one attempt. */
export interface McpServers {
  tools: McpTool[]
  /** Ends them. Nothing of them is left then. */
  close(): Promise<void>
}

/** Where servers come from, and what programs among them may do. */
export interface McpParts {
  servers: Readonly<Record<string, McpDefinition>>
  environment: Environment
  /** Where programs run; without one they can do whatever the server's user can. */
  sandbox?: Sandbox | undefined
  limits: OutputLimits & { killGraceMs: number }
}

/** Characters that providers of models take for a name. */
const NAME_LENGTH = 64

/** A record of its own: that of the attempt comes and goes with what else is run. */
const recordOf = (outputDir: string): string => `${outputDir}.mcp`

/**
 * Starts and asks servers for one attempt, all at the same time, or says what is wrong with the first one that cannot be
 * used; then none of them is left running.
 *
 * @param names which of them
 * @param signal fires when the attempt ends
 */
export async function openServers(
  names: readonly string[],
  parts: McpParts,
  work: Work,
  signal: AbortSignal,
): Promise<McpServers | Failure> {
  const { servers } = parts
  const unknown = unknownServer(names, servers)
  if (unknown !== undefined) return { class: 'VALIDATION', message: unknown }
  if (names.length === 0) return { tools: [], close: async () => {} }
  await writeRecord(recordOf(work.outputDir), { attemptId: work.attemptId, bootId: bootId(), root: null })
  const opened = await Promise.all(names.map((name) => open(name, servers[name] as McpDefinition, parts, work, signal)))
  const connections = opened.flatMap((one) => ('class' in one ? [] : [one]))
  const close = async (): Promise<void> => {
    const ends = await Promise.allSettled(connections.map((connection) => connection.close()))
    // What cannot be ended stays on record for a later server.
    if (ends.every(({ status }) => status === 'fulfilled')) await removeRecord(recordOf(work.outputDir))
  }
  const failure = opened.find((one) => 'class' in one)
  if (failure) {
    await close()
    return failure
  }
  const tools = connections.flatMap((connection, index) => {
    const name = names[index] as string
    return toolsOf(name, servers[name] as McpDefinition, connection)
  })
  return { tools, close }
}

/** Ends what a killed server left running of an attempt's MCP servers. Idempotent. */
export function reapServers(outputDir: string, killGraceMs: number): Promise<void> {
  return reapAttempt(recordOf(outputDir), killGraceMs)
}

/** Why servers cannot be used, without asking them; undefined: they may be. */
export async function checkServers(
  names: readonly string[],
  { servers, environment, sandbox }: Omit<McpParts, 'limits'>,
): Promise<string | undefined> {
  const unknown = unknownServer(names, servers)
  if (unknown !== undefined) return unknown
  for (const name of names) {
    const found = await locate(name, servers[name] as McpDefinition, environment, {})
    if ('class' in found) return found.message
    const reason = 'file' in found ? await sandbox?.check(servers[name]?.sandbox) : undefined
    if (reason !== undefined) return `MCP server "${name}": ${reason}`
  }
  return undefined
}

/** What the environment and the machine hold of a server: its program, or the headers for its address. */
export async function locate(
  name: string,
  definition: McpDefinition,
  environment: Environment,
  own: Readonly<Record<string, string>>,
): Promise<
  { file: string; args: string[]; env: Record<string, string> } | { headers: Record<string, string> } | Failure
> {
  if (!definition.argv) {
    const found = headersOf(definition, environment)
    if ('headers' in found) return found
    const message = `the server's environment has no ${found.missing}, which headersEnv names. Set it.`
    return { class: 'AUTH', message: `MCP server "${name}": ${message}` }
  }
  const [program, ...args] = definition.argv
  const env = agentEnvironment(environment, definition, own)
  const file = await findExecutable(program, env['PATH'] ?? '', '/')
  if (file !== undefined) return { file, args, env }
  const message = `there is no executable ${program}. Install it, or give its absolute path in argv[0].`
  return { class: 'UNAVAILABLE', message: `MCP server "${name}": ${message}` }
}

async function open(
  name: string,
  definition: McpDefinition,
  { environment, sandbox, limits }: McpParts,
  work: Work,
  signal: AbortSignal,
): Promise<Connection | Failure> {
  const found = await locate(name, definition, environment, attemptVariables(work))
  if ('class' in found) return found
  let way: Way
  if ('headers' in found) {
    way = found
  } else {
    const reason = await sandbox?.check(definition.sandbox)
    if (reason !== undefined) return { class: 'UNAVAILABLE', message: `MCP server "${name}": ${reason}` }
    const read = work.upstream.flatMap(({ artifacts }) => artifacts.map(({ path }) => path))
    const enclosed = await sandbox?.enclose(
      found,
      { workspace: work.workspace, write: [work.outputDir], read },
      definition.sandbox,
    )
    const { attemptMs } = work.timeouts
    const program = {
      ...(enclosed ?? found),
      enclosed,
      cwd: work.workspace,
      marker: markerOf(work.attemptId),
      timeouts: { attemptMs, idleMs: attemptMs },
      limits,
    }
    way = { program: createProgramTransport(program, definition.limits.messageBytes) }
  }
  return connect(name, definition, way, signal)
}

function toolsOf(server: string, { approve = [] }: McpDefinition, connection: Connection): McpTool[] {
  return connection.tools.map(({ name: tool, description = '', inputSchema }) => ({
    name: nameFor(server, tool),
    origin: { server, tool },
    description,
    schema: inputSchema as Json,
    approve: approve.includes(tool),
    call: (input, signal) => connection.call(tool, input, signal),
  }))
}

/** What models call a tool: the name as it is where they can take it, else the beginning and a hash of it. */
function nameFor(server: string, tool: string): string {
  const name = `${server}__${tool}`
  const plain = name.replace(/[^A-Za-z0-9_-]/g, '_')
  if (plain === name && name.length <= NAME_LENGTH) return name
  return `${plain.slice(0, NAME_LENGTH - 9)}_${hash(tool).slice(0, 8)}`
}
