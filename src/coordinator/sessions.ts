import { executionById } from '../core/draft.ts'
import { remainingPath } from '../core/graph.ts'
import type { ReadyItem } from '../core/schedule.ts'
import { isEnded } from '../core/session.ts'
import type { SessionState, Step } from '../core/state.ts'
import { type Happening, nextTick, step } from '../core/step.ts'
import { loadSession } from '../store/session.ts'
import type { ArtifactRow, Transition } from '../store/write.ts'
import type { Parts } from './parts.ts'

/** Moves sessions: one happening after the other for each, all of them at once. */
export interface Sessions {
  /**
   * Takes one step: what a happening makes of a session is written, and only then its effects begin.
   *
   * @returns undefined if there is no such session
   */
  advance(sessionId: string, happening: Happening, artifacts?: readonly ArtifactRow[]): Promise<Step | undefined>
  /** Takes over a session that has just been written, and begins the effects of its steps. */
  adopt(transition: Transition): void
  /** The state as this server last wrote or read it. */
  read(sessionId: string): Promise<SessionState | undefined>
  /** Hands everything that is READY to the engine, as after a restart. */
  resume(sessionId: string): Promise<void>
  ended(sessionId: string): Promise<void>
  /** No timers any more. */
  stop(): void
}

/** Node's timers hold no more than this, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1

export function createSessions(parts: Parts): Sessions {
  const { database, writer, engine, log, now } = parts
  const known = new Map<string, SessionState>()
  const queues = new Map<string, Promise<unknown>>()
  const timers = new Map<string, NodeJS.Timeout>()
  const waiters = new Map<string, (() => void)[]>()
  let stopped = false

  /** Happenings of one session wait for each other; the queue goes when it is empty. */
  function inTurn<T>(sessionId: string, act: () => Promise<T>): Promise<T> {
    const turn = (queues.get(sessionId) ?? Promise.resolve()).then(act)
    const tail = turn
      .catch(() => {})
      .finally(() => {
        if (queues.get(sessionId) === tail) queues.delete(sessionId)
      })
    queues.set(sessionId, tail)
    return turn
  }

  async function read(sessionId: string): Promise<SessionState | undefined> {
    return known.get(sessionId) ?? (await loadSession(database.query, sessionId))
  }

  function advance(
    sessionId: string,
    happening: Happening,
    artifacts: readonly ArtifactRow[] = [],
  ): Promise<Step | undefined> {
    return inTurn(sessionId, async () => {
      for (;;) {
        const before = await read(sessionId)
        if (!before) return undefined
        const result = step(before, happening, now())
        if (result.events.length === 0) return result
        const accepted = result.refused === undefined ? artifacts : []
        const transition: Transition = { before, after: result.state, steps: [result], artifacts: accepted }
        if (await writer.write(transition)) {
          begin(transition)
          return result
        }
        // Somebody else has moved it: what this server remembers is worth nothing.
        known.delete(sessionId)
      }
    })
  }

  /** After the commit: what has become READY goes to the engine, what has to stop is stopped. */
  function begin({ before, after, steps }: Transition): void {
    known.set(after.id, after)
    for (const execution of Object.values(after.executions)) {
      const was = before.executions[execution.key]?.status
      if (was === 'READY' && execution.status !== 'READY') engine.withdraw(execution.id)
    }
    for (const effect of steps.flatMap(({ effects }) => effects)) {
      if (effect.type === 'ABORT') engine.abort(effect.executionId, effect.reason)
      else if (executionById(after, effect.executionId)?.status === 'READY') {
        engine.enqueue(readyItem(after, effect.executionId))
      }
    }
    schedule(after)
    if (isEnded(after.status)) leave(after.id)
  }

  function leave(sessionId: string): void {
    known.delete(sessionId)
    for (const resolve of waiters.get(sessionId) ?? []) resolve()
    waiters.delete(sessionId)
  }

  /** Wakes the session when time alone makes something happen. */
  function schedule(state: SessionState): void {
    clearTimeout(timers.get(state.id))
    timers.delete(state.id)
    const due = nextTick(state)
    if (due === undefined || stopped) return
    const wait = Math.min(Math.max(0, due - now()), LONGEST_TIMER)
    timers.set(
      state.id,
      setTimeout(() => void wake(state.id), wait),
    )
  }

  async function wake(sessionId: string): Promise<void> {
    try {
      const result = await advance(sessionId, { type: 'TICK' })
      // A timer may come a little early; then nothing has happened yet.
      if (result && result.events.length === 0) schedule(result.state)
    } catch (error) {
      log.error({ err: error, sessionId }, 'a session could not be woken; it is tried again')
      if (!stopped)
        timers.set(
          sessionId,
          setTimeout(() => void wake(sessionId), 1_000),
        )
    }
  }

  return {
    advance,
    read,
    adopt: begin,
    resume: (sessionId) =>
      inTurn(sessionId, async () => {
        const state = await read(sessionId)
        if (!state || isEnded(state.status)) return
        known.set(sessionId, state)
        for (const { id, status } of Object.values(state.executions)) {
          if (status === 'READY') engine.enqueue(readyItem(state, id))
        }
        schedule(state)
      }),
    async ended(sessionId) {
      const arrived = new Promise<void>((resolve) => {
        waiters.set(sessionId, [...(waiters.get(sessionId) ?? []), resolve])
      })
      const state = await read(sessionId)
      if (!state || isEnded(state.status)) leave(sessionId)
      await arrived
    },
    stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

const paths = new WeakMap<SessionState['plan'], Map<string, number>>()

function readyItem(state: SessionState, executionId: string): ReadyItem {
  const execution = executionById(state, executionId) as SessionState['executions'][string]
  const node = state.plan.nodes[execution.position] as SessionState['plan']['nodes'][number]
  let path = paths.get(state.plan)
  if (!path) {
    path = remainingPath(state.plan.nodes, () => 1)
    paths.set(state.plan, path)
  }
  const group = state.plan.groups.find(({ key }) => key === node.group)
  return {
    executionId,
    sessionId: state.id,
    projectId: state.projectId,
    group: node.group,
    priority: state.priority,
    remainingPath: path.get(node.key) as number,
    readyAt: execution.readyAt as number,
    wanted: wantedOf(node),
    limits: { session: state.limits.concurrency, group: group?.concurrency ?? 1, project: Number.POSITIVE_INFINITY },
  }
}

/** What a node asks of its agent. */
export function wantedOf(node: SessionState['plan']['nodes'][number]): ReadyItem['wanted'] {
  const { type, capabilities, agent, title, description } = node
  return { capabilities, text: `${title}. ${description}`, ...(type && { type }), ...(agent && { agent }) }
}
