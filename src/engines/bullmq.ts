import type { Job } from 'bullmq'
import type { Logger } from 'pino'
import type { Timers } from '../coordinator/timers.ts'
import type { Assignment } from '../core/schedule.ts'
import type { Selection } from '../core/select.ts'
import type { Crew, Engine } from '../engine.ts'
import { connect } from './bullmq/connection.ts'
import { createOutbox } from './bullmq/outbox.ts'
import { createPools, type JobData } from './bullmq/pools.ts'
import { following, ringOf } from './bullmq/ring.ts'

export interface BullmqEngineOptions {
  /** redis://user:password@host:port/database, or rediss:// for TLS. */
  url: string
  /** In front of every key, so that several installations can share a Redis. */
  prefix?: string
  /** Milliseconds that Redis may be silent before its connection is made anew. */
  silenceMs?: number
  /** Milliseconds after which a job goes to another server when its own does not say that it lives. */
  lockMs?: number
  log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  timers: Timers
}

/** How often agents and their slots are brought up to date, in milliseconds. */
const KEEP_MS = 3_000
/** How long the agents' loads are believed when an execution begins, in milliseconds. */
const FRESH_MS = 250
/** How long Redis may take to hear that the engine stops, in milliseconds. */
const STOP_MS = 2_000

/** An execution that is performed here. */
interface Held {
  agentId: string
  jobId: string
  controller: AbortController
  done: Promise<void>
}

/**
 * An engine over BullMQ: a queue in Redis for each agent, worked off by every process that has a crew, and its slots kept
 * over all of them. Whoever rings chooses the agent if it has a crew, since it knows the session; what a process without
 * one rings for goes through a common queue, whose workers choose: one way more, for those alone. While all able agents
 * are busy, an execution waits in the queues of several, and whoever is free first takes it.
 *
 * Redis may be away, slow or flushed: verbs return at once, no work is taken meanwhile, and what runs goes on. After a
 * flush BullMQ does not count what runs, so an agent can have its slots once for each server until that has ended.
 */
