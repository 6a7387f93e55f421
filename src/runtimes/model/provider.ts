import type * as Ai from 'ai'
import type { Environment } from '../../processes/environment.ts'
import { keyName, type ModelDefinition, secretNames } from './definition.ts'

/** The library that talks with models, and the model to talk with. */
export interface Provider {
  ai: typeof Ai
  model: Ai.LanguageModel
}

/** Where providers are unless `baseURL` says otherwise. */
const ADDRESSES = { openai: 'https://api.openai.com/v1', anthropic: 'https://api.anthropic.com/v1' } as const
/** The version of its API that Anthropic asks clients to name. */
const ANTHROPIC_VERSION = '2023-06-01'

/**
 * Loads what a provider needs, which takes a third of a second the first time.
 *
 * @throws if a library cannot be loaded
 */
export async function openProvider(definition: ModelDefinition, environment: Environment): Promise<Provider> {
  const { provider, model, baseURL } = definition
  // Warnings of the library would be printed among the lines of the server's log.
  globalThis.AI_SDK_LOG_WARNINGS = false
  const ai = await import('ai')
  const key = keyOf(definition, environment)
  const common = {
    headers: headersOf(definition, environment),
    fetch: fetchWithoutRedirects,
    ...(baseURL !== undefined && { baseURL }),
    ...(key !== undefined && { apiKey: key }),
  }
  if (provider === 'openai-compatible') {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    const options = { includeUsage: true, supportsStructuredOutputs: definition.structuredOutput }
    return {
      ai,
      model: createOpenAICompatible({ name: 'model', ...common, ...options, baseURL: baseURL ?? '' })(model),
    }
  }
  if (provider === 'openai') {
    const { createOpenAI } = await import('@ai-sdk/openai')
    return { ai, model: createOpenAI(common)(model) }
  }
  const { createAnthropic } = await import('@ai-sdk/anthropic')
  return { ai, model: createAnthropic(common)(model) }
}

/** What is missing in the environment; undefined: nothing is. */
export function missingSecret(definition: ModelDefinition, environment: Environment): string | undefined {
  const missing = secretNames(definition).filter((name) => (environment[name] ?? '') === '')
  if (missing.length === 0) return undefined
  return `the environment variable ${missing.join(', ')} is not set: start the server with it`
}

/** Values that no text may show; very short ones are no secrets. */
export function secretsOf(definition: ModelDefinition, environment: Environment): string[] {
  return secretNames(definition).flatMap((name) => environment[name] || [])
}

/**
 * Asks the provider for its list of models, which costs nothing.
 *
 * @param timeoutMs how long it may take
 * @returns why it does not answer; undefined: it does
 */
export async function ping(
  definition: ModelDefinition,
  environment: Environment,
  timeoutMs: number,
): Promise<string | undefined> {
  const { provider, baseURL } = definition
  const base = baseURL ?? ADDRESSES[provider as keyof typeof ADDRESSES]
  const key = keyOf(definition, environment)
  const headers =
    provider === 'anthropic'
      ? { 'x-api-key': key ?? '', 'anthropic-version': ANTHROPIC_VERSION }
      : key === undefined
        ? {}
        : { authorization: `Bearer ${key}` }
  try {
    const response = await fetchWithoutRedirects(`${base.replace(/\/$/, '')}/models`, {
      headers: { ...headers, ...headersOf(definition, environment) },
      signal: AbortSignal.timeout(timeoutMs),
    })
    await response.body?.cancel()
    if (response.ok) return undefined
    const hint = response.status === 401 || response.status === 403 ? ': check the key' : ''
    return `${base} answers with status ${response.status}${hint}`
  } catch (error) {
    const { name, cause, message } = error as Error
    const why = name === 'TimeoutError' ? `nothing within ${timeoutMs} ms` : ((cause as Error)?.message ?? message)
    return `${base} cannot be reached: ${why}`
  }
}

function keyOf(definition: ModelDefinition, environment: Environment): string | undefined {
  const name = keyName(definition)
  return name === undefined ? undefined : environment[name]
}

function headersOf({ headersEnv = {} }: ModelDefinition, environment: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(headersEnv).map(([header, name]) => [header, environment[name] ?? '']))
}

/** A provider that sends its clients elsewhere would have the key sent there too. */
function fetchWithoutRedirects(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  return fetch(input, { ...init, redirect: 'error' })
}
