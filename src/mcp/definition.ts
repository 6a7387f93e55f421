import { z } from 'zod'
import { sandboxShape } from '../processes/sandbox/settings.ts'

const environmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is the name of an environment variable')
const toolName = z.string().min(1).max(128)
const milliseconds = z.int().min(1).max(3_600_000)

export const mcpDefinition = z
  .strictObject({
    /** A program that speaks the protocol on its streams, and its arguments. No shell reads them. */
    argv: z.tuple([z.string().min(1)], z.string()).exactOptional(),
    env: z.record(z.string(), z.string()).exactOptional(),
    /** Names of the server's own environment to pass on, beside PATH, HOME, LANG, LC_*, TZ and TMPDIR. */
    allowEnv: z.array(environmentName).exactOptional(),
    /** What the program may do on this machine, where it is other than for all programs. */
    sandbox: sandboxShape.exactOptional(),
    /** Where a server is that speaks the protocol over streamable HTTP. */
    url: z.url({ protocol: /^https?$/ }).exactOptional(),
    /** Headers to send, by the names of the environment variables that hold their values. */
    headersEnv: z
      .record(z.string().regex(/^[A-Za-z0-9-]+$/, 'is the name of a header'), environmentName)
      .exactOptional(),
    /** The tools that agents may use; all that it has if left out. */
    tools: z.array(toolName).exactOptional(),
    /** Tools that a person has to approve call by call. */
    approve: z.array(toolName).exactOptional(),
    limits: z
      .strictObject({
        /** Milliseconds that it may take until its tools are known. */
        connectMs: milliseconds.default(30_000),
        /** Milliseconds that a call may take. */
        callMs: milliseconds.default(60_000),
        /** Characters of a result that an agent is told; the rest is left out. */
        resultCharacters: z.int().min(100).max(1_000_000).default(40_000),
        /** Bytes of one message of the server's. */
        messageBytes: z.int().min(1_024).max(67_108_864).default(4_194_304),
      })
      .prefault({}),
  })
  .refine(({ argv, url }) => (argv === undefined) !== (url === undefined), {
    error: 'give either argv, for a program, or url, for a server over HTTP',
  })
  .refine(({ url, env, allowEnv, sandbox }) => url === undefined || !(env ?? allowEnv ?? sandbox), {
    error: 'env, allowEnv and sandbox are for a program; a server over HTTP has headersEnv',
  })
  .refine(({ argv, headersEnv }) => argv === undefined || !headersEnv, {
    error: 'headersEnv is for a server over HTTP; a program has env and allowEnv',
  })
  .refine(({ tools, approve = [] }) => tools === undefined || approve.every((tool) => tools.includes(tool)), {
    path: ['approve'],
    error: 'names tools that agents may use',
  })

/** An MCP server that the operator allows agents to use. */
export type McpDefinition = z.infer<typeof mcpDefinition>

/** All of them, by name. Names begin those of their tools, which models take with few characters only. */
export const mcpSection = z.record(
  z.string().regex(/^[A-Za-z0-9-]{1,24}$/, 'has 1 to 24 letters, digits and -'),
  mcpDefinition,
)

/** The headers to send to a server, or the name of the variable that is not set. */
export function headersOf(
  { headersEnv = {} }: McpDefinition,
  environment: Readonly<Record<string, string | undefined>>,
): { headers: Record<string, string> } | { missing: string } {
  const missing = Object.values(headersEnv).find((variable) => !environment[variable])
  if (missing !== undefined) return { missing }
  const headers = Object.entries(headersEnv).map(([header, variable]) => [header, environment[variable] as string])
  return { headers: Object.fromEntries(headers) as Record<string, string> }
}

/** What is sent to servers to be let in, and shown to nobody. */
export function secretsOfServers(
  names: readonly string[],
  servers: Readonly<Record<string, McpDefinition>>,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const variables = names.flatMap((name) => Object.values(servers[name]?.headersEnv ?? {}))
  return variables.flatMap((variable) => environment[variable] ?? [])
}

/** Whether a server may write where its agent works. */
export function writesWorkspace({ argv, sandbox }: McpDefinition): boolean {
  return argv !== undefined && sandbox?.workspace !== 'read'
}

/** Why there are no such servers among those that are configured; undefined: all are there. */
export function unknownServer(
  names: readonly string[],
  servers: Readonly<Record<string, McpDefinition>>,
): string | undefined {
  const unknown = names.find((name) => !Object.hasOwn(servers, name))
  if (unknown === undefined) return undefined
  const known = Object.keys(servers).join(', ') || 'none'
  return `there is no MCP server "${unknown}"; there is: ${known}. Use one of these, or add it to the configuration.`
}
