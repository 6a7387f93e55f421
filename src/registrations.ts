import { BUILTIN_AGENTS } from './agents/builtin.ts'
import type { Config } from './config.ts'
import { type AgentConfig, KINDS } from './configFile.ts'
import type { Runtime } from './runtime.ts'
import type { Registration } from './store/agent.ts'

/** What the names of the commands that come with Tutti begin with. */
export const BUILTIN_PREFIX = 'tutti-'

/** The agents that the operator has: those that come with Tutti, and those of the configuration. */
export function registrationsOf(
  { builtinAgents, agents }: Config,
  runtimes: Readonly<Record<string, Runtime>>,
): Registration[] {
  const builtin = builtinAgents ? BUILTIN_AGENTS : []
  const common = { projectId: null, origin: 'CONFIGURATION' as const }
  return [
    ...builtin.map(({ command: _, timeouts = null, ...agent }) => ({
      ...common,
      ...agent,
      timeouts,
      workspace: 'READ' as const,
      runtime: 'command',
      runtimeConfig: { command: `${BUILTIN_PREFIX}${agent.name}` },
    })),
    ...agents.map(({ name, type, description, capabilities, slots, timeouts, workspace, ...driven }) => ({
      ...common,
      name,
      type,
      description,
      capabilities,
      slots,
      timeouts: timeouts === undefined ? null : (JSON.parse(JSON.stringify(timeouts)) as Registration['timeouts']),
      ...usedBy(runtimes, drivenBy(driven), workspace),
    })),
  ]
}

/** With what it does with the workspace, if it says so; else as is usual for how it is driven. */
function usedBy<D extends Pick<Registration, 'runtime' | 'runtimeConfig'>>(
  runtimes: Readonly<Record<string, Runtime>>,
  driven: D,
  workspace: Registration['workspace'],
): D & Pick<Registration, 'workspace'> {
  const use = workspace ?? runtimes[driven.runtime]?.uses?.(driven.runtimeConfig)
  return { ...driven, ...(use && { workspace: use }) }
}

/** How an agent is driven, as its registration has it. */
function drivenBy(agent: Pick<AgentConfig, (typeof KINDS)[number]>): Pick<Registration, 'runtime' | 'runtimeConfig'> {
  const runtime = KINDS.find((kind) => agent[kind] !== undefined) as (typeof KINDS)[number]
  if (runtime === 'pull') return { runtime, runtimeConfig: {} }
  return { runtime, runtimeConfig: { [runtime]: agent[runtime] as string } }
}
