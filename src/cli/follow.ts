import { setTimeout } from 'node:timers/promises'
import { isHeld, type ExecutionStatus } from '../core/execution.ts'
import { followChildren } from './children.ts'
import type { Client } from './client.ts'
import { events } from './events.ts'
import { Failure } from './failure.ts'
import { ActivitySubscription, ExecutionsQuery, SessionQuery } from './operations.ts'
import { everyPage } from './pages.ts'
import type { Renderer } from './render/renderer.ts'
import { uuidOf } from './result.ts'
import type { Server } from './server.ts'
import {
  type ActivityFact,
  applyActivity,
  applyChildEvent,
  applyEvent,
  type ExecutionView,
  isUnknown,
  type SessionView,
} from './view.ts'

/** The pause between two tries to hear again what agents show, in milliseconds. */
const PAUSE_MS = 2_000
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
  const children = followChildren(server, left, (event) => {
    view = applyChildEvent(view, event)
    renderer.event(event, view)
  })
  try {
    for await (const event of events(server, sessionId, renderer.notice, left)) {
      // The plan has grown, or has only just been approved.
      if (isUnknown(view, event)) view = withNew(await executionsOf(server.client, sessionId), view)
      view = applyEvent(view, event)
      renderer.event(event, view)
      children.meet(event)
      const waiting = early.get(event.executionId ?? '')
      if (!waiting || !isUnderWay(view, waiting)) continue
      early.delete(waiting.executionId)
      show(waiting)
    }
    return view
  } finally {
    over.abort()
    await Promise.all([watching, children.over()])
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
  const { complexity, pattern, patternReason, factors } = session.analysis
  const weighty = factors
    .filter(({ name, contribution }) => contribution > 0 && name !== GIVEN)
    .toSorted((a, b) => b.contribution - a.contribution)
  const why =
    pattern === session.pattern
      ? patternReason
      : `${session.pattern} was asked for. By its parts alone it would be ${pattern}: ${patternReason}`
  return {
    id: uuidOf(session.id),
    title: session.task.title,
    status: 'QUEUED',
    pattern: session.pattern,
    complexity,
    reasons: [why, ...weighty.slice(0, REASONS).map(({ reason }) => reason)],
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

/** The view with executions that have come since; those that it has stay as they are shown. */
function withNew(all: readonly ExecutionView[], view: SessionView): SessionView {
  const known = new Map(view.executions.map((execution) => [execution.id, execution]))
  return { ...view, executions: all.map((execution) => known.get(execution.id) ?? execution) }
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
      await setTimeout(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
}
