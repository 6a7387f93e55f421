import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BUILTIN_AGENTS } from './agents/builtin.ts'
import type { Config } from './config.ts'
import type { Sandbox } from './processes/sandbox.ts'
import type { SandboxConfig } from './processes/sandbox/settings.ts'
import { BUILTIN_PREFIX } from './registrations.ts'
import type { Runtime } from './runtime.ts'
import { createA2aRuntime } from './runtimes/a2a.ts'
import { createAcpRuntime } from './runtimes/acp.ts'
import { createCommandRuntime } from './runtimes/command.ts'
import { createModelRuntime } from './runtimes/model.ts'
import { createPullRuntime } from './runtimes/pull.ts'
import type { Offers } from './store/offer.ts'

/**
 * The ways in which this server can drive agents, by name.
 *
 * @param parts.sandbox where programs run
 * @param parts.offers where workers find their work
 */
export function openRuntimes(
  config: Config,
  { offers, sandbox }: { offers: Offers; sandbox: Sandbox },
): Record<string, Runtime> {
  const { environment, claimMs } = config
  return {
    command: createCommandRuntime({
      commands: { ...builtinCommands(config), ...config.commands },
      environment,
      sandbox,
    }),
    model: createModelRuntime({ models: config.models, mcp: config.mcp, environment, sandbox }),
    acp: createAcpRuntime({ definitions: config.acp, mcp: config.mcp, environment, sandbox }),
    a2a: createA2aRuntime({ definitions: config.a2a, environment }),
    pull: createPullRuntime({ offers, limits: { claimMs } }),
  }
}

/** Of Tutti itself, with the libraries that its agents use. */
const INSTALLATION = fileURLToPath(new URL('..', import.meta.url))

/** How the agents that come with Tutti are started. */
export function builtinCommands({
  builtinAgents,
  dataDir,
}: Pick<Config, 'builtinAgents' | 'dataDir'>): Config['commands'] {
  // Node then compiles them once: an agent starts in 0.4 s rather than 1 s.
  const cache = join(dataDir, 'compile-cache')
  mkdirSync(cache, { recursive: true })
  const env = { NODE_COMPILE_CACHE: cache }
  const builtin = builtinAgents ? BUILTIN_AGENTS : []
  return Object.fromEntries(
    builtin.map(({ name, command: { argv, runsWorkspace } }) => {
      // What a repository brings with it must not leave anything that others then run.
      const sandbox: SandboxConfig = runsWorkspace
        ? { workspace: 'write', read: [INSTALLATION, cache] }
        : { workspace: 'read', read: [INSTALLATION], write: [cache] }
      return [`${BUILTIN_PREFIX}${name}`, { argv, env, sandbox }]
    }),
  )
}
