import { z } from 'zod'
import type { Activity, Usage } from '../../runtime.ts'
import { plainText, shorten } from '../../processes/lines.ts'
import { learn, told } from './tool-call.ts'
import type { ToolCall } from './tool-call.ts'

/** What an agent has told of its work so far. */
export interface Speech {
  /** Takes in one update of the session, whatever it holds. */
  hear(params: unknown): void
  /** Takes in a tool call that permission is asked for. */
  hearOf(call: unknown): ToolCall
  /** Takes in the usage of a whole turn, where the agent tells it at its end. */
  hearTotal(usage: unknown): void
  /** Shows what waits for the end of its line. */
  flush(): void
  /** What it said last without being interrupted by work. */
  answer(): string
  /** All tool calls that are remembered, the first one first, and how many there were. */
  calls(): { known: ToolCall[]; count: number }
  usage(): Usage
}

export interface SpeechLimits {
  lineBytes: number
  /** Characters of an answer; of a longer one its end is kept. */
  answerLength: number
  /** Tool calls that are remembered. */
  toolCalls: number
}

const count = z.number().nonnegative()
const update = z.object({ update: z.looseObject({ sessionUpdate: z.string() }) })
const chunk = z.object({ content: z.object({ text: z.string() }) })
const tokens = z.object({ inputTokens: count, outputTokens: count })
const metered = z.object({ _meta: z.object({ usage: tokens }) })
const spent = z.object({ cost: z.object({ amount: count, currency: z.string() }) })
const plan = z.object({ entries: z.array(z.object({ content: z.string(), status: z.string() })).max(1_000) })

const CHUNKS = { agent_message_chunk: 'MESSAGE', agent_thought_chunk: 'THOUGHT' } as const
const MARKS: Readonly<Record<string, string>> = { completed: 'x', in_progress: '>' }

/** Turns what an agent tells into activities, and keeps of it what its work is judged by. Memory is bounded. */
export function listen(limits: SpeechLimits, show: (activity: Activity) => void): Speech {
  const calls = new Map<string, ToolCall>()
  let callCount = 0
  let answer = ''
  let beforeWork = ''
  let open: { kind: 'MESSAGE' | 'THOUGHT'; text: string } | undefined
  const usage: Usage = {}
  let shownUsage = ''

  const line = (kind: Activity['kind'], text: string): void => {
    const plain = plainText(text)
    if (plain.trim() !== '') show({ kind, text: shorten(plain, limits.lineBytes) })
  }
  const flush = (): void => {
    if (open) line(open.kind, open.text)
    open = undefined
  }

  function say(kind: 'MESSAGE' | 'THOUGHT', text: string): void {
    if (open?.kind !== kind) flush()
    const lines = ((open?.text ?? '') + text).split('\n')
    const rest = lines.pop() as string
    for (const each of lines) line(kind, each)
    open = { kind, text: rest }
    if (rest.length > limits.lineBytes) flush()
    if (kind === 'MESSAGE') answer = (answer + text).slice(-2 * limits.answerLength)
  }

  function hearOf(value: unknown): ToolCall {
    const news = told.parse(value)
    const known = calls.get(news.toolCallId)
    const call = learn(known, news)
    if (!known) {
      callCount++
      // What is said before work is no answer, unless nothing follows.
      if (answer.trim() !== '') beforeWork = answer
      answer = ''
    }
    if (known || calls.size < limits.toolCalls) calls.set(call.id, call)
    const ended = call.status === 'completed' || call.status === 'failed'
    if (!known || (ended && known.status !== call.status)) {
      flush()
      line('ACTION', `${call.kind}: ${call.title.replaceAll(/\s+/g, ' ')}${ended ? ` (${call.status})` : ''}`)
    }
    return call
  }

  function showUsage(): void {
    const { inputTokens = 0, outputTokens = 0, cost } = usage
    const text = `${inputTokens} tokens in, ${outputTokens} out${cost === undefined ? '' : `, ${cost} USD`}`
    if (text !== shownUsage) line('USAGE', text)
    shownUsage = text
  }

  function hearUsage(value: object): void {
    const counted = metered.safeParse(value)
    if (counted.success) {
      usage.inputTokens = (usage.inputTokens ?? 0) + counted.data._meta.usage.inputTokens
      usage.outputTokens = (usage.outputTokens ?? 0) + counted.data._meta.usage.outputTokens
    }
    const paid = spent.safeParse(value)
    if (paid.success && paid.data.cost.currency === 'USD') usage.cost = paid.data.cost.amount
    if (counted.success || paid.success) showUsage()
  }

  return {
    hear(params) {
      const parsed = update.safeParse(params)
      if (!parsed.success) return
      const news = parsed.data.update
      const kind = news.sessionUpdate
      if (kind === 'agent_message_chunk' || kind === 'agent_thought_chunk') {
        const said = chunk.safeParse(news)
        if (said.success) say(CHUNKS[kind], said.data.content.text)
      } else if (kind === 'tool_call' || kind === 'tool_call_update') {
        if (told.safeParse(news).success) hearOf(news)
      } else if (kind === 'plan') {
        const made = plan.safeParse(news)
        flush()
        for (const { content, status } of made.data?.entries ?? []) {
          line('PLAN', `[${MARKS[status] ?? ' '}] ${content.replaceAll(/\s+/g, ' ')}`)
        }
      }
      hearUsage(news)
    },
    hearOf,
    hearTotal(value) {
      const total = tokens.safeParse(value)
      if (!total.success) return
      usage.inputTokens = total.data.inputTokens
      usage.outputTokens = total.data.outputTokens
      showUsage()
    },
    flush,
    answer() {
      const text = plainText(answer.trim() === '' ? beforeWork : answer).trim()
      return text.slice(-limits.answerLength).toWellFormed()
    },
    calls: () => ({ known: [...calls.values()], count: callCount }),
    usage: () => ({ ...usage }),
  }
}
