import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type Answer, median, percentile, precise, shown, tell } from './answer.ts'
import { type Bed, makeBed } from './bed.ts'
import { act } from './graphql.ts'
import { startNode, startTutti } from './server.ts'
import { scratch } from '../test/servers/process.ts'

/** Something that is said to a server, and heard by somebody who listens. */
interface Line {
  /** Says it once, and tells after how many milliseconds it was heard. */
  say(): Promise<number>
  close(): Promise<void>
}

const ECHO = fileURLToPath(new URL('echo.ts', import.meta.url))

const PERCENTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const
type Share = keyof typeof PERCENTILES

/** How long after a mutation does a subscriber hear of what it has done? */
export async function latency({ rounds, seconds }: { rounds: number; seconds: number }): Promise<Answer> {
  const bed = await makeBed()
  const kinds: Record<string, (bed: Bed) => Promise<Line>> = {
    memory: async () => openTutti({ databaseUrl: await bed.database() }, seconds),
    redis: async () => openTutti({ databaseUrl: await bed.database(), redisUrl: await bed.redis() }, seconds),
    echo: openEcho,
  }
  const measured = new Map<string, Record<Share, number>[]>()
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const [kind, open] of Object.entries(kinds)) {
        const line = await open(bed)
        await listen(line, seconds / 4)
        const sorted = (await listen(line, seconds)).toSorted((a, b) => a - b)
        await line.close()
        const shares = Object.entries(PERCENTILES).map(([name, share]) => [name, percentile(sorted, share)])
        const figures = Object.fromEntries(shares) as Record<Share, number>
        measured.set(kind, [...(measured.get(kind) ?? []), figures])
        tell(`round ${round} ${kind}: p50 ${shown(figures.p50)} ms of ${sorted.length}`)
      }
    }
  } finally {
    await bed.stop()
  }
  return answer(measured)
}

/** Times in milliseconds, one after the other. */
async function listen(line: Line, seconds: number): Promise<number[]> {
  const times: number[] = []
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end) times.push(await line.say())
  return times
}

function answer(measured: ReadonlyMap<string, readonly Record<Share, number>[]>): Answer {
  const names = Object.keys(PERCENTILES) as Share[]
  const middle = (kind: string, name: Share): number =>
    precise(median((measured.get(kind) ?? []).map((figures) => figures[name])) as number)
  const echo = measured.get('echo') ?? []
  const over = (kind: string): number =>
    precise(median((measured.get(kind) ?? []).map(({ p50 }, round) => p50 / (echo[round]?.p50 as number))) as number)
  const kinds = [...measured.keys()]
  return {
    figures: Object.fromEntries(
      kinds.map((kind) => [kind, Object.fromEntries(names.map((name) => [`${name}Ms`, middle(kind, name)]))]),
    ),
    ratios: { memoryP50: over('memory'), redisP50: over('redis') },
    headings: ['what', 'p50 ms', 'p95 ms', 'p99 ms'],
    rows: kinds.map((kind) => [kind, ...names.map((name) => shown(middle(kind, name)))]),
  }
}

/** A session whose one agent sleeps is paused and goes on, over HTTP; a subscriber hears so over a WebSocket. */
async function openTutti(place: { databaseUrl: string; redisUrl?: string }, seconds: number): Promise<Line> {
  const folder = scratch('bench-latency')
  const config = join(folder, 'tutti.config.json')
  // Should all of this be killed, it still goes by itself.
  const commands = { sleeper: { argv: ['sleep', String(Math.ceil(seconds * 2 + 60))] } }
  const agents = [{ name: 'sleeper', capabilities: ['sleep'], command: 'sleeper' }]
  writeFileSync(config, JSON.stringify({ builtinAgents: false, commands, agents }))
  const server = await startTutti({ ...place, config })
  const { url } = server
  const project = await act(url, 'createProject', 'project', { name: 'latency', workspace: folder })
  const subTasks = [{ key: 'sleep', title: 'Sleep', capabilities: ['sleep'] }]
  const task = { title: 'Sleep', description: 'Sleep.', subTasks }
  const id = await act(url, 'startOrchestration', 'session', { project, task, pattern: 'SEQUENTIAL' })

  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
  const events = client.iterate<{ sessionEvents: { event?: { type: string } } }>({
    query: `subscription ($id: ID!) { sessionEvents(sessionId: $id) { ... on SessionEvent { event { type } } } }`,
    variables: { id },
  })
  const hear = async (wanted: string): Promise<number> => {
    for (;;) {
      const { value, done } = await events.next()
      if (done || value.errors) throw new Error(`no ${wanted}: ${JSON.stringify(value)}`)
      if (value.data?.sessionEvents.event?.type === wanted) return performance.now()
    }
  }
  await hear('ATTEMPT_STARTED')
  let paused = false
  return {
    async say() {
      const [mutation, type] = paused ? ['resumeSession', 'SESSION_RUNNING'] : ['pauseSession', 'SESSION_PAUSED']
      const from = performance.now()
      const done = act(url, mutation, 'session', { id })
      const [at] = await Promise.all([hear(type), done])
      paused = !paused
      return at - from
    },
    async close() {
      await client.dispose()
      await server.stop()
    },
  }
}

/** The least that can be said and heard: one WebSocket, and nothing behind it. */
async function openEcho(): Promise<Line> {
  const server = await startNode([ECHO], '/', {})
  const socket = new WebSocket(server.url.replace('http', 'ws'), { perMessageDeflate: false })
  await once(socket, 'open')
  // As long as what a subscriber is sent.
  const message = JSON.stringify({ id: randomUUID(), type: 'next', payload: { data: { type: 'SESSION_PAUSED' } } })
  return {
    async say() {
      const from = performance.now()
      const heard = once(socket, 'message')
      socket.send(message)
      await heard
      return performance.now() - from
    },
    async close() {
      socket.terminate()
      await server.stop()
    },
  }
}
