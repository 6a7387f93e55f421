import type { Logger } from 'pino'
import type { Timers } from '../../coordinator/timers.ts'
import type { Crew } from '../../engine.ts'
import type { Connection } from './connection.ts'
import type { Pools } from './pools.ts'
import { following, type Ring } from './ring.ts'

export interface OutboxOptions {
  connection: Pick<Connection, 'isUp'>
  pools: Pools
  timers: Timers
  log: Pick<Logger, 'error'>
  /** Who chooses agents, if this process has a crew. */
  crew(): Crew | undefined
  /** Whether an execution is in hand here still, since its last attempt is not quite gone: it waits for that. */
  isHeld(executionId: string): boolean
}

/** What is to be brought to the queues. All of it waits here while Redis is away. */
export interface Outbox {
  put(ring: Ring): void
  hail(sessionId: string, jobId: string): void
  withdraw(executionId: string): void
  /** A job that was sent has come back: its execution begins here. */
  begun(executionId: string, jobId: string): void
  /** A job is done here: what was put in for its execution meanwhile follows it. */
  done(executionId: string, jobId: string): void
  /** Sends what waits; returns once that has been tried. Never throws. */
  send(): Promise<void>
  close(): void
}

/** While something waits here, how often it is tried to send it, in milliseconds. */
const LOOK_AGAIN_MS = 1_000
/** Executions and sessions that wait here at most: what is beyond that is forgotten, and found in the rows. */
const WAITING_AT_MOST = 10_000
/** While all able agents are busy, in how many queues an execution waits: in more it would be taken hardly sooner. */
const QUEUES_AT_MOST = 2

export function createOutbox({ connection, pools, timers, log, crew, isHeld }: OutboxOptions): Outbox {
  const waiting = new Map<string, Ring>()
  /** Sessions that need a driver, and the job for each. */
  const hails = new Map<string, string>()
  /** In which queues this process has put an execution. */
  const sent = new Map<string, { jobId: string; agentIds: readonly string[] }>()
  let sending: Promise<void> | undefined
  let sendAgain = false
  let closed = false
  let callOff = (): void => {}

  function send(): Promise<void> {
    sendAgain = true
    sending ??= sendAll()
    return sending
  }

  async function sendAll(): Promise<void> {
    // What one step makes READY is sent together.
    await Promise.resolve()
    while (sendAgain && connection.isUp()) {
      sendAgain = false
      try {
        await Promise.all([...hails].map(([sessionId, jobId]) => sendHail(sessionId, jobId)))
        await sendRings()
      } catch (error) {
        // Once it is closed, whatever waited for Redis is told so.
        if (!closed) log.error({ err: error }, 'the engine could not bring what waits to the agents; it tries again')
      }
    }
    sending = undefined
    callOff()
    if (waiting.size + hails.size > 0 && !closed) callOff = timers.after(LOOK_AGAIN_MS, () => void send())
  }

  async function sendHail(sessionId: string, jobId: string): Promise<void> {
    await pools.addCommon({ sessionId }, { jobId })
    hails.delete(sessionId)
  }

  async function sendRings(): Promise<void> {
    const rings = [...waiting.values()].filter(({ executionId }) => !isHeld(executionId))
    const by = crew()
    if (rings.length === 0) return
    if (!by) {
      await Promise.all(rings.map(sendToAll))
      return
    }
    const agents = await by.agents()
    await pools.keep(agents)
    const slots = new Map(agents.map((agent) => [agent.id, agent.slots]))
    const taken = new Map([...(await pools.loads(0))].map(([id, { active, waiting }]) => [id, active + waiting]))
    const errors: unknown[] = []
    const jobs: { ring: Ring; agentIds: readonly string[] }[] = []
    for (const ring of rings.toSorted((a, b) => a.priority - b.priority)) {
      const agentIds = await chooseFor(by, ring, { taken, slots }).catch((error: unknown) => void errors.push(error))
      if (!agentIds) continue
      for (const id of agentIds) taken.set(id, (taken.get(id) ?? 0) + 1)
      jobs.push({ ring, agentIds })
    }
    for (const { ring, agentIds } of jobs) remember(ring, agentIds)
    await pools.add(jobs)
    for (const { ring } of jobs) leave(ring)
    if (errors.length > 0) throw errors[0]
  }

  /** The agents that are to have it in their queues; undefined: it is not sent now. */
  async function chooseFor(
    by: Crew,
    ring: Ring,
    { taken, slots }: Record<'taken' | 'slots', ReadonlyMap<string, number>>,
  ): Promise<readonly string[] | undefined> {
    const { executionId, sessionId } = ring
    const selection = await by.choose(sessionId, executionId, taken)
    // Put in anew, withdrawn, or begun here, while the crew was thinking.
    if (waiting.get(executionId) !== ring || isHeld(executionId)) return undefined
    if (!selection) {
      leave(ring)
      return undefined
    }
    const { chosen, ranked } = selection
    if (chosen) return [chosen.agentId]
    // Nobody is able: somebody may come.
    if (ranked.length === 0) return undefined
    const load = (id: string): number => (taken.get(id) ?? 0) / (slots.get(id) ?? 1)
    const soonest = ranked.map(({ agentId }) => agentId).toSorted((a, b) => load(a) - load(b))
    return soonest.slice(0, QUEUES_AT_MOST)
  }

  async function sendToAll(ring: Ring): Promise<void> {
    const { executionId, sessionId, jobId, priority } = ring
    await pools.addCommon({ sessionId, executionId }, { jobId, priority })
    leave(ring)
  }

  /** Unless it was put in anew. */
  function leave(ring: Ring): void {
    if (waiting.get(ring.executionId) === ring) waiting.delete(ring.executionId)
  }

  function remember({ executionId, jobId }: Ring, agentIds: readonly string[]): void {
    sent.delete(executionId)
    sent.set(executionId, { jobId, agentIds })
    const [oldest] = sent.keys()
    if (sent.size > WAITING_AT_MOST && oldest !== undefined) sent.delete(oldest)
  }

  function putInto<T>(box: Map<string, T>, id: string, what: T): void {
    if (closed || (box.size >= WAITING_AT_MOST && !box.has(id))) return
    box.set(id, what)
    void send()
  }

  return {
    put: (ring) => putInto(waiting, ring.executionId, ring),
    hail: (sessionId, jobId) => putInto(hails, sessionId, jobId),
    withdraw(executionId) {
      waiting.delete(executionId)
      const where = sent.get(executionId)
      sent.delete(executionId)
      if (where && connection.isUp()) pools.remove(where.jobId, where.agentIds)
    },
    begun(executionId, jobId) {
      sent.delete(executionId)
      if (waiting.get(executionId)?.jobId === jobId) waiting.delete(executionId)
    },
    done(executionId, jobId) {
      const next = waiting.get(executionId)
      if (!next) return
      if (next.jobId === jobId) waiting.set(executionId, { ...next, jobId: following(jobId) })
      void send()
    },
    send,
    close() {
      closed = true
      callOff()
    },
  }
}
