import { mkdir } from 'node:fs/promises'
import { z } from 'zod'
import type { Json } from '../core/json.ts'
import { confine } from '../files/confined.ts'
import { type McpDefinition, secretsOfServers, writesWorkspace } from '../mcp/definition.ts'
import { checkServers, openServers, reapServers } from '../mcp/servers.ts'
import { endedByReader, reapAttempt } from '../processes/attempt.ts'
import type { Environment } from '../processes/environment.ts'
import type { Sandbox } from '../processes/sandbox.ts'
import { lackOfWorkspace } from '../processes/folder.ts'
import type { Activity, Evidence, Outcome, Runtime, Usage, Work } from '../runtime.ts'
import { formOf, summaryOf } from './model/answer.ts'
import { ASK_TOOL } from './model/approval.ts'
import { brief } from './model/briefing.ts'
import {
  type Expectation,
  type ModelDefinition,
  modelDefinition,
  type ModelDefinitionInput,
} from './model/definition.ts'
import type { Failure } from './model/failure.ts'
import { FILE_TOOLS } from './model/file-tools.ts'
import { mcpTools } from './model/mcp-tools.ts'
import { createMeter, type Meter } from './model/meter.ts'
import { promptOf, type Role, type RolePrompt, roleOf } from './model/prompt.ts'
import { redact } from './model/redact.ts'
import { missingSecret, openProvider, ping, type Provider, secretsOf } from './model/provider.ts'
import { type RunLimits, runTool } from './model/run-tool.ts'
import { createShelf } from './model/shelf.ts'
import { converse, type Ending, newTalk, type Talk } from './model/talk.ts'
import type { Tool } from './model/tool.ts'
import { type Cause, startWatch } from './model/watch.ts'

export interface ModelLimits extends RunLimits {
  /** Lines that one attempt shows; further ones are counted only. */
  lines: number
  /** Characters of a line; a longer one is shown in parts. */
  lineCharacters: number
  /** Characters of one answer, thoughts and arguments of calls included. */
  answerCharacters: number
}

const DEFAULT_MODEL_LIMITS: ModelLimits = {
  lines: 10_000,
  lineCharacters: 4_000,
  answerCharacters: 1024 * 1024,
  killGraceMs: 5_000,
  lineBytes: 8 * 1024,
  waitingBytes: 256 * 1024,
  stdoutBytes: 32 * 1024,
}

const runtimeConfigShape = z.object({ model: z.string().min(1) })
/** How long a provider may take to answer a ping. */
const PING_TIMEOUT_MS = 5_000

type Model = { name: string; definition: ModelDefinition; provider: Provider }

/**
 * Runs language models as agents, each with the tools that the operator allows it in the workspace. An agent's
 * configuration is `{"model": "<name>"}`; what the name means is the operator's alone.
 *
 * The libraries for it are loaded when the first model is checked or asked. Keys are read from the environment that is
 * given here, and shown nowhere.
 *
 * @param options.environment the server's own environment
 * @param options.sandbox where the programs run that models run; without one they can do whatever the server's user can
 * @param options.mcp what the names of MCP servers in definitions mean
 * @throws ZodError if a definition is not valid
 */