export function createBullmqEngine(options: BullmqEngineOptions): Engine {
  const { url, prefix = 'tutti', silenceMs = 5_000, lockMs = 15_000, log, timers } = options
  const held = new Map<string, Held>()
  /** Executions that the crew thinks about before they begin. */
  const thinking = new Set<string>()
  let crew: Crew | undefined
  let draining = false
  let stopping: Promise<void> | undefined
  let callOff = (): void => {}

  const connection = connect({
    url,
    silenceMs,
    log,
    onUp() {
      void keep()
      void outbox.send()
    },
  })
  const pools = createPools({
    client: connection.client,
    prefix,
    lockMs,
    onTrouble: (error) => log.debug({ err: error }, 'the queues have trouble; what they forget is found in the rows'),
    work,
    dispatch,
  })
  const outbox = createOutbox({
    connection,
    pools,
    timers,
    log,
    crew: () => crew,
    isHeld: (executionId) => held.has(executionId),
  })

  /** Brings agents and slots up to date, from now on again and again. Never throws. */
  async function keep(): Promise<void> {
    try {
      if (crew && !draining && connection.isUp()) await pools.keep(await crew.agents())
    } catch (error) {
      if (!draining) log.error({ err: error }, 'the engine does not know which agents there are; it tries again')
    }
    callOff()
    if (crew && !draining) callOff = timers.after(KEEP_MS, () => void keep())
  }

  async function dispatch(job: Job<JobData>): Promise<void> {
    const { executionId, sessionId } = job.data
    const jobId = job.id as string
    if (executionId !== undefined) outbox.put({ executionId, sessionId, jobId, priority: job.opts.priority as number })
    else if (draining) outbox.hail(sessionId, following(jobId))
    else await crew?.drive(sessionId).catch((error: unknown) => log.error({ err: error, sessionId }, 'nobody drives'))
  }

  async function work(agentId: string, job: Job<JobData>): Promise<void> {
    const { executionId = '', sessionId, agentIds = [] } = job.data
    const jobId = job.id as string
    const giveBack = (): void =>
      outbox.put({ executionId, sessionId, jobId: following(jobId), priority: job.opts.priority as number })
    const twin = held.get(executionId)
    // Another agent has taken it from its own queue.
    if (thinking.has(executionId) || (twin?.jobId === jobId && twin.agentId !== agentId)) return
    if (twin && twin.jobId !== jobId) return giveBack()
    // The queue took this server for dead and brings the same job again, which now stands for the slot of both.
    await twin?.done
    if (!crew || draining) return giveBack()
    try {
      const selection = await choose(crew, agentId, { sessionId, executionId })
      if (!selection) return
      const chosen = selection.ranked.find((choice) => choice.agentId === agentId)
      if (!chosen || draining || held.has(executionId)) return giveBack()
      const others = agentIds.filter((id) => id !== agentId)
      pools.remove(jobId, others)
      await perform(crew, jobId, { executionId, sessionId, agentId, selection: { ...selection, chosen } })
    } catch (error) {
      log.error({ err: error, executionId }, 'the engine could not begin an execution; it tries again')
      giveBack()
    }
  }

  /** Who could do it now; undefined if it is not READY any more, or was withdrawn while the crew was thinking. */
  async function choose(
    by: Crew,
    agentId: string,
    { sessionId, executionId }: Pick<Assignment, 'sessionId' | 'executionId'>,
  ): Promise<Selection | undefined> {
    thinking.add(executionId)
    try {
      const running = new Map<string, number>()
      // This job is among what its agent does.
      for (const [id, { active }] of await pools.loads(FRESH_MS)) {
        running.set(id, id === agentId ? Math.max(0, active - 1) : active)
      }
      const selection = await by.choose(sessionId, executionId, running)
      return thinking.has(executionId) ? selection : undefined
    } finally {
      thinking.delete(executionId)
    }
  }

  async function perform(by: Crew, jobId: string, assignment: Assignment): Promise<void> {
    const { executionId, agentId } = assignment
    const controller = new AbortController()
    outbox.begun(executionId, jobId)
    const done = by
      .perform(assignment, controller.signal)
      // It never does; if it did, the server must not end for it.
      .catch((error: unknown) => log.error({ err: error, executionId }, 'an execution could not be performed'))
      .finally(() => {
        held.delete(executionId)
        outbox.done(executionId, jobId)
      })
    held.set(executionId, { agentId, jobId, controller, done })
    await done
  }

  function drain(): void {
    if (draining) return
    draining = true
    callOff()
    pools.drain()
  }

  async function stop(): Promise<void> {
    drain()
    for (const { controller } of held.values()) controller.abort(new Error('the server is stopping'))
    await Promise.all([...held.values()].map(({ done }) => done))
    if (connection.isUp()) await sayGoodbye()
    outbox.close()
    connection.close()
  }

  /** What waits is sent, for others are to do it, and Redis hears that these workers go. */
  async function sayGoodbye(): Promise<void> {
    const late = Promise.withResolvers<void>()
    const callOff = timers.after(STOP_MS, late.resolve)
    const said = outbox.send().then(() => pools.close())
    // Whoever waits for the end of a connection hears of it as an error.
    await Promise.race([said.catch(() => {}), late.promise])
    callOff()
  }

  return {
    start(by) {
      crew = by
      pools.open()
      void keep()
      void outbox.send()
    },
    enqueue: (item) => outbox.put(ringOf(item)),
    withdraw(executionId) {
      thinking.delete(executionId)
      outbox.withdraw(executionId)
    },
    abort(executionId, reason) {
      held.get(executionId)?.controller.abort(new Error(reason))
    },
    hail: (sessionId) => outbox.hail(sessionId, sessionId),
    nudge() {
      void keep()
      void outbox.send()
    },
    status: () => (connection.isUp() ? 'up' : 'down'),
    drain,
    stop() {
      stopping ??= stop()
      return stopping
    },
  }
}
