import { z } from 'zod'
import { cut } from '../../core/cut.ts'
import { hash } from '../../core/hash.ts'
import type { Json } from '../../core/json.ts'
import type { Work } from '../../runtime.ts'
import { defineTool, type Question, type Tool } from './tool.ts'

/** Characters of arguments in a question, and beside it. */
const MAX_IN_QUESTION = 300
const MAX_SHOWN = 6_000

/** Asks whether a tool may be called with these arguments. Equal calls make equal questions. */
export function approvalOf(agent: string, tool: string, input: unknown): Question {
  const text = JSON.stringify(input)
  const sha256 = hash(input)
  return {
    question: `May ${agent} call ${tool} with ${cut(text, MAX_IN_QUESTION)}? (arguments ${sha256.slice(0, 16)})`,
    shown: { tool, arguments: text.length <= MAX_SHOWN ? (input as Json) : cut(text, MAX_SHOWN), sha256 },
  }
}

/** What was answered to a question; undefined: nobody has answered it. The last answer counts. */
export function replyTo(replies: Work['replies'], question: string): Work['replies'][number] | undefined {
  return replies.findLast((reply) => reply.question === question)
}

/** Whether an answer means yes: `data` is true or {"approve": true}, or the text begins with yes. All else means no. */
export function isYes({ text, data }: Work['replies'][number]): boolean {
  if (typeof data === 'boolean') return data
  if (typeof data === 'object' && data !== null && !Array.isArray(data) && typeof data['approve'] === 'boolean') {
    return data['approve']
  }
  return /^\s*(yes|y|ok|okay|approved?|allow(ed)?)\b/i.test(text)
}

/** Lets a model ask a person. */
export const ASK_TOOL: Tool = defineTool({
  name: 'ask',
  right: 'ask',
  description:
    'Asks a person what you cannot find out yourself. The answer may take hours: ask once, and only what matters.',
  input: z.object({
    question: z.string().trim().min(1).max(500),
    shown: z.json().optional().describe('what the person has to see to answer'),
  }),
  // oxlint-disable-next-line require-yield
  async *perform({ work }, { question, shown = null }) {
    const reply = replyTo(work.replies, question)
    if (!reply) return { question, shown: shown as Json }
    const data = reply.data === null ? '' : `\n${JSON.stringify(reply.data)}`
    return { ok: true, text: `A person answered: ${reply.text}${data}`, detail: { question } }
  },
})
