import type * as Acp from '@agentclientprotocol/sdk'
import type { McpServer, Stream } from '@agentclientprotocol/sdk'
import { z } from 'zod'
import { Refused } from '../../files/confined.ts'
import type { Failure } from '../../processes/failure.ts'
import type { Gatekeeper } from './gatekeeper.ts'
import type { Speech } from './speech.ts'
import type { Terminals } from './terminals.ts'

type Sdk = typeof Acp

/** The version of the protocol that is spoken here. */
const VERSION = 1
/** JSON-RPC codes of the protocol. */
const AUTH_REQUIRED = -32_000
const INVALID_PARAMS = -32_602

/** Who answered, as it says itself. */
export interface Identity {
  name: string
  version: string
  mode: string | null
}

/** How a conversation ended; how the work went is another matter. */
export type Ended =
  | { kind: 'STOPPED'; stopReason: string }
  | { kind: 'FAILED'; error: Failure }
  /** It wants to be signed in first. */
  | { kind: 'AUTH'; methods: string[] }

/** What is said to an agent. */
export interface Agenda {
  cwd: string
  prompt: string
  mode: string | undefined
  mcpServers: McpServer[]
  /** Whether a file that is not there is read as an empty one. */
  readsMissingAsEmpty: boolean
}

/** One turn of a conversation with an agent. */
export interface Conversation {
  /** Holds it; never throws. */
  hold(): Promise<Ended>
  /** Asks the agent to end its turn; false if it has none. */
  cancel(): boolean
  identity(): Identity
}

const text = z.string().max(500)
const initialized = z.object({
  protocolVersion: z.number(),
  agentInfo: z.object({ name: text, version: text }).nullish().catch(undefined),
  agentCapabilities: z
    .object({ mcpCapabilities: z.object({ http: z.boolean().optional() }).nullish() })
    .nullish()
    .catch(undefined),
  authMethods: z
    .array(z.object({ name: text }))
    .nullish()
    .catch(undefined),
})
const opened = z.object({
  sessionId: z.string(),
  modes: z
    .object({ currentModeId: text, availableModes: z.array(z.object({ id: text })) })
    .nullish()
    .catch(undefined),
})
const stopped = z.object({ stopReason: text, usage: z.unknown().optional() })

