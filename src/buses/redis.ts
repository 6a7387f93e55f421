import { randomUUID } from 'node:crypto'
import { Redis, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'
import type { Bus } from '../bus.ts'
import { createEars } from './ears.ts'

export interface RedisBusOptions {
  /** redis://user:password@host:port/database, or rediss:// for TLS. */
  url: string
  /** In front of every channel, so that several installations can share a Redis. */
  prefix?: string
  /** While Redis is away: milliseconds between two calls of every ear with undefined. */
  pollMs?: number
  /** Milliseconds that Redis may be silent before its connections are made anew. */
  silenceMs?: number
  log?: Pick<Logger, 'info' | 'warn'> | undefined
}

/** Unanswered publishes at most; beyond that Redis is too slow for doorbells, and listeners are told to look again. */
const IN_FLIGHT_AT_MOST = 10_000
/** Channels per SUBSCRIBE. */
const SUBSCRIBE_AT_ONCE = 500
/** Milliseconds until a Redis that has not said anything yet counts as away. */
const PATIENCE_MS = 1_000
/** Longest wait between two tries to connect, in milliseconds. */
const RETRY_MS = 1_000

/**
 * A bus over Redis pub/sub, which forgets what nobody hears. So after each gap everybody is told to look again: the ears
 * of this process when its own connections come back, those of others when this process could not ring meanwhile.
 * Returns at once; without Redis everything goes on, and readers poll.
 */
export function redisBus(options: RedisBusOptions): Bus {
  const { prefix = 'tutti:', pollMs = 1_000, silenceMs = 5_000, log } = options
  const me = randomUUID()
  /** Heard by everybody: look again at whatever you listen to. */
  const everything = `${prefix}everything`
  const channelOf = (topic: string) => `${prefix}bell:${topic}`
  const topicOf = (channel: string) => channel.slice(channelOf('').length)

  const settings: RedisOptions = {
    lazyConnect: true,
    // What cannot be sent now need not be sent later: a gap is made good by looking again.
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(50 * 2 ** times, RETRY_MS),
    keepAlive: 10_000,
    connectTimeout: 5_000,
  }
  const publisher = new Redis(options.url, { ...settings, connectionName: 'tutti-publisher' })
  const subscriber = new Redis(options.url, { ...settings, connectionName: 'tutti-subscriber' })
  const server = `Redis at ${publisher.options.host ?? 'localhost'}, port ${publisher.options.port ?? 6379}`

  let closed = false
  /** Counts the subscriber's connections; 0 while it has none. */
  let connection = 0
  let connections = 0
  /** The connection hears every topic that was listened to when it was made. */
  let hearing = false
  let unsent = false
  let inFlight = 0
  let known: 'up' | 'down' | undefined
  let polling: NodeJS.Timeout | undefined
  let lastError = ''

  /** Connections that owe an answer: one can be dead without saying so, for instance when a cable was cut. */
  const owing = new Set<Redis>()
  /** Connections that never gave it, on their way to being closed. */
  const givenUp = new Set<Redis>()

  const status = () => (hearing && publisher.status === 'ready' && givenUp.size === 0 ? 'up' : 'down')

  const ears = createEars({
    onFirst: (topic) => {
      if (connection === 0) return
      // Rings before Redis answers were not heard.
      subscriber.subscribe(channelOf(topic)).then(() => ears.ring(topic, undefined), ignore)
    },
    onLast: (topic) => {
      if (connection !== 0) subscriber.unsubscribe(channelOf(topic)).catch(ignore)
    },
    onThrow: (error, topic) => log?.warn({ topic, error: String(error) }, 'a listener of the bus threw'),
  })

  /** Says once that Redis came or went, and polls as long as it is away. */
  const notice = () => {
    const now = status()
    if (closed || now === known) return
    known = now
    if (now === 'up') {
      clearInterval(polling)
      polling = undefined
      lastError = ''
      log?.info({}, `${server} is connected`)
    } else {
      polling ??= setInterval(() => ears.ringAll(), pollMs)
      polling.unref()
      log?.warn(
        { error: lastError },
        `${server} is away: other processes are heard by polling every ${pollMs} ms until it is back. Check REDIS_URL.`,
      )
    }
  }

  const publish = (channel: string, message: string, onLost: () => void) => {
    if (publisher.status !== 'ready' || givenUp.has(publisher) || inFlight >= IN_FLIGHT_AT_MOST) return onLost()
    inFlight += 1
    publisher
      .publish(channel, message)
      .catch(onLost)
      .finally(() => (inFlight -= 1))
  }
  const tellOthersToLook = () => {
    if (!unsent || closed) return
    unsent = false
    publish(everything, me, () => (unsent = true))
  }

  publisher.on('ready', () => {
    tellOthersToLook()
    if (hearing) notice()
  })
  subscriber.on('ready', async () => {
    // From here on new topics subscribe by themselves, on the same connection and so in order.
    const mine = (connection = ++connections)
    const channels = [everything, ...[...ears.topics()].map(channelOf)]
    const answers: Promise<unknown>[] = []
    for (let from = 0; from < channels.length; from += SUBSCRIBE_AT_ONCE)
      answers.push(subscriber.subscribe(...channels.slice(from, from + SUBSCRIBE_AT_ONCE)))
    const subscribed = await Promise.all(answers).then(() => true, ignore)
    if (mine !== connection) return
    if (subscribed !== true) return subscriber.disconnect(true)
    hearing = true
    ears.ringAll()
    notice()
  })
  subscriber.on('message', (channel: string, message: string) => {
    const [origin, seq] = message.split(' ')
    if (origin === me) return
    if (channel === everything) ears.ringAll()
    else ears.ring(topicOf(channel), seq === undefined ? undefined : Number(seq))
  })
  subscriber.on('close', () => {
    connection = 0
    hearing = false
  })

  for (const client of [publisher, subscriber]) {
    client.on('close', () => {
      owing.delete(client)
      givenUp.delete(client)
      notice()
    })
    // Without a listener an error would end the process; `close` follows, and the next try is on its way.
    client.on('error', (error: Error) => {
      lastError = error.message
    })
  }
  const heartbeat = setInterval(() => {
    if (publisher.status === 'ready') tellOthersToLook()
    for (const client of [publisher, subscriber]) {
      if (client.status !== 'ready' || givenUp.has(client)) continue
      if (owing.has(client)) {
        lastError = `no answer for ${silenceMs} ms`
        givenUp.add(client)
        client.disconnect(true)
        notice()
        continue
      }
      owing.add(client)
      client.ping().then(() => owing.delete(client), ignore)
    }
  }, silenceMs)
  heartbeat.unref()

  publisher.connect().catch(ignore)
  subscriber.connect().catch(ignore)
  const patience = setTimeout(notice, PATIENCE_MS)
  patience.unref()

  return {
    ring(topic, seq) {
      if (closed) return
      ears.ring(topic, seq)
      publish(channelOf(topic), `${me} ${seq}`, () => (unsent = true))
    },
    listen: (topic, ear) => (closed ? () => {} : ears.add(topic, ear)),
    status,
    async close() {
      closed = true
      clearInterval(polling)
      clearInterval(heartbeat)
      clearTimeout(patience)
      ears.clear()
      publisher.disconnect()
      subscriber.disconnect()
    },
  }
}

const ignore = () => {}
