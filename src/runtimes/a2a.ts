import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Json } from '../core/json.ts'
import type { ErrorClass } from '../core/retry.ts'
import { endedByReader } from '../processes/attempt.ts'
import type { Environment } from '../processes/environment.ts'
import type { Activity, Outcome, Runtime, Work } from '../runtime.ts'
import { type Resolve, resolveHost } from './a2a/addresses.ts'
import { isPassing } from './a2a/answers.ts'
import { createExchange } from './a2a/attempt.ts'
import { connect, type Remote } from './a2a/connect.ts'
import { a2aDefinition, type A2aDefinition, type A2aLimits, DEFAULT_A2A_LIMITS } from './a2a/definition.ts'
import { failureOf, protocolError } from './a2a/failure.ts'
import { requestFor, waitingTask } from './a2a/message.ts'
import { outcomeOf } from './a2a/outcome.ts'
import { createPatience } from './a2a/patience.ts'
import { readRecord, removeRecord, writeRecord } from './a2a/record.ts'
import { createTold } from './a2a/told.ts'

export { a2aDefinition, type A2aDefinition }

/** How long a card that was read counts, and how long it may take to say whether an agent is there, in milliseconds. */
const FRESH_MS = 5_000
const CHECK_MS = 5_000
/** Agents that say of a waiting task that they do not have it any more. */
const GONE = new Set(['TaskNotFoundError', 'UnsupportedOperationError'])

const runtimeConfigShape = z.object({ a2a: z.string().min(1) })

type Failure = { class: ErrorClass; message: string }
type Agent = { name: string; definition: A2aDefinition; limits: A2aLimits }

/**
 * Gives work to agents that are somewhere else and speak A2A (Agent2Agent protocol 1.0, or 0.3). An agent's configuration
 * is `{"a2a": "<name>"}`; where the name leads is the operator's alone, so no caller of the API can choose an address.
 *
 * An agent gets the work as a message, in words and as data. What it says becomes activities, its artifacts become files,
 * its data the output. A task of it that waits for input is a question, and is gone on with once a person has answered.
 *
 * @param options.environment the server's own environment, of which the secrets of agents are read
 * @param options.resolve what finds the addresses of a name; the machine's own resolver unless told
 * @throws ZodError if a definition is not valid
 */