export function createModelRuntime(options: {
  models: Readonly<Record<string, ModelDefinitionInput>>
  environment: Environment
  sandbox?: Sandbox
  mcp?: Readonly<Record<string, McpDefinition>>
  limits?: Partial<ModelLimits>
}): Runtime {
  const models = new Map(Object.entries(z.record(z.string(), modelDefinition).parse(options.models)))
  const { environment, sandbox, mcp = {} } = options
  const limits: ModelLimits = { ...DEFAULT_MODEL_LIMITS, ...options.limits }
  const shelf = createShelf<Talk>()
  const providers = new Map<string, Promise<Provider>>()
  const pings = new Map<string, { at: number; answer: Promise<string | undefined> }>()

  function definitionOf(runtimeConfig: Json): { name: string; definition: ModelDefinition } | Failure {
    const parsed = runtimeConfigShape.safeParse(runtimeConfig)
    if (!parsed.success) {
      return { class: 'VALIDATION', message: 'The runtime configuration must be {"model": "<name of a model>"}.' }
    }
    const name = parsed.data.model
    const definition = models.get(name)
    if (definition) return { name, definition }
    const names = [...models.keys()].join(', ') || 'none'
    const advice = 'Use one of these, or ask the operator to add it to the configuration.'
    return { class: 'VALIDATION', message: `There is no model "${name}"; there is: ${names}. ${advice}` }
  }

  async function openModel(runtimeConfig: Json): Promise<Model | Failure> {
    const found = definitionOf(runtimeConfig)
    if ('class' in found) return found
    const { name, definition } = found
    const missing = missingSecret(definition, environment)
    if (missing !== undefined) return { class: 'AUTH', message: `Model "${name}": ${missing}.` }
    const opening = providers.get(name) ?? openProvider(definition, environment)
    providers.set(name, opening)
    try {
      return { name, definition, provider: await opening }
    } catch (error) {
      providers.delete(name)
      return { class: 'UNAVAILABLE', message: `Model "${name}" cannot be loaded: ${(error as Error).message}` }
    }
  }

  async function* perform(work: Work, canceled: AbortSignal): AsyncGenerator<Activity, Outcome> {
    if (canceled.aborted) return { kind: 'CANCELED', usage: {} }
    const failed = (error: Failure): Outcome => ({ kind: 'ERROR', error, evidence: [], usage: {} })
    const lack = await lackOfWorkspace(work.workspace)
    if (lack) return failed(lack)
    const model = await openModel(work.runtimeConfig)
    if ('class' in model) return failed(model)
    const { name, definition } = model
    if (work.allowance.cost !== null && !definition.price) {
      const message = `Model "${name}" has no price, so that a limit of cost cannot be held`
      return failed({
        class: 'VALIDATION',
        message: `${message}. Give its price in the configuration; 0 if it costs nothing.`,
      })
    }
    await mkdir(work.outputDir, { recursive: true })
    using watch = startWatch(work.timeouts, canceled)
    const meter = createMeter(definition.price, work.allowance)
    const role = roleOf(work, definition)
    const prompt = await promptOf(role, definition.instructions)
    const form = formOf(work)
    const expects = expectationOf(work, definition, role, form.schema !== undefined)
    const talk = shelf.take(work) ?? newTalk(brief(work, expects, form.schema))
    const hands = { files: await confine(work.workspace), work, changes: talk.changes, signal: watch.signal }
    const { provider } = model
    const servers = await openServers(
      definition.mcp,
      { servers: mcp, environment, sandbox, limits },
      work,
      watch.signal,
    )
    if ('class' in servers) return stoppedBy(watch.cause(), {}) ?? failed(servers)
    const tools = [...toolsOf(definition), ...mcpTools(servers.tools)]
    const talking = converse(
      { provider, definition, work, instructions: prompt.text, tools, hands, form, expects, meter, watch, limits },
      talk,
    )
    let shown = 0
    try {
      for (;;) {
        const next = await talking.next()
        if (next.done) return outcomeOf(next.value, talk)
        // Whoever has canceled looks at nothing any more.
        if (watch.cause() === 'CANCELED' || shown++ > limits.lines) continue
        watch.reading(true)
        yield shown <= limits.lines
          ? next.value
          : { kind: 'MESSAGE', text: `${limits.lines} lines shown; further ones are not.` }
        watch.reading(false)
      }
    } finally {
      // Also reached when the reader leaves early: no program may stay behind then either.
      await talking.return({ kind: 'STOPPED' })
      await servers.close()
    }

    function outcomeOf(ending: Ending, { changes, receipts }: Talk): Outcome {
      const usage = meter.usage()
      const stopped = stoppedBy(watch.cause(), usage)
      if (stopped) return stopped
      if (ending.kind === 'ASK') {
        shelf.put(work, ending.question.question, talk)
        return { kind: 'ASK', ask: { kind: 'QUESTION', ...ending.question }, usage }
      }
      const evidence = [
        ...receipts,
        ...(tools.some(({ right }) => right === 'write') ? [changesEvidence(changes)] : []),
        modelEvidence(model as Model, meter, prompt),
      ]
      if (ending.kind === 'ANSWER') {
        return { kind: 'OK', summary: summaryOf(ending.output), output: ending.output, files: [], evidence, usage }
      }
      if (ending.kind === 'NOTHING') return { kind: 'NOTHING', why: ending.why, evidence, usage }
      const { class: errorClass, message } =
        ending.kind === 'ERROR' ? ending.failure : { class: 'CRASH' as const, message: 'the conversation stopped' }
      return { kind: 'ERROR', error: { class: errorClass, message: `Model "${name}": ${message}` }, evidence, usage }
    }
  }

  function toolsOf(definition: ModelDefinition): Tool[] {
    const rights = new Set<Tool['right']>(definition.tools)
    const run = rights.has('run') ? [runTool(definition.commands, { environment, sandbox, limits })] : []
    return [...FILE_TOOLS.filter(({ right }) => rights.has(right)), ...run, ...(rights.has('ask') ? [ASK_TOOL] : [])]
  }

  /** The answer to the last ping, until it is too old. */
  function pinged(name: string, definition: ModelDefinition, everyMs: number): Promise<string | undefined> {
    const last = pings.get(name)
    if (last && performance.now() - last.at < everyMs) return last.answer
    const answer = ping(definition, environment, PING_TIMEOUT_MS)
    pings.set(name, { at: performance.now(), answer })
    return answer
  }

  /** Providers may repeat what they were sent, and models what they were told. */
  function withoutSecrets<T>(value: T, runtimeConfig: Json): T {
    const found = definitionOf(runtimeConfig)
    if ('class' in found) return value
    const { definition } = found
    return redact(value, [...secretsOf(definition, environment), ...secretsOfServers(definition.mcp, mcp, environment)])
  }

  return {
    name: 'model',
    uses(runtimeConfig) {
      const found = definitionOf(runtimeConfig)
      if ('class' in found) return 'READ'
      const { tools, mcp: names } = found.definition
      const isWriting = names.some((server) => mcp[server] !== undefined && writesWorkspace(mcp[server]))
      return isWriting || tools.some((tool) => tool === 'write' || tool === 'run') ? 'WRITE' : 'READ'
    },
    run: endedByReader(async function* (work, signal) {
      const attempt = perform(work, signal)
      try {
        for (;;) {
          const { done, value } = await attempt.next()
          if (done) return withoutSecrets(value, work.runtimeConfig)
          yield withoutSecrets(value, work.runtimeConfig)
        }
      } finally {
        await attempt.return({ kind: 'CANCELED', usage: {} })
      }
    }),
    async reap(outputDir) {
      await reapAttempt(outputDir, limits.killGraceMs)
      await reapServers(outputDir, limits.killGraceMs)
    },
    async check(runtimeConfig) {
      const model = await openModel(runtimeConfig)
      if ('class' in model) return withoutSecrets(model.message, runtimeConfig)
      const { name, definition } = model
      for (const command of definition.tools.includes('run') ? Object.values(definition.commands) : []) {
        const reason = await sandbox?.check(command.sandbox)
        if (reason !== undefined) return `Model "${name}": ${reason}`
      }
      const trouble = await checkServers(definition.mcp, { servers: mcp, environment, sandbox })
      if (trouble !== undefined) return `Model "${name}": ${trouble}`
      if (definition.pingMs === undefined) return undefined
      const silent = await pinged(name, definition, definition.pingMs)
      return silent && withoutSecrets(`Model "${name}": ${silent}.`, runtimeConfig)
    },
  }
}

