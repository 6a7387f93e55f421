import type { Artifact, Message, Part, StreamResponse, Task, TaskStatus } from '@a2a-js/sdk'
import { plainText, shorten } from '../../processes/lines.ts'
import type { Activity } from '../../runtime.ts'
import type { A2aLimits } from './definition.ts'
import { RemoteFailure } from './failure.ts'

/** States of a task, each at the place of its number in the protocol. */
export const STATES = [
  'UNKNOWN',
  'SUBMITTED',
  'WORKING',
  'COMPLETED',
  'FAILED',
  'CANCELED',
  'INPUT_REQUIRED',
  'REJECTED',
  'AUTH_REQUIRED',
] as const
export type State = (typeof STATES)[number]

/** In which nothing more comes of this attempt. */
const SETTLED: ReadonlySet<State> = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELED',
  'INPUT_REQUIRED',
  'REJECTED',
  'AUTH_REQUIRED',
])

/** The role of what the agent says, as the protocol numbers it. */
const AGENT = 2

/** An artifact as far as it has been told. */
export interface ToldArtifact {
  id: string
  name: string
  parts: Part[]
}

/** What a remote agent has told of one piece of work, from whichever answers it came. */
export interface Told {
  /** Undefined: it has not named a task, and never does if it answers with a message alone. */
  readonly task: { id: string; contextId: string } | undefined
  /** UNKNOWN before it tells one. */
  readonly state: State
  /** Every state that it was in, in order, the same one once in a row. */
  readonly states: readonly State[]
  /** It has said all that there is to say in this attempt. */
  readonly isSettled: boolean
  /** Its last words: the message of its status, or its only one. */
  readonly words: Message | undefined
  readonly artifacts: readonly ToldArtifact[]
  /**
   * Takes the next answer in; what is told again changes nothing.
   *
   * @returns what is new in it for those who watch
   * @throws RemoteFailure TOO_LARGE beyond the limits of artifacts
   */
  take(told: StreamResponse['payload']): Activity[]
}

const STATES_KEPT = 100
/** Pieces of all artifacts of one attempt. */
const PARTS = 100_000

export function createTold({ lines, lineLength, files, fileBytes }: A2aLimits): Told {
  const artifacts = new Map<string, ToldArtifact & { shown: number; bytes: number }>()
  const heard = new Set<string>()
  const states: State[] = []
  let task: Told['task']
  let state: State = 'UNKNOWN'
  let words: Message | undefined
  let alone = false
  let shown = 0
  let bytes = 0
  let count = 0

  function show(kind: Activity['kind'], parts: readonly Part[]): Activity[] {
    const activities: Activity[] = []
    for (const { content } of parts) {
      if (content?.$case !== 'text' || content.value.trim() === '' || shown > lines) continue
      shown += 1
      if (shown <= lines) activities.push({ kind, text: shorten(plainText(content.value), lineLength) })
      else activities.push({ kind: 'MESSAGE', text: `${lines} lines shown; further ones are left out.` })
    }
    return activities
  }

  function hear(message: Message | undefined): Activity[] {
    if (!message || message.role !== AGENT || (message.messageId !== '' && heard.has(message.messageId))) return []
    if (heard.size <= lines) heard.add(message.messageId)
    return show('MESSAGE', message.parts)
  }

  function enter(status: TaskStatus | undefined): Activity[] {
    // A number that the protocol does not have is no state that is known.
    state = (STATES as readonly State[])[status?.state ?? 0] ?? 'UNKNOWN'
    if (states.at(-1) !== state && states.length < STATES_KEPT) states.push(state)
    if (status?.message) words = status.message
    return hear(status?.message)
  }

  function keep({ artifactId, name, parts }: Artifact, append: boolean): Activity[] {
    const known = artifacts.get(artifactId)
    // What is streamed in many small pieces is never copied or measured again.
    const kept = known ?? { id: artifactId, name: '', parts: [], shown: 0, bytes: 0 }
    if (!append) {
      bytes -= kept.bytes
      count -= kept.parts.length
      Object.assign(kept, { parts: [], bytes: 0 })
    }
    const size = parts.reduce((sum, part) => sum + sizeOf(part), 0)
    const from = append ? kept.parts.length : Math.min(kept.shown, parts.length)
    for (const part of parts) kept.parts.push(part)
    kept.bytes += size
    bytes += size
    count += parts.length
    kept.name ||= name
    kept.shown = kept.parts.length
    artifacts.set(artifactId, kept)
    if (bytes > fileBytes || artifacts.size > files || count > PARTS) {
      const most = `${files} artifacts in ${PARTS} pieces with ${fileBytes} bytes in all`
      throw new RemoteFailure('TOO_LARGE', `It hands over more than ${most}: let it leave less, or raise the limit.`)
    }
    return show(
      'OUTPUT',
      kept.parts.slice(from).filter(({ filename }) => filename === ''),
    )
  }

  function takeTask({ id, contextId, status, artifacts: given, history }: Task): Activity[] {
    task = { id, contextId }
    const said = history.flatMap(hear)
    return [...said, ...given.flatMap((artifact) => keep(artifact, false)), ...enter(status)]
  }

  return {
    get task() {
      return task
    },
    get state() {
      return state
    },
    states,
    get isSettled() {
      return alone || SETTLED.has(state)
    },
    get words() {
      return words
    },
    get artifacts() {
      return [...artifacts.values()]
    },
    take(told) {
      switch (told?.$case) {
        case 'task':
          return takeTask(told.value)
        case 'statusUpdate':
          task ??= { id: told.value.taskId, contextId: told.value.contextId }
          return enter(told.value.status)
        case 'artifactUpdate':
          task ??= { id: told.value.taskId, contextId: told.value.contextId }
          return told.value.artifact ? keep(told.value.artifact, told.value.append) : []
        case 'message':
          alone = true
          words = told.value
          return hear(told.value)
        default:
          return []
      }
    },
  }
}

function sizeOf({ content }: Part): number {
  if (content?.$case === 'raw') return content.value.length
  if (content?.$case === 'text' || content?.$case === 'url') return Buffer.byteLength(content.value)
  return content?.$case === 'data' ? JSON.stringify(content.value ?? null).length : 0
}
