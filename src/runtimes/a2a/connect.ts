import type { AgentCard } from '@a2a-js/sdk'
import type { Client } from '@a2a-js/sdk/client'
import { z } from 'zod'
import type { Environment } from '../../processes/environment.ts'
import { checkAddress, ForbiddenAddress, type Resolve } from './addresses.ts'
import type { A2aDefinition, A2aLimits } from './definition.ts'
import { RemoteFailure } from './failure.ts'
import { createFetch, type Fetch } from './fetch.ts'

/** A remote agent whose card has been read. */
export interface Remote {
  card: { name: string; version: string; streams: boolean; takesJson: boolean }
  /** How it is spoken to, for instance JSONRPC 1.0. */
  transport: string
  client: Client
  fetch: Fetch
}

const CARD_PATH = '/.well-known/agent-card.json'
const SPOKEN = new Set(['JSONRPC', 'HTTP+JSON'])

const cardShape = z.object({
  name: z.string().trim().min(1).max(1_000),
  version: z.string().max(200).catch(''),
  capabilities: z
    .object({
      streaming: z.boolean().nullish(),
      extensions: z.array(z.object({ uri: z.string(), required: z.boolean().nullish() })).nullish(),
    })
    .nullish(),
  defaultInputModes: z.array(z.string()).nullish(),
  supportedInterfaces: z
    .array(z.object({ url: z.url(), protocolBinding: z.string(), protocolVersion: z.string().catch('') }))
    .min(1),
})

/**
 * Reads the card of a remote agent and gets ready to speak with it at the address that the card names.
 *
 * @throws RemoteFailure with the next step
 */
export async function connect(
  definition: A2aDefinition,
  environment: Environment,
  limits: A2aLimits,
  resolve: Resolve,
): Promise<Remote> {
  const { allowPrivate = false, origins = [] } = definition
  const address = cardAddress(definition)
  const secrets = {
    headers: secretHeaders(definition, environment),
    origins: [address, ...origins].map((url) => new URL(url).origin),
  }
  const { connectMs, answerBytes, cardBytes, answerMs } = limits
  const options = { allowPrivate, resolve, secrets, connectMs }
  const fetch = createFetch({ ...options, answerBytes })
  const { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory, RestTransportFactory } =
    await import('@a2a-js/sdk/client')
  const legacyCompat = { enabled: true }
  const cardFetch = createFetch({ ...options, answerBytes: cardBytes })
  const cardResolver = new DefaultAgentCardResolver({
    legacyCompat,
    fetchImpl: ((input, init) =>
      cardFetch(input, { ...init, signal: AbortSignal.timeout(answerMs) })) as typeof globalThis.fetch,
  })
  const given = await readCard(() => cardResolver.resolve(address, ''), address)
  const card = shapeOf(given, address)
  const interfaces = await fitting(card, given, { ...options, address })
  const factory = new ClientFactory({
    transports: [JsonRpcTransportFactory, RestTransportFactory].map(
      (Factory) => new Factory({ fetchImpl: fetch as typeof globalThis.fetch, legacyCompat }),
    ),
    cardResolver,
    clientConfig: { polling: true },
  })
  const client = await factory.createFromAgentCard({ ...given, supportedInterfaces: interfaces })
  const { name, version, capabilities, defaultInputModes } = card
  const streams = capabilities?.streaming === true
  const modes = defaultInputModes ?? []
  const takesJson = modes.length === 0 || modes.some((mode) => /^(application\/json|application\/\*|\*\/\*)/.test(mode))
  return {
    card: { name, version, streams, takesJson },
    transport: `${client.transport.protocolName} ${client.protocolVersion}`,
    client,
    fetch,
  }
}

/** Where the card lies. */
function cardAddress({ card }: A2aDefinition): string {
  const url = new URL(card)
  if (url.pathname === '/' && url.search === '') url.pathname = CARD_PATH
  return url.href
}

/** @throws RemoteFailure AUTH if a variable is not set */
function secretHeaders({ tokenEnv, headersEnv = {} }: A2aDefinition, environment: Environment): Record<string, string> {
  const valueOf = (variable: string): string => {
    const value = environment[variable]
    if (value !== undefined && value !== '') return value
    throw new RemoteFailure(
      'AUTH',
      `The environment variable ${variable} is not set: set it, and start the server again.`,
    )
  }
  const headers = Object.entries(headersEnv).map(([name, variable]) => [name.toLowerCase(), valueOf(variable)])
  return {
    ...Object.fromEntries(headers),
    ...(tokenEnv !== undefined && { authorization: `Bearer ${valueOf(tokenEnv)}` }),
  }
}

async function readCard(read: () => Promise<AgentCard>, address: string): Promise<AgentCard> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof RemoteFailure) throw error
    const { name, message } = error as Error
    const isLate = name === 'TimeoutError' || name === 'AbortError'
    const what = isLate ? 'did not come in time' : `cannot be read: ${message.slice(0, 300)}`
    throw new RemoteFailure(isLate ? 'UNAVAILABLE' : 'AGENT', `The card at ${address} ${what}.`, { cause: error })
  }
}

/** @throws RemoteFailure VALIDATION with what is wrong with the card */
function shapeOf(given: AgentCard, address: string): z.infer<typeof cardShape> {
  const parsed = cardShape.safeParse(given)
  if (!parsed.success) {
    const problems = parsed.error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new RemoteFailure('VALIDATION', `What is at ${address} is no card of an agent: ${problems.join('; ')}`)
  }
  const needed = parsed.data.capabilities?.extensions?.find(({ required }) => required === true)
  if (needed)
    throw new RemoteFailure('VALIDATION', `The agent needs the extension ${needed.uri}, which is not known here.`)
  return parsed.data
}

interface Allowed {
  allowPrivate: NonNullable<A2aDefinition['allowPrivate']>
  resolve: Resolve
  secrets: { headers: object; origins: readonly string[] }
  address: string
}

/**
 * The interfaces of a card that can be spoken to and may be reached. The card says where the agent is, so what it says is
 * looked at as the operator's own word would be, and it does not get secrets sent elsewhere.
 *
 * @throws RemoteFailure VALIDATION if there is none
 */
async function fitting(
  { supportedInterfaces }: z.infer<typeof cardShape>,
  given: AgentCard,
  { allowPrivate, resolve, secrets, address }: Allowed,
): Promise<AgentCard['supportedInterfaces']> {
  const reasons: string[] = []
  const found: AgentCard['supportedInterfaces'] = []
  for (const [index, { url, protocolBinding }] of supportedInterfaces.entries()) {
    const { origin } = new URL(url)
    if (!SPOKEN.has(protocolBinding.toUpperCase())) reasons.push(`${protocolBinding} is not spoken here`)
    else if (Object.keys(secrets.headers).length > 0 && !secrets.origins.includes(origin)) {
      reasons.push(`it would be sent the secrets of ${new URL(address).origin} at ${origin}: add that to its origins`)
    } else {
      try {
        await checkAddress(new URL(url), allowPrivate, resolve)
        found.push(given.supportedInterfaces[index] as AgentCard['supportedInterfaces'][number])
      } catch (error) {
        if (!(error instanceof ForbiddenAddress)) throw new RemoteFailure('UNAVAILABLE', `${url}: ${String(error)}`)
        reasons.push(error.message)
      }
    }
  }
  if (found.length > 0) return found
  throw new RemoteFailure('VALIDATION', `The card at ${address} names no place to speak to: ${reasons.join('; ')}.`)
}
