import type { LanguageModelUsage, ModelMessage, ToolSet } from 'ai'
import type { Json } from '../../core/json.ts'
import { plainText } from '../../processes/lines.ts'
import type { Activity } from '../../runtime.ts'
import type { ModelDefinition } from './definition.ts'
import { type Failure, failureOf } from './failure.ts'
import type { Provider } from './provider.ts'
import type { Tool } from './tool.ts'
import type { Watch } from './watch.ts'

/** A call of a tool that a model wants. */
export interface Call {
  id: string
  name: string
  input: unknown
}

/** What a model said in one answer. */
export interface Said {
  text: string
  calls: Call[]
  /** Calls that could not be read, or of tools that are not there; the model has been told. */
  invalid: Call[]
  /** The answer, and what the model was told of its invalid calls, as the next request has to hold them. */
  messages: ModelMessage[]
  finish: string
  usage: Partial<LanguageModelUsage> | undefined
  /** Characters of all that it said, thoughts and arguments included. */
  characters: number
  /** The first thing that went wrong. */
  failure?: Failure
  /** Something has come from the provider: it charges for it. */
  began: boolean
}

/** What one request takes. */
export interface Request {
  provider: Provider
  definition: ModelDefinition
  instructions: string
  messages: ModelMessage[]
  tools: readonly Tool[]
  /** Given to the provider to hold the answer to. */
  schema: Json | undefined
  /** Tokens that the answer may have at most; undefined: as many as the model wants. */
  maxOutputTokens: number | undefined
  limits: { answerCharacters: number; lineCharacters: number }
  watch: Watch
}

/**
 * Asks a model once, and shows its thoughts and words line by line as they come, at the pace of the reader. Never throws:
 * what goes wrong stands in what it returns. Once the watch fires, the request is given up.
 */
export async function* ask(request: Request): AsyncGenerator<Activity, Said> {
  const { provider, watch, limits } = request
  const tooMuch = new AbortController()
  const said: Said = {
    text: '',
    calls: [],
    invalid: [],
    messages: [],
    finish: 'unknown',
    usage: undefined,
    characters: 0,
    began: false,
  }
  const lines = { MESSAGE: lineBuffer('MESSAGE', limits), THOUGHT: lineBuffer('THOUGHT', limits) }
  try {
    const result = send(request, AbortSignal.any([watch.signal, tooMuch.signal]))
    for await (const part of result.stream) {
      watch.heard()
      if (part.type === 'error') {
        said.failure ??= failureOf(provider.ai, part.error)
      } else if (part.type === 'text-delta' || part.type === 'reasoning-delta') {
        said.began = true
        said.characters += part.text.length
        const isText = part.type === 'text-delta'
        if (isText) said.text += part.text
        yield* lines[isText ? 'MESSAGE' : 'THOUGHT'].push(part.text)
      } else if (part.type === 'text-end' || part.type === 'reasoning-end') {
        yield* lines[part.type === 'text-end' ? 'MESSAGE' : 'THOUGHT'].end()
      } else if (part.type === 'tool-input-delta') {
        said.began = true
        said.characters += part.delta.length
      } else if (part.type === 'tool-call') {
        const { toolCallId: id, toolName: name, input } = part
        if (part.invalid === true) said.invalid.push({ id, name, input })
        else said.calls.push({ id, name, input })
      } else if (part.type === 'finish-step') {
        said.finish = part.finishReason
        said.usage = part.usage
      }
      if (said.characters > limits.answerCharacters && !said.failure) {
        said.failure = {
          class: 'TOO_LARGE',
          message: `The model said more than ${limits.answerCharacters} characters in one answer: ask it for less, or for files`,
        }
        tooMuch.abort()
      }
    }
    if (said.failure === undefined && !watch.signal.aborted) said.messages = await result.responseMessages
  } catch (error) {
    said.failure ??= failureOf(provider.ai, error)
  }
  yield* lines.THOUGHT.end()
  yield* lines.MESSAGE.end()
  return said
}

function send(
  { provider, definition, instructions, messages, tools, schema, maxOutputTokens }: Request,
  signal: AbortSignal,
) {
  const { ai, model } = provider
  const { settings, maxRetries } = definition
  const limits = [maxOutputTokens, settings.maxOutputTokens].filter((limit) => limit !== undefined)
  const { maxOutputTokens: _, ...others } = settings
  const set: ToolSet = Object.fromEntries(
    tools.map(({ name, description, input }) => {
      const inputSchema = 'jsonSchema' in input ? ai.jsonSchema(input.jsonSchema as object) : input
      return [name, ai.tool({ description, inputSchema })]
    }),
  )
  return ai.streamText({
    model,
    instructions,
    messages,
    maxRetries,
    abortSignal: signal,
    ...(tools.length > 0 && { tools: set }),
    ...(schema !== undefined && { output: ai.Output.object({ schema: ai.jsonSchema(schema as object) }) }),
    ...JSON.parse(JSON.stringify(others)),
    ...(limits.length > 0 && { maxOutputTokens: Math.max(1, Math.min(...limits)) }),
    // Told by the part of the stream; otherwise the library prints it.
    onError: () => {},
  })
}

/** Gathers what comes in pieces into lines. */
function lineBuffer(kind: 'MESSAGE' | 'THOUGHT', { lineCharacters }: { lineCharacters: number }) {
  let rest = ''
  const shown = (text: string): Activity[] => {
    const line = plainText(text).trimEnd()
    return line === '' ? [] : [{ kind, text: line }]
  }
  return {
    push(piece: string): Activity[] {
      const lines = (rest + piece).split('\n')
      rest = lines.pop() ?? ''
      // A line without an end is shown in parts.
      while (rest.length > lineCharacters) {
        lines.push(rest.slice(0, lineCharacters))
        rest = rest.slice(lineCharacters)
      }
      return lines.flatMap(shown)
    },
    end(): Activity[] {
      const last = rest
      rest = ''
      return shown(last)
    },
  }
}
