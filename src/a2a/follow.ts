import { setTimeout as pause } from 'node:timers/promises'
import { type StreamResponse, TaskState } from '@a2a-js/sdk'
import type { Bus } from '../bus.ts'
import type { Query } from '../store/driver.ts'
import { type EventRow, eventsAfter } from '../store/journal.ts'
import { readTask, type TaskRow } from './read.ts'
import { isSettled } from './state.ts'
import { artifactOf, messageOf, outputOf, statusOf, taskOf, type Telling, textPart } from './task.ts'

export interface Following {
  query: Query
  bus: Bus
  projectId: string
  /** Ends it: whoever reads has left, or the server stops. */
  signal: AbortSignal
}

/** A lost ring delays by no more than this, in milliseconds. */
const LOOK_MS = 5_000
/** Events that are read at once. */
const PAGE = 100

/** A task as it is now, and again whenever something has happened in it or below it, until the signal fires. */
export async function* changesOf(row: TaskRow, following: Following): AsyncGenerator<TaskRow> {
  const { query, bus, projectId, signal } = following
  const bells = new Map<string, () => void>()
  let heard = Promise.withResolvers<void>()
  const listen = (ids: readonly string[]): void => {
    for (const id of ids)
      if (!bells.has(id))
        bells.set(
          id,
          bus.listen(`session:${id}`, () => heard.resolve()),
        )
  }
  try {
    let known: TaskRow | undefined = row
    for (let first = true; known && !signal.aborted; first = false) {
      listen([known.id, ...known.children])
      // What happened before somebody listened is found by looking again.
      if (!first) yield known
      else if (known.endedAt !== null) return yield known
      const patience = new AbortController()
      const look = pause(first ? 0 : LOOK_MS, undefined, {
        signal: AbortSignal.any([signal, patience.signal]),
        ref: false,
      })
      await Promise.race([heard.promise, look.catch(() => {})])
      patience.abort()
      heard = Promise.withResolvers()
      known = await readTask(query, projectId, row.id)
    }
  } finally {
    for (const stop of bells.values()) stop()
  }
}

/** A task as it stands once it is settled, or once the signal fires. */
export async function settledTask(row: TaskRow, following: Following): Promise<TaskRow> {
  let last = row
  for await (const now of changesOf(row, following)) {
    last = now
    if (isSettled(statusOf(now).state)) break
  }
  return last
}

/**
 * First the task as it is, then what happens in it: in words, artifacts as they are accepted, and the states that it
 * comes to. Ends once it is settled: for good, or until somebody has answered.
 *
 * @param after number of the event behind which it begins
 */
export async function* streamOf(
  row: TaskRow,
  after: number,
  following: Following,
  telling: Telling,
  history?: number,
): AsyncGenerator<StreamResponse, void> {
  yield { payload: { $case: 'task', value: await taskOf(row, telling, history) } }
  let seq = after
  let state = statusOf(row).state
  if (isSettled(state)) return
  const told = new Set(row.artifacts.map(({ id }) => id))
  for await (const now of changesOf(row, following)) {
    for (let page = PAGE; page === PAGE && seq < now.seq;) {
      const events = await eventsAfter(following.query, [{ id: now.id, after: seq }], PAGE)
      for (const event of events) {
        const words = wordsFor(event, now)
        if (words !== undefined) yield happened(now, event, words)
      }
      page = events.length
      seq = events.at(-1)?.seq ?? now.seq
    }
    for (const fact of now.artifacts) {
      if (told.has(fact.id)) continue
      told.add(fact.id)
      yield artifactUpdate(now, await artifactOf(fact, telling))
    }
    for (const output of outputOf(now)) yield artifactUpdate(now, output)
    const status = statusOf(now)
    if (status.state !== state || isSettled(status.state)) {
      state = status.state
      const value = { taskId: now.id, contextId: now.a2a.contextId, status, metadata: undefined }
      yield { payload: { $case: 'statusUpdate', value } }
    }
    if (isSettled(state)) return
  }
}

function artifactUpdate({ id, a2a }: TaskRow, artifact: Awaited<ReturnType<typeof artifactOf>>): StreamResponse {
  const value = { taskId: id, contextId: a2a.contextId, artifact, append: false, lastChunk: true, metadata: undefined }
  return { payload: { $case: 'artifactUpdate', value } }
}

/** Something that happened, told while the task goes on. */
function happened(row: TaskRow, { seq, type, executionId, at }: EventRow, words: string): StreamResponse {
  const message = messageOf({ ...row, seq }, [textPart(words)], { seq, type, executionId })
  const status = { state: TaskState.TASK_STATE_WORKING, message, timestamp: new Date(at).toISOString() }
  const value = { taskId: row.id, contextId: row.a2a.contextId, status, metadata: undefined }
  return { payload: { $case: 'statusUpdate', value } }
}

/** An event in words; undefined for those that say nothing to somebody outside. */
function wordsFor({ type, executionId }: EventRow, { executions }: TaskRow): string | undefined {
  const execution = executions.find(({ id }) => id === executionId)
  if (!execution) return type === 'PLAN_MADE' ? 'The plan is made.' : undefined
  const { title, summary, error } = execution
  switch (type) {
    case 'EXECUTION_RUNNING':
      return `${title}: begins`
    case 'EXECUTION_ACCEPTED':
      return `${title}: ${summary ?? 'done'}`
    case 'EXECUTION_FAILED':
      return `${title}: failed, ${error?.message ?? 'for no known reason'}`
    case 'EXECUTION_SKIPPED':
      return `${title}: skipped`
    default:
      return undefined
  }
}
