import { mkdir } from 'node:fs/promises'
import type { McpServer } from '@agentclientprotocol/sdk'
import { z } from 'zod'
import type { Json } from '../core/json.ts'
import type { McpDefinition } from '../mcp/definition.ts'
import { attemptVariables, endedByReader, markerOf, reapAttempt } from '../processes/attempt.ts'
import { agentEnvironment } from '../processes/environment.ts'
import type { Environment } from '../processes/environment.ts'
import type { Failure } from '../processes/failure.ts'
import { removeRecord, writeRecord } from '../processes/record.ts'
import type { Sandbox } from '../processes/sandbox.ts'
import { bootId } from '../processes/table.ts'
import { lackOfWorkspace } from '../processes/folder.ts'
import type { Activity, Outcome, Runtime, Work } from '../runtime.ts'
import { runAttempt } from './acp/attempt.ts'
import type { AttemptLimits } from './acp/attempt.ts'
import { acpDefinition, presetOf, sandboxOf } from './acp/definition.ts'
import type { AcpDefinition } from './acp/definition.ts'
import { handOn } from './acp/mcp.ts'
import { createProber, locate } from './acp/program.ts'
import type { Located } from './acp/program.ts'

export { acpDefinition } from './acp/definition.ts'

export type AcpLimits = AttemptLimits

const DEFAULT_ACP_LIMITS: AcpLimits = {
  cancelGraceMs: 3_000,
  killGraceMs: 5_000,
  lineBytes: 8 * 1024,
  lines: 10_000,
  waitingBytes: 256 * 1024,
  stdoutBytes: 64 * 1024,
  messageBytes: 16 * 1024 * 1024,
  strayLines: 1_000,
  requests: 32,
  answerLength: 64 * 1024,
  toolCalls: 10_000,
  workspaceFiles: 200_000,
}

const runtimeConfigShape = z.object({ acp: z.string().min(1) })

/** An agent that is configured, found, and ready to be started. */
interface Found {
  name: string
  definition: AcpDefinition
  located: Located
  env: Record<string, string>
  mcpServers: McpServer[]
}

/**
 * Runs coding agents that speak the Agent Client Protocol (ACP) as programs of this machine. An agent's configuration is
 * `{"acp": "<name>"}`; what the name means is the operator's alone.
 *
 * An agent works in the workspace and asks before it does things; the answers come from its definition or from people.
 * Its programs end with the attempt as those of commands do. Whether it did its work is judged by its tool calls and by
 * what changed in the workspace.
 *
 * @param options.environment the server's own environment, of which only allow-listed names are passed on
 * @param options.sandbox where agents run; without one they can do whatever the server's user can
 * @param options.mcp what the names of MCP servers in definitions mean
 * @throws ZodError if a definition is not valid
 */
export function createAcpRuntime(options: {
  definitions: Readonly<Record<string, z.input<typeof acpDefinition>>>
  environment: Environment
  sandbox?: Sandbox
  mcp?: Readonly<Record<string, McpDefinition>>
  limits?: Partial<AcpLimits>
}): Runtime {
  const definitions = new Map(Object.entries(z.record(z.string(), acpDefinition).parse(options.definitions)))
  const limits: AcpLimits = { ...DEFAULT_ACP_LIMITS, ...options.limits }
  const prober = createProber()

  async function find(runtimeConfig: Json, own: Record<string, string> = {}): Promise<Found | Failure> {
    const parsed = runtimeConfigShape.safeParse(runtimeConfig)
    if (!parsed.success) {
      return { class: 'VALIDATION', message: 'The runtime configuration must be {"acp": "<name of a coding agent>"}.' }
    }
    const name = parsed.data.acp
    const definition = definitions.get(name)
    const advice = 'Use one of these, or ask the operator to add it to the configuration.'
    if (!definition) {
      const names = [...definitions.keys()].join(', ') || 'none'
      return { class: 'VALIDATION', message: `There is no coding agent "${name}"; there is: ${names}. ${advice}` }
    }
    const mcpServers = await handOn(definition.mcp, options.mcp ?? {}, options.environment, own)
    if ('class' in mcpServers) return { ...mcpServers, message: `Agent "${name}": ${mcpServers.message}` }
    const reason = await options.sandbox?.check(sandboxOf(definition))
    if (reason !== undefined) return { class: 'UNAVAILABLE', message: `Agent "${name}": ${reason}` }
    const env = agentEnvironment(options.environment, definition, own)
    const located = await locate(name, definition, env['PATH'] ?? '')
    if ('missing' in located) return { class: 'UNAVAILABLE', message: located.missing }
    return { name, definition, located, env, mcpServers }
  }

  async function* perform(work: Work, signal: AbortSignal): AsyncGenerator<Activity, Outcome> {
    if (signal.aborted) return { kind: 'CANCELED', usage: {} }
    const failed = (error: Failure): Outcome => ({ kind: 'ERROR', error, evidence: [], usage: {} })
    const lack = await lackOfWorkspace(work.workspace)
    if (lack) return failed(lack)
    const found = await find(work.runtimeConfig, attemptVariables(work))
    if ('class' in found) return failed(found)
    if (work.wanted !== undefined && work.wanted !== 'RESULT') {
      const message = `Agent "${found.name}": coding agents do work; they neither manage nor judge it. Use a model.`
      return failed({ class: 'VALIDATION', message })
    }
    await mkdir(work.outputDir, { recursive: true })
    const record = { attemptId: work.attemptId, bootId: bootId() }
    await writeRecord(work.outputDir, { ...record, root: null })
    const { definition, located, env } = found
    return yield* runAttempt({
      work,
      signal,
      limits,
      name: found.name,
      program: { file: located.file, args: located.args, env },
      marker: markerOf(work.attemptId),
      enclose: async (command) => options.sandbox?.enclose(command, placeOf(work), sandboxOf(definition)),
      permissions: definition.permissions,
      mode: definition.mode ?? presetOf(definition)?.mode,
      mcpServers: found.mcpServers,
      readsMissingAsEmpty: presetOf(definition)?.readsMissingAsEmpty ?? false,
      mustChange: definition.mustChange ?? work.agent.type === 'CODEGEN',
      onStart: (root) => writeRecord(work.outputDir, { ...record, root }),
      onEnd: () => removeRecord(work.outputDir),
    })
  }

  return {
    name: 'acp',
    uses: () => 'WRITE',
    run: endedByReader(perform),
    reap: (outputDir) => reapAttempt(outputDir, limits.killGraceMs),
    async check(runtimeConfig) {
      const found = await find(runtimeConfig)
      if ('class' in found) return found.message
      if (!found.located.isPreset) return undefined
      const trouble = await prober.probe(found.located.file, found.env)
      return trouble && `Agent "${found.name}": ${trouble}.`
    },
  }
}

/** Where it works, and the results that it is given. */
function placeOf({ workspace, upstream }: Work): { workspace: string; write: string[]; read: string[] } {
  return { workspace, write: [], read: upstream.flatMap(({ artifacts }) => artifacts.map(({ path }) => path)) }
}
