import { setTimeout } from 'node:timers/promises'
import { isHeld, type ExecutionStatus } from '../core/execution.ts'
import { isEnded } from '../core/session.ts'
import { type Client, Unreachable } from './client.ts'
import { Failure } from './failure.ts'
import { ActivitySubscription, EventsSubscription, ExecutionsQuery, SessionQuery } from './operations.ts'
import { everyPage } from './pages.ts'
import type { Renderer } from './render/renderer.ts'
import { uuidOf } from './result.ts'
import type { Server } from './server.ts'
import {
  type ActivityFact,
  applyActivity,
  applyEvent,
  type EventFact,
  type ExecutionView,
  isUnknown,
  type SessionView,
} from './view.ts'

/** A server that cannot be reached for this long is given up, in milliseconds. */
const GIVE_UP_MS = 60_000
/** The longest pause between two tries to reach it, in milliseconds. */
const LONGEST_PAUSE_MS = 2_000
/** How many reasons for the complexity are shown. */
const REASONS = 3
/** The factor that every task has; it says nothing of this one. */
const GIVEN = 'base'

/**
 * Shows a session from its beginning to its end. A lost connection is taken up again behind the last event that came.
 *
 * @param signal fires when nobody wants to see it any more
 * @returns what was seen last
 * @throws Failure if there is no such session, or the server cannot be reached for a minute
 */
export async function follow(
  server: Server,
  sessionId: string,
  renderer: Renderer,
  signal: AbortSignal,
): Promise<SessionView> {
  let view = await beginningOf(server, sessionId)
  renderer.begin(view)
  const over = new AbortController()
  const left = AbortSignal.any([signal, over.signal])
  const show = (activity: ActivityFact): void => {
    view = applyActivity(view, activity)
    renderer.activity(activity, view)
  }
  // What agents show comes on another way than events: it may be here before the attempt that it belongs to.
  const early = new Map<string, ActivityFact>()
  const watching = followActivities(server, sessionId, left, (activity) => {
    if (isUnderWay(view, activity)) show(activity)
    else early.set(activity.executionId, activity)
  })
  try {
    for await (const event of events(server, sessionId, renderer, left)) {
      // The plan has grown, or has only just been approved.
      if (isUnknown(view, event)) view = { ...view, executions: await withNew(server, sessionId, view) }
      view = applyEvent(view, event)
      renderer.event(event, view)
      const waiting = early.get(event.executionId ?? '')
      if (!waiting || !isUnderWay(view, waiting)) continue
      early.delete(waiting.executionId)
      show(waiting)
    }
    return view
  } finally {
    over.abort()
    await watching
    renderer.end()
  }
}

/** Whether the attempt that showed this is being made, as far as events have told. */
function isUnderWay(view: SessionView, { executionId, attempt }: ActivityFact): boolean {
  const execution = view.executions.find(({ id }) => id === executionId)
  const begun = execution !== undefined && isHeld(execution.status) && execution.status !== 'ASSIGNED'
  return begun && execution.attempts === attempt
}

/** The session as it was before its first event: its plan is made before anybody can look. */
async function beginningOf({ client }: Server, id: string): Promise<SessionView> {
  const { session } = await client.ask(SessionQuery, { id })
  if (!session) throw new Failure(`There is no session ${id}. \`tutti sessions\` lists the last ones.`)
  const { complexity, patternReason, factors } = session.analysis
  const weighty = factors
    .filter(({ name, contribution }) => contribution > 0 && name !== GIVEN)
    .toSorted((a, b) => b.contribution - a.contribution)
  return {
    id: uuidOf(session.id),
    title: session.task.title,
    status: 'QUEUED',
    pattern: session.pattern,
    complexity,
    reasons: [patternReason, ...weighty.slice(0, REASONS).map(({ reason }) => reason)],
    createdAt: Date.parse(session.createdAt),
    endedAt: null,
    reason: null,
    seq: 0,
    executions: await executionsOf(client, id),
    interrupts: [],
  }
}

/** The executions as they were before their first event. */
async function executionsOf(client: Client, id: string): Promise<ExecutionView[]> {
  const executions = await everyPage(async (after) => {
    const answer = await client.ask(ExecutionsQuery, { id, after })
    return answer.session?.executions ?? { nodes: [], pageInfo: { hasNextPage: false } }
  })
  return executions.map(({ id, key, title }) => ({
    id,
    key,
    title,
    status: 'PENDING' satisfies ExecutionStatus,
    agent: null,
    attempts: 0,
    startedAt: null,
    endedAt: null,
    resumeAt: null,
    summary: null,
    error: null,
    rejected: null,
    asks: null,
    childId: null,
    cause: null,
    line: null,
  }))
}

/** The executions as they are shown, and those that have come since. */
async function withNew({ client }: Server, id: string, { executions }: SessionView): Promise<ExecutionView[]> {
  const known = new Map(executions.map((execution) => [execution.id, execution]))
  return (await executionsOf(client, id)).map((execution) => known.get(execution.id) ?? execution)
}

/** All events of a session, each once and in order, over as many connections as it takes. */
async function* events(
  server: Server,
  id: string,
  renderer: Renderer,
  signal: AbortSignal,
): AsyncGenerator<EventFact, void> {
  let after = 0
  let lostAt: number | undefined
  for (let tries = 0; ; tries++) {
    try {
      for await (const { sessionEvents: item } of server.client.follow(EventsSubscription, { id, after }, signal)) {
        if (lostAt !== undefined) renderer.notice('the connection is back')
        lostAt = undefined
        tries = 0
        if (item.__typename !== 'SessionEvent') continue
        const { event } = item
        yield {
          seq: event.seq,
          type: event.type,
          executionId: event.executionId ?? null,
          agent: event.execution?.agent?.name ?? null,
          data: event.data,
          at: Date.parse(event.at),
        }
        after = event.seq
        if (event.type.startsWith('SESSION_') && isEnded(event.type.slice('SESSION_'.length) as never)) return
      }
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
    }
    if (signal.aborted) return
    if (lostAt === undefined) renderer.notice('the connection is lost; it is taken up again')
    lostAt ??= Date.now()
    if (Date.now() - lostAt > GIVE_UP_MS) {
      throw new Failure(`${server.client.url} cannot be reached any more. The session goes on when its server does.`)
    }
    await setTimeout(Math.min(50 * 2 ** tries, LONGEST_PAUSE_MS), undefined, { signal }).catch(() => {})
    await server.reopen()
  }
}

/** What agents show, each once and in order. Never throws: the session is told by its events alone. */
async function followActivities(
  server: Server,
  id: string,
  signal: AbortSignal,
  take: (activity: ActivityFact) => void,
): Promise<void> {
  // It always begins at the beginning.
  const seen = new Map<string, number>()
  while (!signal.aborted) {
    try {
      for await (const { sessionActivity: shown } of server.client.follow(ActivitySubscription, { id }, signal)) {
        const { executionId, seq, attempt, text, at } = shown
        if (seq <= (seen.get(executionId) ?? 0)) continue
        seen.set(executionId, seq)
        take({ executionId, attempt, text, at: Date.parse(at) })
      }
      return
    } catch {
      await setTimeout(LONGEST_PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
}
