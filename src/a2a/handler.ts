import { setTimeout as pause } from 'node:timers/promises'
import { type AgentCard, type SendMessageRequest, type StreamResponse, type Task, TaskState } from '@a2a-js/sdk'
import {
  A2AError,
  PushNotificationNotSupportedError,
  RequestMalformedError,
  TaskNotCancelableError,
  TaskNotFoundError,
  UnsupportedOperationError,
} from '@a2a-js/sdk/errors'
import type { A2ARequestHandler, ServerCallContext } from '@a2a-js/sdk/server'
import type { Logger } from 'pino'
import type { Bus } from '../bus.ts'
import type { Coordinator, Refusal } from '../coordinator/coordinator.ts'
import { isEnded } from '../core/session.ts'
import type { Call, Visitor } from '../door.ts'
import type { Query } from '../store/driver.ts'
import type { A2aServerDefinition } from './definition.ts'
import { type Following, settledTask, streamOf } from './follow.ts'
import { answerIn, isId, saidIn, taskIn } from './incoming.ts'
import { countUnfinished, readTask, readTasks, type TaskRow, UUID } from './read.ts'
import { statusesOf } from './state.ts'
import { statusOf, taskOf, type Telling } from './task.ts'

/** What Tutti needs of the house to be an agent. */
export interface HandlerParts {
  definition: A2aServerDefinition
  query: Query
  bus: Bus
  coordinator: Pick<Coordinator, 'start' | 'cancel' | 'answer' | 'input'>
  log: Logger
  artifacts: Telling['artifacts']
  newId(): string
}

/** Who asks for what, beside what the protocol tells. */
export interface Asking {
  visitor: Visitor
  call: Call
  projectId: string
  card: AgentCard
  /** Where this server is reached, without a path. */
  url: string
  /** Fires once there is nobody to answer any more, or nothing more to tell them. */
  signal: AbortSignal
}

/** Under which `Asking` stands in the context of a call. */
export const ASKING = 'tutti'

const PAGE = 50
/** The end of the year 9999, in milliseconds since the epoch. */
const LATEST = 253_402_300_800_000
/** Tells how long a task may take to be canceled beyond the grace of its agents, in milliseconds. */
const CANCEL_MS = 60_000