export function createA2aRuntime(options: {
  definitions: Readonly<Record<string, A2aDefinition>>
  environment: Environment
  limits?: Partial<A2aLimits>
  resolve?: Resolve
}): Runtime {
  const definitions = new Map(Object.entries(z.record(z.string(), a2aDefinition).parse(options.definitions)))
  const remotes = new Map<string, { at: number; remote: Promise<Remote> }>()

  function findAgent(runtimeConfig: Json): Agent | Failure {
    const parsed = runtimeConfigShape.safeParse(runtimeConfig)
    if (!parsed.success) {
      return { class: 'VALIDATION', message: 'The runtime configuration must be {"a2a": "<name of a remote agent>"}.' }
    }
    const name = parsed.data.a2a
    const definition = definitions.get(name)
    if (definition)
      return { name, definition, limits: { ...DEFAULT_A2A_LIMITS, ...options.limits, ...definition.limits } }
    const names = [...definitions.keys()].join(', ') || 'none'
    const advice = 'Use one of these, or ask the operator to add it to the configuration.'
    return { class: 'VALIDATION', message: `There is no remote agent "${name}"; there is: ${names}. ${advice}` }
  }

  /** An agent whose card was just read is not asked for it again. */
  function remoteOf({ name, definition, limits }: Agent, maxAgeMs: number): Promise<Remote> {
    const known = remotes.get(name)
    if (known && performance.now() - known.at < maxAgeMs) return known.remote
    const remote = connect(definition, options.environment, limits, options.resolve ?? resolveHost)
    remotes.set(name, { at: performance.now(), remote })
    remote.catch(() => {})
    return remote
  }

  /** @throws RemoteFailure once several tries have failed */
  async function reach(agent: Agent, signal: AbortSignal): Promise<Remote> {
    for (let tries = 0; ; tries++) {
      try {
        return await remoteOf(agent, tries === 0 ? FRESH_MS : 0)
      } catch (error) {
        const failure = failureOf(error)
        if (tries >= agent.limits.retries || !isPassing(failure) || signal.aborted) throw failure
        await pause(agent.limits.retryMs * 2 ** tries, undefined, { signal })
      }
    }
  }

  async function* perform(work: Work, signal: AbortSignal): AsyncGenerator<Activity, Outcome> {
    if (signal.aborted) return { kind: 'CANCELED', usage: {} }
    const agent = findAgent(work.runtimeConfig)
    if ('class' in agent) return { kind: 'ERROR', error: agent, evidence: [], usage: {} }
    const patience = createPatience(work.timeouts, signal)
    try {
      const waiting = waitingTask(work, agent.name)
      const first = yield* speak(work, agent, waiting, patience)
      // The task that asked is not there any more: the answer goes to a new one, with all that there is to know.
      return first ?? (yield* speak(work, agent, undefined, patience)) ?? { kind: 'CANCELED', usage: {} }
    } finally {
      patience.end()
    }
  }

  /** @returns undefined: the task that waited for an answer is gone */
  async function* speak(
    work: Work,
    agent: Agent,
    waiting: ReturnType<typeof waitingTask>,
    patience: ReturnType<typeof createPatience>,
  ): AsyncGenerator<Activity, Outcome | undefined> {
    const { name, limits } = agent
    const told = createTold(limits)
    const over = (): Outcome | undefined => {
      if (patience.cause === undefined) return undefined
      if (patience.cause === 'CANCELED') return { kind: 'CANCELED', usage: {} }
      return { kind: 'TIMEOUT', timeout: patience.cause, usage: {} }
    }
    let remote: Remote | undefined
    let exchange: ReturnType<typeof createExchange> | undefined
    try {
      remote = await untilOver(reach(agent, patience.signal), patience.signal)
      if (!remote) return over()
      const request = requestFor(work, waiting, remote.card.takesJson)
      const named = (taskId: string): Promise<void> => writeRecord(work.outputDir, { agent: name, taskId })
      exchange = createExchange(remote, request, { told, patience, limits, named })
      yield* exchange.activities()
      return over() ?? (await outcomeOf(name, remote, told, work.outputDir, { limits, signal: patience.signal }))
    } catch (error) {
      const isOver = over()
      if (isOver) return isOver
      if (waiting && told.states.length === 0 && GONE.has(protocolError(error) ?? '')) return undefined
      const { errorClass, message } = failureOf(error)
      const failure = { class: errorClass, message: `Remote agent "${name}": ${message}` }
      return { kind: 'ERROR', error: failure, evidence: [], usage: {} }
    } finally {
      // Also reached when the reader leaves early: nothing may go on there then either.
      patience.rest()
      await exchange?.callOff()
      if (exchange) await removeRecord(work.outputDir)
    }
  }

  return {
    name: 'a2a',
    uses: () => 'READ',
    run: endedByReader(perform),
    async reap(outputDir) {
      const record = await readRecord(outputDir)
      const agent = record && findAgent({ a2a: record.agent })
      if (record && agent && !('class' in agent)) {
        const signal = AbortSignal.timeout(agent.limits.cancelMs)
        // An agent that is away now keeps nobody from starting: the task is not one of this machine.
        await untilOver(remoteOf(agent, FRESH_MS), signal)
          .then((remote) =>
            remote?.client.cancelTask({ tenant: '', id: record.taskId, metadata: undefined }, { signal }),
          )
          .catch(() => {})
      }
      await removeRecord(outputDir)
    },
    async check(runtimeConfig) {
      const agent = findAgent(runtimeConfig)
      if ('class' in agent) return agent.message
      const { name } = agent
      try {
        const remote = await untilOver(remoteOf(agent, FRESH_MS), AbortSignal.timeout(CHECK_MS))
        return remote
          ? undefined
          : `Remote agent "${name}" did not show its card within ${CHECK_MS} ms: see that it runs.`
      } catch (error) {
        return `Remote agent "${name}": ${failureOf(error).message}`
      }
    },
  }
}

/** What a promise comes to, or undefined if a signal fires before. */
function untilOver<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  promise.catch(() => {})
  return new Promise((resolve, reject) => {
    const give = (): void => resolve(undefined)
    if (signal.aborted) return give()
    signal.addEventListener('abort', give)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', give))
  })
}
