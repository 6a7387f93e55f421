import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import pg from 'pg'
import { redisBus } from '../../src/buses/redis.ts'
import { scratch } from '../../test/servers/process.ts'
import type { Bed } from '../bed.ts'
import { act } from '../graphql.ts'
import { startNode, startTutti } from '../server.ts'
import { CHANNEL, QUERY, type Shown } from './source.ts'

/** A server in a process of its own that tells many of what is published. */
export interface Stage {
  url: string
  pid: number
  /** What to subscribe to; undefined: whoever is connected hears everything. */
  subscribe: { query: string; variables: object } | undefined
  /** Whether subscribers are sent something at once. */
  snapshot: boolean
  /** Number of the last event before the first one that is published. */
  after: number
  /**
   * Publishes the event that follows the last one.
   *
   * @param ready is called once it stands where it is read from, and just before anybody can hear of it
   */
  publish(ready: (seq: number) => void, text?: string): Promise<void>
  close(): Promise<void>
}

export type Contestant = (bed: Bed) => Promise<Stage>

const wordsOf = (seq: number, text: string) => ({
  seq,
  type: 'ATTEMPT_STARTED',
  at: new Date().toISOString(),
  data: { attempt: 1, agent: 'worker', fence: seq, text },
})

/** A peer that is handed each event whole, through Redis. */
const peer =
  (file: string, speaksGraphql: boolean): Contestant =>
  async (bed) => {
    const url = await bed.redis()
    const path = fileURLToPath(new URL(file, import.meta.url))
    const server = await startNode([path], '/', { REDIS_URL: url })
    const redis = new Redis(url)
    let seq = 0
    return {
      url: server.url,
      pid: server.pid,
      subscribe: speaksGraphql ? { query: QUERY, variables: { id: 'session' } } : undefined,
      snapshot: false,
      after: 0,
      async publish(ready, text = '') {
        const event = wordsOf(++seq, text)
        ready(seq)
        await redis.publish(CHANNEL, JSON.stringify({ __typename: 'SessionEvent', cursor: seq, event } satisfies Shown))
      },
      async close() {
        redis.disconnect()
        await server.stop()
      },
    }
  }

/**
 * The product as it is started in production, on PostgreSQL and Redis. Events are rows: they are written, its doorbell
 * rings, and it reads them.
 */
export async function tutti(bed: Bed): Promise<Stage & { another(): Promise<Stage> }> {
  const folder = scratch('bench-fanout')
  const config = join(folder, 'tutti.config.json')
  const agents = [{ name: 'nobody', capabilities: ['nothing'], command: 'nobody' }]
  // All of them come from this machine.
  const limits = { socketsPerAddress: 20_000 }
  const commands = { nobody: { argv: ['true'] } }
  writeFileSync(config, JSON.stringify({ builtinAgents: false, commands, agents, limits }))
  const databaseUrl = await bed.database()
  const redisUrl = await bed.redis()
  const { url, pid, stop } = await startTutti({ databaseUrl, redisUrl, config })
  const project = await act(url, 'createProject', 'project', { name: 'fanout', workspace: folder })
  const client = new pg.Client(databaseUrl)
  await client.connect()
  client.on('error', () => {})
  const bus = redisBus({ url: redisUrl })

  /** Another session of the same server. */
  async function another(): Promise<Stage> {
    // It waits for an approval that never comes, so nobody else writes events to it.
    const global = await act(url, 'startOrchestration', 'session', {
      project,
      policy: { review: true },
      task: { title: 'Wait', subTasks: [{ key: 'wait', title: 'Wait', capabilities: ['nothing'] }] },
    })
    const id = global.replace('Session:', '')
    const { rows } = await client.query<{ seq: number }>('SELECT seq FROM "Session" WHERE id = $1', [id])
    const after = rows[0]?.seq as number
    let seq = after
    let waiting: { event: ReturnType<typeof wordsOf>; ready: (seq: number) => void }[] = []
    let writing: Promise<void> | undefined
    /** What gathers while one row is written shares the next one, as transitions do in the product. */
    const write = async (): Promise<void> => {
      while (waiting.length > 0) {
        const some = waiting
        waiting = []
        const events = some.map(({ event }) => ({ ...event, executionId: null, attemptId: null }))
        const last = (events.at(-1) as { seq: number }).seq
        await client.query({
          name: 'publish',
          text: `WITH moved AS (UPDATE "Session" SET seq = $3 WHERE id = $1)
                 INSERT INTO "Journal" ("sessionId", first, last, events) VALUES ($1, $2, $3, $4)`,
          values: [id, events[0]?.seq, last, JSON.stringify(events)],
        })
        for (const { event, ready } of some) ready(event.seq)
        bus.ring(`session:${id}`, last)
      }
      writing = undefined
    }
    return {
      url,
      pid,
      subscribe: { query: QUERY, variables: { id } },
      snapshot: true,
      after,
      async publish(ready, text = '') {
        waiting.push({ event: wordsOf(++seq, text), ready })
        await (writing ??= write())
      },
      close: async () => {},
    }
  }
  return {
    ...(await another()),
    another,
    async close() {
      await client.end()
      await bus.close()
      await stop()
    },
  }
}

export const CONTESTANTS: Readonly<Record<string, Contestant>> = {
  tutti,
  ws: peer('ws.ts', false),
  yoga: peer('yoga.ts', true),
  mercurius: peer('mercurius.ts', true),
}
