import type { Message, Part, SendMessageRequest } from '@a2a-js/sdk'
import { z } from 'zod'
import type { Json } from '../../core/json.ts'
import type { Work } from '../../runtime.ts'

/** A task of a remote agent that waits for an answer. */
export interface Waiting {
  /** Name of the agent in the configuration. */
  agent: string
  taskId: string
  contextId: string
}

/** The role of what is said to an agent, as the protocol numbers it. */
const USER = 1

const shownShape = z.object({
  a2a: z.object({ agent: z.string(), taskId: z.string().min(1), contextId: z.string() }),
})

/** The task that the last reply of a person goes to, if it belongs to this agent. */
export function waitingTask({ replies }: Work, agent: string): Waiting | undefined {
  const parsed = shownShape.safeParse(replies.at(-1)?.shown)
  return parsed.success && parsed.data.a2a.agent === agent ? parsed.data.a2a : undefined
}

/** What is asked of a person for a remote task, so that the next attempt finds that task again. */
export function shownFor(waiting: Waiting, parts: readonly Part[]): Json {
  const data = parts.flatMap(({ content }) => (content?.$case === 'data' ? [content.value as Json] : []))
  return { a2a: { ...waiting }, ...(data.length > 0 && { data }) }
}

/**
 * What an agent is sent.
 *
 * @param waiting the task that it goes on with; undefined: it begins a new one
 * @param takesJson whether it understands data beside text
 */
export function requestFor(work: Work, waiting: Waiting | undefined, takesJson: boolean): SendMessageRequest {
  const reply = waiting && work.replies.at(-1)
  const parts = reply ? replyParts(reply, takesJson) : workParts(work, takesJson)
  const message: Message = {
    // The same for the same attempt: an agent can tell that it has it already.
    messageId: work.attemptId,
    taskId: waiting?.taskId ?? '',
    contextId: waiting?.contextId ?? '',
    role: USER,
    parts,
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  }
  const configuration = {
    acceptedOutputModes: [],
    taskPushNotificationConfig: undefined,
    // What it was sent need not come back.
    historyLength: 0,
    returnImmediately: true,
  }
  return { tenant: '', message, configuration, metadata: undefined }
}

function replyParts({ text, data }: Work['replies'][number], takesJson: boolean): Part[] {
  const words = text.trim() === '' ? [] : [textPart(text)]
  if (data === null) return words.length > 0 ? words : [textPart('(no words)')]
  return [...words, takesJson ? dataPart(data) : textPart(JSON.stringify(data))]
}

function workParts(work: Work, takesJson: boolean): Part[] {
  return takesJson ? [textPart(wordsOf(work)), dataPart(factsOf(work))] : [textPart(wordsOf(work))]
}

const textPart = (value: string): Part => ({
  content: { $case: 'text', value },
  metadata: undefined,
  filename: '',
  mediaType: 'text/plain',
})

const dataPart = (value: Json): Part => ({
  content: { $case: 'data', value },
  metadata: undefined,
  filename: '',
  mediaType: 'application/json',
})

/** The work in words, for whoever reads nothing else. */
function wordsOf({ title, description, task, input, upstream, feedback, replies, notes }: Work): string {
  const isPart = task.title !== title || task.description !== description
  const sections: [string, string[]][] = [
    ['Part of this task', isPart ? [task.title, task.description] : []],
    ['Input', input === null ? [] : [fenced(input)]],
    [
      'Results of earlier parts',
      upstream.map(
        ({ title, status, summary, output, error }) =>
          `### ${title} (${status})\n\n${summary ?? error?.message ?? ''}${output === null ? '' : `\n\n${fenced(output)}`}`,
      ),
    ],
    ['Why earlier results were rejected', feedback.map(({ gate, text }) => `- ${gate}: ${text}`)],
    [
      'What people answered',
      replies.map(
        ({ question, text, data }) => `- ${question}\n  ${text}${data === null ? '' : ` ${JSON.stringify(data)}`}`,
      ),
    ],
    ['What people said', notes.map((note) => `- ${note}`)],
  ]
  const told = sections
    .map(([heading, texts]) => [heading, texts.filter((text) => text.trim() !== '')] as const)
    .filter(([, texts]) => texts.length > 0)
    .map(([heading, texts]) => `## ${heading}\n\n${texts.join('\n\n')}`)
  return [title, description, ...told].filter((text) => text.trim() !== '').join('\n\n')
}

const fenced = (value: Json): string => `\`\`\`json\n${JSON.stringify(value, undefined, 2)}\n\`\`\``

/** The work as data, without what means something on this machine alone. */
function factsOf(work: Work): Json {
  const { key, title, description, task, input, feedback, replies, notes, attempt } = work
  const upstream = work.upstream.map(({ artifacts, ...result }) => ({
    ...result,
    artifacts: artifacts.map(({ path: _, ...artifact }) => artifact),
  }))
  const said = replies.map(({ question, text, data }) => ({ question, text, data }))
  return { key, title, description, task, input, upstream, feedback, replies: said, notes, attempt }
}
