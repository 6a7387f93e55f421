import { readFile } from 'node:fs/promises'
import { basename } from 'node:path/posix'
import { type Artifact, type Message, type Part, Role, type Task, type TaskStatus } from '@a2a-js/sdk'
import type { Json } from '../core/json.ts'
import type { ArtifactFact, Ask, TaskRow } from './read.ts'
import { stateOf } from './state.ts'

/** How tasks are told. */
export interface Telling {
  /** Where this server is reached, without a path. */
  url: string
  artifacts: { path(sha256: string): string }
  /** Bytes up to which an artifact is handed over whole. */
  inlineBytes: number
}

/** Bytes of artifacts that one answer hands over whole. */
const INLINE_IN_ALL = 1_048_576
/** The artifact that holds the output of the session. */
const OUTPUT = 'output'

/** A session as a task of the protocol. @param history how many messages of it are wanted; undefined: all */
export async function taskOf(row: TaskRow, telling: Telling, history?: number): Promise<Task> {
  return {
    id: row.id,
    contextId: row.a2a.contextId,
    status: statusOf(row),
    artifacts: await artifactsOf(row, telling),
    history: history === 0 ? [] : [firstMessage(row)],
    metadata: factsOf(row),
  }
}

export function statusOf(row: TaskRow): TaskStatus {
  const kinds = row.asks.map(({ kind }) => kind)
  const [ask] = row.asks
  const state = stateOf(row.status, kinds, row.waits)
  const words = ask && row.endedAt === null ? askWords(row.asks) : endWords(row)
  const message = words.length > 0 ? messageOf(row, words, ask ? askFacts(ask) : undefined) : undefined
  return { state, message, timestamp: row.endedAt ?? row.createdAt }
}

/** A message about a task. */
export function messageOf(row: TaskRow, parts: Part[], metadata?: Json): Message {
  return {
    messageId: `${row.id}-${row.seq}`,
    contextId: row.a2a.contextId,
    taskId: row.id,
    role: Role.ROLE_AGENT,
    parts,
    metadata: metadata === undefined ? undefined : { tutti: metadata },
    extensions: [],
    referenceTaskIds: [],
  }
}

/** What is asked: the oldest question in words, and each of them as data to answer by. */
function askWords(asks: readonly Ask[]): Part[] {
  const [first] = asks as [Ask]
  const others = asks.length > 1 ? ` (and ${asks.length - 1} more)` : ''
  const answers = first.choices.includes('ANSWER') ? '' : ` Answer with one of ${first.choices.join(', ')}.`
  return [textPart(`${first.question}${answers}${others}`), dataPart({ asks: asks.map(askFacts) })]
}

const askFacts = ({ id, kind, question, shown, shownHash, choices }: Ask): Json => ({
  interruptId: id,
  kind,
  question,
  shown,
  shownHash,
  choices,
})

function endWords({ endedAt, reason, executions, status }: TaskRow): Part[] {
  if (endedAt === null) return reason === null ? [] : [textPart(reason)]
  if (reason !== null) return [textPart(reason)]
  const summaries = executions.flatMap(({ summary }) => (summary === null ? [] : [summary]))
  return [textPart(status === 'SUCCEEDED' ? (summaries.at(-1) ?? 'It is done.') : status.toLowerCase())]
}

const factsOf = ({ id, status, seq, artifacts, artifactCount }: TaskRow): Record<string, unknown> => ({
  tutti: {
    session: `Session:${id}`,
    status,
    seq,
    ...(artifactCount > artifacts.length && { artifactsLeftOut: artifactCount - artifacts.length }),
  },
})

function firstMessage({ id, a2a, title, description }: TaskRow): Message {
  return {
    messageId: a2a.messageId,
    contextId: a2a.contextId,
    taskId: id,
    role: Role.ROLE_USER,
    parts: [textPart(description === '' ? title : description)],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  }
}

async function artifactsOf(row: TaskRow, telling: Telling): Promise<Artifact[]> {
  let room = INLINE_IN_ALL
  const artifacts: Artifact[] = []
  for (const fact of row.artifacts) {
    const inline = fact.size <= Math.min(room, telling.inlineBytes)
    if (inline) room -= fact.size
    artifacts.push(await artifactOf(fact, telling, inline))
  }
  return [...artifacts, ...outputOf(row)]
}

/** An artifact: its bytes where they are few, else where they can be had with the same token. */
export async function artifactOf(
  { id, name, mediaType, size, sha256 }: ArtifactFact,
  { url, artifacts, inlineBytes }: Telling,
  inline = size <= inlineBytes,
): Promise<Artifact> {
  const bytes = inline ? await readFile(artifacts.path(sha256)).catch(() => undefined) : undefined
  const content: Part['content'] = bytes
    ? { $case: 'raw', value: bytes }
    : { $case: 'url', value: new URL(`/artifacts/${id}`, url).href }
  return {
    artifactId: id,
    name: basename(name),
    description: '',
    parts: [{ content, metadata: undefined, filename: name, mediaType }],
    metadata: { tutti: { size, sha256 } },
    extensions: [],
  }
}

/** What the session came to, once it has. */
export function outputOf({ output, endedAt }: TaskRow): Artifact[] {
  if (endedAt === null || output === null) return []
  const part = typeof output === 'string' ? textPart(output) : dataPart(output)
  const plain = { description: '', metadata: undefined, extensions: [] }
  return [{ ...plain, artifactId: OUTPUT, name: OUTPUT, parts: [part] }]
}

export const textPart = (value: string): Part => ({
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
