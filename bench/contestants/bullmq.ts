import { randomUUID } from 'node:crypto'
import { FlowProducer, Queue, Worker } from 'bullmq'
import { type Contestant, type Enter, STEPS } from '../contestant.ts'

/** Jobs at once: nothing is held up for want of room. */
const ROOM = 2_000

interface Data {
  session: string
  seq: number
}

/**
 * A job of BullMQ for each step; each adds the next one, or all are the children of one that waits for them. What Redis
 * has acknowledged is not on disk, so this one promises less than the others.
 */
export const enterBullmq: Enter = async (bed, step): Promise<Contestant> => {
  const url = await bed.redis()
  const name = `bench-${randomUUID()}`
  const options = { connection: { url, maxRetriesPerRequest: null } }
  const queue = new Queue<Data>(name, options)
  const flows = new FlowProducer(options)
  const waiting = new Map<string, { resolve: () => void; reject: (error: unknown) => void }>()
  const opts = { removeOnComplete: true }
  const worker = new Worker<Data>(
    name,
    async ({ name, data: { session, seq } }) => {
      if (name !== 'end') step(session)
      if (name === 'link' && seq < STEPS) await queue.add('link', { session, seq: seq + 1 }, opts)
      else if (name !== 'branch') waiting.get(session)?.resolve()
      return 'done'
    },
    { ...options, concurrency: ROOM },
  )
  const fail = (error: unknown): void => {
    for (const { reject } of waiting.values()) reject(error)
  }
  worker.on('error', fail)
  worker.on('failed', (_, error) => fail(error))
  await worker.waitUntilReady()
  return {
    async session(shape) {
      const session = randomUUID()
      const ended = Promise.withResolvers<void>()
      waiting.set(session, ended)
      if (shape === 'sequential') {
        await queue.add('link', { session, seq: 1 }, opts)
      } else {
        const children = Array.from({ length: STEPS }, (_, index) => {
          return { name: 'branch', queueName: name, data: { session, seq: index + 1 }, opts }
        })
        await flows.add({ name: 'end', queueName: name, data: { session, seq: 0 }, opts, children })
      }
      await ended.promise
      waiting.delete(session)
    },
    async close() {
      await worker.close()
      await queue.obliterate({ force: true })
      await Promise.all([queue.close(), flows.close()])
    },
  }
}
