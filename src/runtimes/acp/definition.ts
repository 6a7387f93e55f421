import { z } from 'zod'
import { sandboxShape } from '../../processes/sandbox/settings.ts'
import type { SandboxConfig } from '../../processes/sandbox/settings.ts'

/** A coding agent that is known by name. */
interface Preset {
  /** Program and arguments with which it speaks the protocol on its streams. */
  argv: readonly [string, ...string[]]
  /** What npm calls it, at the version that was tried. */
  package: string
  /** The mode in which it asks before it changes anything, where it does not do so by itself. */
  mode?: string
  /** Where it keeps its settings, its log-in and its past conversations. */
  keeps: readonly string[]
  /** It takes an error for a failure of its own where a file is not there. */
  readsMissingAsEmpty?: boolean
}

/** None of these comes with Tutti: each is installed by the operator, under a license of its own. */
export const PRESETS = {
  'qwen-code': {
    argv: ['qwen', '--acp'],
    package: '@qwen-code/qwen-code@0.24.4',
    mode: 'default',
    keeps: ['~/.qwen'],
  },
  opencode: {
    argv: ['opencode', 'acp'],
    package: 'opencode-ai@1.18.33',
    keeps: ['~/.config/opencode', '~/.local/share/opencode', '~/.local/state/opencode', '~/.cache/opencode'],
  },
  codex: { argv: ['codex-acp'], package: '@agentclientprotocol/codex-acp@2.6.0', keeps: ['~/.codex'] },
  claude: {
    argv: ['claude-agent-acp'],
    package: '@agentclientprotocol/claude-agent-acp@0.101.0',
    keeps: ['~/.claude', '~/.claude.json'],
  },
  gemini: {
    argv: ['gemini', '--acp'],
    package: '@google/gemini-cli@0.61.0',
    keeps: ['~/.gemini'],
    readsMissingAsEmpty: true,
  },
} as const satisfies Record<string, Preset>

const PRESET_NAMES = Object.keys(PRESETS) as (keyof typeof PRESETS)[]

const decision = z.enum(['allow', 'deny', 'ask'])

/** What may be done without asking a person, by the kinds of tools that the protocol knows. */
const permissions = z.strictObject({
  read: decision.default('allow'),
  search: decision.default('allow'),
  think: decision.default('allow'),
  /** allow holds within the workspace; what leads out of it is asked. So do read, delete and move. */
  edit: decision.default('allow'),
  delete: decision.default('ask'),
  move: decision.default('ask'),
  /** With allow, the agent may have the server run commands for it as well. */
  execute: decision.default('ask'),
  fetch: decision.default('ask'),
  switch_mode: decision.default('ask'),
  other: decision.default('ask'),
})

/** What an agent may do, as data. */
export type Permissions = z.infer<typeof permissions>

export const acpDefinition = z
  .strictObject({
    /** A coding agent that is known by name, found in PATH. */
    preset: z.enum(PRESET_NAMES).exactOptional(),
    /** Has npx fetch the preset, at the version that was tried, where it is not in PATH. */
    npx: z.boolean().exactOptional(),
    /** Any other program that speaks the protocol, and its arguments. No shell reads them. */
    argv: z.tuple([z.string().min(1)], z.string()).exactOptional(),
    /** Further arguments. */
    args: z.array(z.string()).default([]),
    env: z.record(z.string(), z.string()).exactOptional(),
    /** Names of the server's own environment to pass on, beside PATH, HOME, LANG, LC_*, TZ and TMPDIR. */
    allowEnv: z.array(z.string().min(1)).exactOptional(),
    permissions: permissions.prefault({}),
    /** The agent's mode to work in; a preset has one where the agent would not ask otherwise. */
    mode: z.string().min(1).exactOptional(),
    /** Whether work that changes no file has failed; if left out, it has for agents of the type CODEGEN. */
    mustChange: z.boolean().exactOptional(),
    /** What it may do on this machine, where it is other than for all programs; it reaches the network unless told. */
    sandbox: sandboxShape.exactOptional(),
    /** Names of MCP servers to hand on. */
    mcp: z.array(z.string().min(1)).default([]),
  })
  .refine(({ preset, argv }) => (preset === undefined) !== (argv === undefined), {
    error: `give either preset (${PRESET_NAMES.join(', ')}) or argv`,
  })
  .refine(({ preset, npx }) => preset !== undefined || npx !== true, { error: 'npx is for a preset' })

/** A coding agent that the operator allows to be started. */
export type AcpDefinition = z.infer<typeof acpDefinition>

/** What is known of a definition's agent beyond its configuration. */
export function presetOf(definition: AcpDefinition): Preset | undefined {
  return definition.preset && PRESETS[definition.preset]
}

/** How a definition's agent is kept apart: it needs its model, and what it keeps in its home folder. */
export function sandboxOf(definition: AcpDefinition): SandboxConfig {
  const keeps = presetOf(definition)?.keeps ?? []
  return { network: true, ...definition.sandbox, write: [...keeps, ...(definition.sandbox?.write ?? [])] }
}
