import { type Job, Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Ring } from './ring.ts'

/** What a job carries: ids alone. Without an execution it asks for somebody who drives the session. */
export interface JobData {
  sessionId: string
  executionId?: string
  /** The agents that have the same execution in their queues; whoever is free first takes it. */
  agentIds?: readonly string[]
}

/** How many executions an agent has, over all servers. */
export interface Load {
  active: number
  waiting: number
}

export interface PoolsOptions {
  client: Redis
  prefix: string
  /** Milliseconds after which a job goes to another worker when its own does not say that it lives. */
  lockMs: number
  /** What BullMQ says of itself, such as that a lock was lost. */
  onTrouble(error: Error): void
  /** Does a job of an agent's queue. Never throws. */
  work(agentId: string, job: Job<JobData>): Promise<void>
  /** Does a job of the common queue. Never throws. */
  dispatch(job: Job<JobData>): Promise<void>
}

/** The queues in Redis: one for each agent, and a common one for what has no agent yet. */
export interface Pools {
  /** From here on the common queue is worked off. */
  open(): void
  /** A queue and a worker for each agent, with its slots as they are now; queues of agents that have gone are emptied. */
  keep(agents: readonly { id: string; slots: number }[]): Promise<void>
  /** @param maxAgeMs how long ago it may have been counted */
  loads(maxAgeMs: number): Promise<ReadonlyMap<string, Load>>
  /** Puts each execution into the queues of its agents. */
  add(jobs: readonly { ring: Ring; agentIds: readonly string[] }[]): Promise<void>
  /** Puts a job into the common queue. */
  addCommon(data: JobData, job: { jobId: string; priority?: number }): Promise<void>
  /** Takes a job that waits out of the queues of these agents. Never throws. */
  remove(jobId: string, agentIds: readonly string[]): void
  /** Takes no more jobs; what was taken is done to its end. */
  drain(): void
  /** Returns once what was taken is done, and Redis knows it. */
  close(): Promise<void>
}

/** Seconds that a worker waits for a job before it asks whether one is there: slots can become free without a word. */
const LOOK_AGAIN_S = 2
/** Jobs of the common queue that a process does at once: they are short. */
const COMMON_AT_ONCE = 10

interface Pool {
  queue: Queue<JobData>
  worker: Worker<JobData>
  /** As Redis knows them; 0 until it does. */
  slots: number
}

export function createPools({ client, prefix, lockMs, onTrouble, work, dispatch }: PoolsOptions): Pools {
  const pools = new Map<string, Pool>()
  const common = createQueue('dispatch')
  let commonWorker: Worker<JobData> | undefined
  const closing = new Set<Promise<unknown>>()
  let draining = false
  let counted = { at: Number.NEGATIVE_INFINITY, loads: Promise.resolve(new Map<string, Load>()) }

  function createQueue(name: string): Queue<JobData> {
    const queue = new Queue<JobData>(name, {
      connection: client,
      prefix,
      skipVersionCheck: true,
      // Nobody reads them.
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    })
    queue.on('error', onTrouble)
    return queue
  }

  function createWorker(name: string, concurrency: number, act: (job: Job<JobData>) => Promise<void>): Worker<JobData> {
    const worker = new Worker<JobData>(name, act, {
      connection: client,
      prefix,
      concurrency,
      autorun: false,
      skipVersionCheck: true,
      drainDelay: LOOK_AGAIN_S,
      lockDuration: lockMs,
      stalledInterval: Math.ceil(lockMs / 3),
      runRetryDelay: 1_000,
    })
    worker.on('error', onTrouble)
    return worker
  }

  function run(worker: Worker<JobData>): void {
    if (!draining) worker.run().catch(onTrouble)
  }

  function open(id: string, slots: number): Pool {
    const name = `agent-${id}`
    const worker = createWorker(name, slots, (job) => work(id, job))
    const pool = { queue: createQueue(name), worker, slots: 0 }
    pools.set(id, pool)
    return pool
  }

  async function keepOne(id: string, slots: number): Promise<void> {
    const pool = pools.get(id) ?? open(id, slots)
    if (pool.slots === slots) return
    await pool.queue.setGlobalConcurrency(slots)
    pool.slots = slots
    pool.worker.concurrency = slots
    if (!pool.worker.isRunning()) run(pool.worker)
  }

  /** What waits there finds another agent as long as the rows say that it is READY. */
  async function shut({ queue, worker }: Pool): Promise<void> {
    await queue.drain()
    await worker.close()
    await queue.close()
  }

  function end(closed: Promise<unknown>): void {
    const ending = closed.catch(onTrouble).finally(() => closing.delete(ending))
    closing.add(ending)
  }

  function drain(): void {
    draining = true
    for (const { worker } of pools.values()) end(worker.close())
    if (commonWorker) end(commonWorker.close())
  }

  async function countAll(): Promise<Map<string, Load>> {
    const loads = [...pools].map(async ([id, { queue }]): Promise<[string, Load]> => {
      const { active = 0, wait = 0, prioritized = 0 } = await queue.getJobCounts('active', 'wait', 'prioritized')
      return [id, { active, waiting: wait + prioritized }]
    })
    return new Map(await Promise.all(loads))
  }

  async function addTo({ queue, slots }: Pool, jobs: Parameters<Pools['add']>[0]): Promise<void> {
    // Redis may have been flushed: an agent's slots are known before its work is.
    await queue.setGlobalConcurrency(slots)
    const added = jobs.map(({ ring: { executionId, sessionId, jobId, priority }, agentIds }) =>
      queue.add('execution', { sessionId, executionId, ...(agentIds.length > 1 && { agentIds }) }, { jobId, priority }),
    )
    await Promise.all(added)
  }

  return {
    open() {
      commonWorker ??= createWorker('dispatch', COMMON_AT_ONCE, dispatch)
      run(commonWorker)
    },
    async keep(agents) {
      const ids = new Set(agents.map(({ id }) => id))
      for (const [id, pool] of pools) {
        if (ids.has(id)) continue
        pools.delete(id)
        end(shut(pool))
      }
      await Promise.all(agents.map(({ id, slots }) => keepOne(id, slots)))
    },
    loads(maxAgeMs) {
      const at = performance.now()
      if (at - counted.at > maxAgeMs) counted = { at, loads: countAll() }
      return counted.loads
    },
    async add(jobs) {
      const added = [...pools].map(async ([id, pool]) => {
        const its = jobs.filter(({ agentIds }) => agentIds.includes(id))
        if (its.length > 0) await addTo(pool, its)
      })
      await Promise.all(added)
    },
    async addCommon(data, job) {
      await common.add(data.executionId === undefined ? 'session' : 'execution', data, job)
    },
    remove(jobId, agentIds) {
      for (const id of agentIds) pools.get(id)?.queue.remove(jobId).catch(onTrouble)
    },
    drain,
    async close() {
      drain()
      await Promise.all(closing)
      await Promise.all([common, ...[...pools.values()].map(({ queue }) => queue)].map((queue) => queue.close()))
    },
  }
}