/** Something that ends a conversation with what it was. */
class Unusable extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/** Prepares a conversation over an agent's stream. Nothing is said before `hold`. */
export function openConversation(
  sdk: Sdk,
  stream: Stream,
  agenda: Agenda,
  { speech, gatekeeper, terminals }: { speech: Speech; gatekeeper: Gatekeeper; terminals: Terminals | undefined },
): Conversation {
  const { client, methods, RequestError } = sdk
  const identity: Identity = { name: 'unknown', version: 'unknown', mode: null }
  let cancelTurn: (() => void) | undefined
  let canceled = false

  /** Refusals are for the agent to read; nothing else of an error is. */
  const answer = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (error) {
      if (error instanceof Refused) throw new RequestError(INVALID_PARAMS, error.message)
      throw error
    }
  }

  const app = client({ name: 'tutti' })
    .onRequest(methods.client.session.requestPermission, async ({ params }) => {
      const optionId = await gatekeeper.permit(speech.hearOf(params.toolCall), params.options)
      return { outcome: optionId === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId } }
    })
    .onRequest(methods.client.fs.readTextFile, ({ params }) =>
      answer(async () => {
        try {
          return { content: await gatekeeper.read(params.path, params) }
        } catch (error) {
          const isMissing = error instanceof Refused && error.reason === 'NOT_FOUND'
          if (!isMissing) throw error
          if (agenda.readsMissingAsEmpty || /gemini/i.test(identity.name)) return { content: '' }
          throw RequestError.resourceNotFound(params.path)
        }
      }),
    )
    .onRequest(methods.client.fs.writeTextFile, ({ params }) =>
      answer(async () => {
        await gatekeeper.write(params.path, params.content)
        return {}
      }),
    )
  if (terminals) {
    app
      .onRequest(methods.client.terminal.create, ({ params }) => answer(() => terminals.create(params)))
      .onRequest(methods.client.terminal.output, ({ params }) => answer(() => terminals.output(params.terminalId)))
      .onRequest(methods.client.terminal.waitForExit, ({ params }) => answer(() => terminals.exit(params.terminalId)))
      .onRequest(methods.client.terminal.kill, ({ params }) => answer(() => terminals.kill(params.terminalId)))
      .onRequest(methods.client.terminal.release, ({ params }) => answer(() => terminals.release(params.terminalId)))
  }

  async function talk(connection: ReturnType<typeof app.connect>): Promise<Ended> {
    const { agent: peer } = connection
    const hello = initialized.parse(
      await peer.request(methods.agent.initialize, {
        protocolVersion: VERSION,
        clientCapabilities: {
          fs: { readTextFile: true, writeTextFile: true },
          terminal: terminals !== undefined,
        },
      }),
    )
    identity.name = hello.agentInfo?.name ?? identity.name
    identity.version = hello.agentInfo?.version ?? identity.version
    if (hello.protocolVersion !== VERSION) {
      const message = `it speaks version ${hello.protocolVersion} of the protocol, and Tutti version ${VERSION}`
      throw new Unusable({ class: 'VALIDATION', message: `${message}. Install a release that speaks it.` })
    }
    const { cwd, mcpServers, mode } = agenda
    const remote = mcpServers.find((server) => 'type' in server && server.type === 'http')
    if (remote && hello.agentCapabilities?.mcpCapabilities?.http !== true) {
      const message = `it cannot use the MCP server "${remote.name}", for it takes none over HTTP`
      throw new Unusable({ class: 'VALIDATION', message: `${message}. Give it one that is a program.` })
    }
    let session: z.infer<typeof opened>
    try {
      session = opened.parse(await peer.request(methods.agent.session.new, { cwd, mcpServers }))
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== AUTH_REQUIRED) throw error
      return { kind: 'AUTH', methods: (hello.authMethods ?? []).map(({ name }) => name) }
    }
    const { sessionId, modes } = session
    identity.mode = modes?.currentModeId ?? null
    if (mode !== undefined && mode !== identity.mode) {
      const known = modes?.availableModes.map(({ id }) => id) ?? []
      if (!known.includes(mode)) {
        const message = `it has no mode "${mode}"; it has: ${known.join(', ') || 'none'}. Correct "mode" in the configuration.`
        throw new Unusable({ class: 'VALIDATION', message })
      }
      await peer.request(methods.agent.session.setMode, { sessionId, modeId: mode })
      identity.mode = mode
    }
    if (canceled) return { kind: 'STOPPED', stopReason: 'cancelled' }
    cancelTurn = () => void peer.notify(methods.agent.session.cancel, { sessionId }).catch(() => {})
    const prompt = [{ type: 'text' as const, text: agenda.prompt }]
    const end = stopped.parse(await peer.request(methods.agent.session.prompt, { sessionId, prompt }))
    speech.hearTotal(end.usage)
    return { kind: 'STOPPED', stopReason: end.stopReason }
  }

  return {
    async hold() {
      const connection = app.connect(stream)
      try {
        return await talk(connection)
      } catch (error) {
        return { kind: 'FAILED', error: failureOf(error, sdk) }
      } finally {
        cancelTurn = undefined
        speech.flush()
        connection.close()
      }
    },
    cancel() {
      canceled = true
      cancelTurn?.()
      return cancelTurn !== undefined
    },
    identity: () => ({ ...identity }),
  }
}

function failureOf(error: unknown, { RequestError }: Sdk): Failure {
  if (error instanceof Unusable) return error.failure
  if (error instanceof z.ZodError) {
    const where = error.issues[0]?.path.join('.') ?? ''
    return { class: 'AGENT', message: `it answered with what the protocol does not know, at "${where}"` }
  }
  const { message } = error as Error
  if (!(error instanceof RequestError)) return { class: 'CRASH', message }
  const data = error.data === undefined ? '' : ` (${JSON.stringify(error.data)?.slice(0, 500)})`
  if (error.code === AUTH_REQUIRED) return { class: 'AUTH', message: `it has to be signed in: ${message}` }
  const isBusy = error.code === 429 || /\b429\b|rate.?limit/i.test(message + data)
  return { class: isBusy ? 'RATE_LIMIT' : 'AGENT', message: `it answered with error ${error.code}: ${message}${data}` }
}
