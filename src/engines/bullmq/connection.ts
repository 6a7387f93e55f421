import { Redis } from 'ioredis'
import type { Logger } from 'pino'

/** The one connection that all queues of a process share; the workers wait for jobs on copies of it. */
export interface Connection {
  client: Redis
  isUp(): boolean
  /** Fails whatever waits for Redis. */
  close(): void
}

export interface ConnectionOptions {
  /** redis://user:password@host:port/database, or rediss:// for TLS. */
  url: string
  /** Milliseconds that Redis may be silent before the connection is made anew. */
  silenceMs: number
  log: Pick<Logger, 'info' | 'warn'>
  /** Redis answers, for the first time or again. */
  onUp(): void
}

/** Milliseconds until a Redis that has not said anything yet counts as away. */
const PATIENCE_MS = 1_000
/** All that is known of a connection that was closed without an error. */
const CLOSED = 'the connection was closed'
/** Longest wait between two tries to connect, in milliseconds. */
const RETRY_MS = 1_000

/** Returns at once, and never gives up: what is asked of Redis while it is away is answered once it is back. */
export function connect({ url, silenceMs, log, onUp }: ConnectionOptions): Connection {
  const client = new Redis(url, {
    connectionName: 'tutti-engine',
    // A worker that got an error instead would ask again at once, and again.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(50 * 2 ** times, RETRY_MS),
    keepAlive: 10_000,
    connectTimeout: 5_000,
  })
  /** The connections of workers, which BullMQ makes as copies and forgets while Redis is away. */
  const copies = new Set<Redis>()
  const duplicate = client.duplicate.bind(client)
  client.duplicate = (override) => {
    const copy = duplicate(override)
    copies.add(copy)
    copy.on('connecting', () => copies.add(copy))
    copy.on('end', () => copies.delete(copy))
    copy.on('error', () => {})
    return copy
  }
  const server = `Redis at ${client.options.host ?? 'localhost'}, port ${client.options.port ?? 6379}`
  let closed = false
  let known: 'up' | 'down' | undefined
  let lastError = CLOSED
  /** The connection owes an answer: it can be dead without saying so, for instance when a cable was cut. */
  let owing = false
  /** It never gave it, and is on its way to being closed. */
  let givenUp = false

  const isUp = (): boolean => client.status === 'ready' && !givenUp && !closed

  /** Says once that Redis came or went. */
  function notice(): void {
    const now = isUp() ? 'up' : 'down'
    if (closed || now === known) return
    known = now
    if (now === 'up') {
      lastError = CLOSED
      log.info({}, `${server} is connected: executions are brought to all workers`)
      onUp()
    } else {
      log.warn(
        { error: lastError },
        `${server} is away: no execution begins until it is back, and what runs goes on. Check REDIS_URL.`,
      )
    }
  }

  client.on('ready', notice)
  client.on('close', () => {
    owing = false
    givenUp = false
    notice()
  })
  // Without a listener an error would end the process; `close` follows, and the next try is on its way.
  client.on('error', (error: Error) => {
    lastError = error.message
  })
  const heartbeat = setInterval(() => {
    if (!isUp()) return
    if (owing) {
      lastError = `no answer for ${silenceMs} ms`
      givenUp = true
      client.disconnect(true)
      notice()
      return
    }
    owing = true
    client.ping().then(
      () => (owing = false),
      () => {},
    )
  }, silenceMs)
  heartbeat.unref()
  const patience = setTimeout(notice, PATIENCE_MS)
  patience.unref()

  return {
    client,
    isUp,
    close() {
      closed = true
      clearInterval(heartbeat)
      clearTimeout(patience)
      for (const one of [client, ...copies]) end(one)
    },
  }
}

/** Closes a connection; whoever waits for an answer is told so. */
function end(client: Redis): void {
  // Between two tries there is nothing to be closed, and nobody would be told.
  if (client.status === 'reconnecting') client.connect().catch(() => {})
  client.disconnect()
}
