import { z } from 'zod'
import { a2aServerDefinition } from './a2a/definition.ts'
import { AGENT_TYPES, DEFAULT_SLOTS, WORKSPACE_USES } from './core/agent.ts'
import { DEFAULT_LIMITS, type Limits } from './graphql/limits.ts'
import { mcpSection, unknownServer } from './mcp/definition.ts'
import { sandboxShape } from './processes/sandbox/settings.ts'
import { a2aDefinition } from './runtimes/a2a.ts'
import { acpDefinition } from './runtimes/acp.ts'
import { commandDefinition } from './runtimes/command.ts'
import { modelDefinition } from './runtimes/model/definition.ts'

/**
 * What an agent may be: the runtime that drives it, by the section of the file that says what its name means. An agent
 * names one of them.
 */
const SECTIONS = { command: 'commands', model: 'models', acp: 'acp', a2a: 'a2a' } as const
type Kind = keyof typeof SECTIONS
const NAMING = Object.keys(SECTIONS) as Kind[]
/** Workers know by themselves how they work: what they do has no section. */
export const KINDS = [...NAMING, 'pull'] as const

const agentConfig = z
  .strictObject({
    name: z.string().min(1).max(100),
    type: z.enum(AGENT_TYPES).default('GENERAL'),
    description: z.string().max(10_000).default(''),
    capabilities: z.array(z.string().min(1).max(100)).max(100).default([]),
    /** Name of one of `commands`. */
    command: z.string().min(1).exactOptional(),
    /** Name of one of `models`. */
    model: z.string().min(1).exactOptional(),
    /** Name of one of `acp`. */
    acp: z.string().min(1).exactOptional(),
    /** Name of one of `a2a`. */
    a2a: z.string().min(1).exactOptional(),
    /** Workers fetch its work over the API. */
    pull: z.literal(true).exactOptional(),
    slots: z.int().min(1).max(1_000).default(DEFAULT_SLOTS),
    /** What it does with the workspace; by how it is driven if left out. */
    workspace: z.enum(WORKSPACE_USES).exactOptional(),
    timeouts: z
      .strictObject({
        queueMs: z.int().positive().optional(),
        attemptMs: z.int().positive().optional(),
        idleMs: z.int().positive().optional(),
      })
      .optional(),
  })
  .refine((agent) => KINDS.filter((kind) => agent[kind] !== undefined).length === 1, {
    error: `an agent is driven in one way: give exactly one of ${KINDS.join(', ')}`,
  })

/** An agent of the operator's. */
export type AgentConfig = z.infer<typeof agentConfig>

/** The largest that timers and rows can hold. */
const LARGEST = 2 ** 31 - 1
const limitsShape = z.strictObject(
  Object.fromEntries(
    (Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]).map((name) => [
      name,
      z.int().min(1).max(LARGEST).exactOptional(),
    ]),
  ) as Record<keyof Limits, z.ZodExactOptional<z.ZodInt>>,
)

/** Agents, and what their names mean. */
const agentSections = {
  /** Programs of this machine, by name. */
  commands: z.record(z.string(), commandDefinition).default({}),
  /** Language models, by name. */
  models: z.record(z.string(), modelDefinition).default({}),
  /** Coding agents that speak ACP, by name. */
  acp: z.record(z.string(), acpDefinition).default({}),
  /** MCP servers that models and coding agents may use, by name. */
  mcp: mcpSection.default({}),
  /** Remote agents that speak A2A, by name. */
  a2a: z.record(z.string(), a2aDefinition).default({}),
  agents: z.array(agentConfig).default([]),
}

/** What the operator has configured of agents. */
export type ConfiguredAgents = { [Section in keyof typeof agentSections]: z.infer<(typeof agentSections)[Section]> }

export const fileShape = z.strictObject({
  ...agentSections,
  /** Folders in which attempts change a workspace. */
  worktrees: z
    .strictObject({
      /** Files and bytes that one may have. */
      files: z.int().min(1).exactOptional(),
      bytes: z.int().min(1).exactOptional(),
      /** Ignored folders at the top of the workspace that they have links to. */
      shared: z.array(z.string().refine(isName, 'is the name of a folder, without a path')).exactOptional(),
    })
    .default({}),
  /** What the programs of agents may do on this machine. */
  sandbox: sandboxShape.default({}),
  /** Lets other agents give this server tasks over A2A. */
  a2aServer: a2aServerDefinition.exactOptional(),
  /** Lets MCP clients use this server over HTTP, at /mcp. */
  mcpServer: z.boolean().default(false),
  builtinAgents: z.boolean().default(true),
  limits: limitsShape.default({}),
  graphiql: z.boolean().default(true),
  trustedDocuments: z.record(z.string().min(1), z.string().min(1)).exactOptional(),
})

function isName(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !/[/\\]/.test(text) && !text.includes('\0')
}

/** What stands in tutti.config.ts, tutti.config.js or tutti.config.json. */
export type ConfigFile = z.input<typeof fileShape>

/**
 * The configuration as it stands in tutti.config.ts: gives editors its types, and changes nothing.
 *
 * @public
 */
export function defineConfig(file: ConfigFile): ConfigFile {
  return file
}

/** Agents, and what they use, that name what is not configured, in words for the operator. */
export function unknownNames(file: ConfiguredAgents): string[] {
  const users = [...Object.entries(file.models), ...Object.entries(file.acp)]
  const servers = users.flatMap(([name, { mcp }]) => {
    const unknown = unknownServer(mcp, file.mcp)
    return unknown === undefined ? [] : [`"${name}": ${unknown}`]
  })
  const agents = file.agents.flatMap((agent) =>
    NAMING.flatMap((kind) => {
      const name = agent[kind]
      const section = SECTIONS[kind]
      if (name === undefined || Object.hasOwn(file[section], name)) return []
      const known = Object.keys(file[section]).join(', ') || 'none'
      return [`agent "${agent.name}" names the ${kind} "${name}", but the ${section} are: ${known}`]
    }),
  )
  return [...servers, ...agents]
}