/** How an attempt has ended that was stopped from outside; undefined: it was not. */
function stoppedBy(cause: Cause | undefined, usage: Usage): Outcome | undefined {
  if (cause === undefined) return undefined
  return cause === 'CANCELED' ? { kind: 'CANCELED', usage } : { kind: 'TIMEOUT', timeout: cause, usage }
}

/** What a part has to leave behind, if the operator does not say: what its role is for, as far as it has tools for that. */
function expectationOf(
  { wanted = 'RESULT' }: Work,
  definition: ModelDefinition,
  role: Role,
  isForm: boolean,
): Expectation {
  if (wanted !== 'RESULT') return 'ANSWER'
  if (definition.expects !== undefined) return definition.expects
  // What has to fit a schema is an answer first of all.
  if (isForm) return 'ANSWER'
  if ((role === 'CODEGEN' || role === 'DOCUMENTATION') && definition.tools.includes('write')) return 'CHANGES'
  return (role === 'TESTING' || role === 'DEPLOYMENT') && definition.tools.includes('run') ? 'ACTIONS' : 'ANSWER'
}

function changesEvidence(changes: Talk['changes']): Evidence {
  const files = [...changes]
    .filter(([, { before, after }]) => before !== after)
    .map(([path, { before, after }]) => ({ path, before, sha256: after }))
  const rewritten = changes.size - files.length
  return { name: 'files changed', kind: 'FILES_CHANGED', passed: files.length > 0, detail: { files, rewritten } }
}

function modelEvidence({ name, definition }: Model, meter: Meter, prompt: RolePrompt): Evidence {
  const { provider, model } = definition
  const { role, version, sha256 } = prompt
  const detail = { name, provider, model, prompt: { role, version, sha256 }, ...meter.counts(), ...meter.usage() }
  return { name: 'model', kind: 'MODEL', passed: true, detail }
}