/** Carries out what the protocol can ask for on sessions of one project. PostgreSQL is all that it remembers by. */
export function createHandler(parts: HandlerParts): A2ARequestHandler {
  const { definition, query, bus, coordinator, log } = parts
  const askingIn = (context: ServerCallContext): Asking => context.state.get(ASKING) as Asking
  const tellingFor = ({ url }: Asking): Telling => ({
    url,
    artifacts: parts.artifacts,
    inlineBytes: definition.inlineBytes,
  })
  const followingFor = ({ projectId, signal }: Asking): Following => ({ query, bus, projectId, signal })

  async function find({ projectId }: Asking, id: string): Promise<TaskRow> {
    const row = await readTask(query, projectId, id)
    if (!row) throw new TaskNotFoundError(`There is no task ${id.slice(0, 100)}.`)
    return row
  }

  /** Errors of the protocol as they are; nothing else is told to those who ask. */
  function masked({ call }: Asking, error: unknown): Error {
    if (error instanceof A2AError) return error
    log.error({ err: error, requestId: call.requestId }, 'a call over A2A failed unexpectedly')
    return new A2AError(`Unexpected error. The log of the server has it under ${call.requestId}.`)
  }

  async function guarded<T>(context: ServerCallContext, act: (asking: Asking) => Promise<T>): Promise<T> {
    const asking = askingIn(context)
    try {
      return await act(asking)
    } catch (error) {
      throw masked(asking, error)
    }
  }

  /** Starts a task or goes on with one. */
  async function begin({ message }: SendMessageRequest, asking: Asking): Promise<TaskRow> {
    if (!message) throw new RequestMalformedError('There is no message.')
    const said = saidIn(message)
    if (message.taskId === '') return start(message, taskIn(said), asking)
    const row = await find(asking, message.taskId)
    if (message.contextId !== '' && message.contextId !== row.a2a.contextId) {
      throw new RequestMalformedError(`Task ${row.id} belongs to another contextId.`)
    }
    if (isEnded(row.status)) throw new UnsupportedOperationError(`Task ${row.id} has ended: begin another one.`)
    const { visitor } = asking
    const [first, ...others] = row.asks
    const act = first ? 'answerInterrupt' : 'sendInput'
    if (first) {
      const { ask, answer, shownHash } = answerIn(said, [first, ...others])
      const by = { by: visitor.name, roles: visitor.roles }
      const answering = { interruptId: ask.id, answer, ...by, ...(shownHash !== undefined && { shownHash }) }
      settle(await coordinator.answer(answering), asking, act, `Interrupt:${ask.id}`)
      await visitor.done({ act: `A2A ${act}`, subject: `Interrupt:${ask.id}`, projectId: asking.projectId })
    } else {
      if (!visitor.holds('OPERATOR'))
        refuse({ kind: 'FORBIDDEN', message: 'That takes OPERATOR or ADMIN.' }, asking, act, row.id)
      settle(await coordinator.input(row.id, said.text, visitor.name), asking, act, `Session:${row.id}`)
    }
    return find(asking, row.id)
  }

  async function start(
    { messageId: given, contextId }: NonNullable<SendMessageRequest['message']>,
    { title, description }: { title: string; description: string },
    asking: Asking,
  ): Promise<TaskRow> {
    const { call, visitor, projectId } = asking
    const messageId = given || parts.newId()
    const unfinished = await countUnfinished(query)
    if (unfinished >= call.unfinishedSessions) {
      throw new A2AError(`${unfinished} sessions have not ended, which is the limit: wait for some of them.`)
    }
    const result = await coordinator.start({
      projectId,
      task: { title, description, input: { a2a: { contextId: contextId || messageId, messageId } } },
      pattern: definition.pattern,
      idempotencyKey: `a2a ${visitor.name} ${messageId}`,
    })
    if (result.kind !== 'STARTED') return refuse(result, asking, 'startOrchestration')
    return find(asking, result.sessionId)
  }

  function settle(
    result: Refusal | { kind: 'MOVED' } | { kind: 'CANCELING' },
    asking: Asking,
    act: string,
    subject: string,
  ): void {
    if (result.kind !== 'MOVED' && result.kind !== 'CANCELING') refuse(result, asking, act, subject)
  }

  /** @throws the error of the protocol that fits a refusal of the coordinator */
  function refuse(refusal: Refusal, { visitor, projectId }: Asking, act: string, subject?: string): never {
    switch (refusal.kind) {
      case 'INVALID':
        throw new RequestMalformedError(
          refusal.problems
            .slice(0, 5)
            .map(({ message }) => message)
            .join('; '),
        )
      case 'NOT_FOUND':
        throw new TaskNotFoundError(`There is no such ${refusal.what}.`)
      case 'FORBIDDEN': {
        const about = { ...(subject !== undefined && { subject }), detail: refusal.message, projectId }
        visitor.refused({ act: `A2A ${act}`, code: 'FORBIDDEN', ...about })
        throw new UnsupportedOperationError(refusal.message)
      }
      case 'CONFLICT':
        throw new UnsupportedOperationError(refusal.message)
      default:
        throw new A2AError(refusal.message)
    }
  }

  /** A task once it is settled, or after as long as a request may wait. */
  async function waitFor(row: TaskRow, asking: Asking, ms: number): Promise<TaskRow> {
    const patience = new AbortController()
    const both = AbortSignal.any([asking.signal, patience.signal])
    void pause(ms, undefined, { signal: both, ref: false }).then(
      () => patience.abort(),
      () => {},
    )
    try {
      return await settledTask(row, { ...followingFor(asking), signal: both })
    } finally {
      patience.abort()
    }
  }

  async function* stream(
    context: ServerCallContext,
    open: (asking: Asking) => Promise<TaskRow>,
    { isNew, history }: { isNew: boolean; history?: number | undefined },
  ): AsyncGenerator<StreamResponse, void> {
    const asking = askingIn(context)
    try {
      const row = await open(asking)
      // Of a task that has just begun everything is told.
      const after = isNew ? 0 : row.seq
      yield* streamOf(row, after, followingFor(asking), tellingFor(asking), history)
    } catch (error) {
      throw masked(asking, error)
    }
  }

  async function cancel(id: string, asking: Asking): Promise<Task> {
    const row = await find(asking, id)
    if (!isEnded(row.status)) {
      const { visitor, projectId } = asking
      settle(
        await coordinator.cancel(row.id, `canceled over A2A by ${visitor.name}`),
        asking,
        'cancelSession',
        `Session:${id}`,
      )
      await visitor.done({ act: 'A2A cancelSession', subject: `Session:${id}`, projectId })
    }
    // What waits for an answer is no end, so it is waited for by its status alone.
    let last = row
    const until = performance.now() + CANCEL_MS
    while (!isEnded(last.status) && performance.now() < until && !asking.signal.aborted) {
      last = await waitFor(await find(asking, id), asking, 1_000)
    }
    if (isEnded(last.status) && statusOf(last).state !== TaskState.TASK_STATE_CANCELED) {
      throw new TaskNotCancelableError(`Task ${id} has ended ${last.status} and cannot be canceled.`)
    }
    return taskOf(last, tellingFor(asking))
  }

  const noPush = (): Promise<never> => Promise.reject(new PushNotificationNotSupportedError())

  return {
    getAgentCard: () => Promise.reject(new UnsupportedOperationError('The card is at its own path.')),
    getAuthenticatedExtendedAgentCard: async (_params, context) => askingIn(context).card,
    sendMessage: (params, context) =>
      guarded(context, async (asking) => {
        const row = await begin(params, asking)
        const { returnImmediately = false, historyLength } = params.configuration ?? {}
        const told = returnImmediately ? row : await waitFor(row, asking, definition.waitMs)
        return taskOf(told, tellingFor(asking), historyLength)
      }),
    sendMessageStream: (params, context) =>
      stream(context, (asking) => begin(params, asking), {
        isNew: !params.message?.taskId,
        history: params.configuration?.historyLength,
      }),
    resubscribe: ({ id }, context) =>
      stream(
        context,
        async (asking) => {
          const row = await find(asking, id)
          if (isEnded(row.status)) throw new UnsupportedOperationError(`Task ${id} has ended: ask for it.`)
          return row
        },
        { isNew: false },
      ),
    getTask: ({ id, historyLength }, context) =>
      guarded(context, async (asking) => taskOf(await find(asking, id), tellingFor(asking), historyLength)),
    listTasks: ({ contextId, status, pageSize, pageToken, statusTimestampAfter, historyLength }, context) =>
      guarded(context, async (asking) => {
        const limit = pageSize ?? PAGE
        if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
          throw new RequestMalformedError('pageSize is a whole number from 1 to 100.')
        }
        const since = statusTimestampAfter ? new Date(statusTimestampAfter) : null
        if (since !== null && !(since.getTime() > 0 && since.getTime() < LATEST)) {
          throw new RequestMalformedError('statusTimestampAfter is a time as ISO 8601 has it.')
        }
        if (contextId !== '' && !isId(contextId)) {
          return { tasks: [], nextPageToken: '', pageSize: limit, totalSize: 0 }
        }
        const { rows, count } = await readTasks(query, asking.projectId, {
          contextId: contextId || null,
          statuses: status === TaskState.TASK_STATE_UNSPECIFIED ? null : statusesOf(status),
          after: placeIn(pageToken),
          since: since?.toISOString() ?? null,
          limit: limit + 1,
        })
        const page = rows.slice(0, limit)
        const telling = { ...tellingFor(asking), inlineBytes: 0 }
        const tasks = await Promise.all(page.map((row) => taskOf(row, telling, historyLength)))
        const last = rows.length > limit ? page.at(-1) : undefined
        return { tasks, nextPageToken: last ? tokenOf(last) : '', pageSize: limit, totalSize: count }
      }),
    cancelTask: ({ id }, context) => guarded(context, (asking) => cancel(id, asking)),
    createTaskPushNotificationConfig: noPush,
    getTaskPushNotificationConfig: noPush,
    listTaskPushNotificationConfigs: noPush,
    deleteTaskPushNotificationConfig: noPush,
  }
}

const tokenOf = ({ createdAt, id }: TaskRow): string => Buffer.from(`${createdAt} ${id}`).toString('base64url')

/** @throws RequestMalformedError for a token that was not given out */
function placeIn(token: string): { createdAt: string; id: string } | null {
  if (token === '') return null
  const [at = '', id = ''] = Buffer.from(token, 'base64url').toString().split(' ')
  const time = Date.parse(at)
  if (!(time > 0 && time < LATEST) || !UUID.test(id)) {
    throw new RequestMalformedError('This pageToken was not given out here.')
  }
  return { createdAt: new Date(time).toISOString(), id }
}
