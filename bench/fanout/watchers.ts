import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Connections that are being made at once. */
const AT_ONCE = 50
const CURSOR = Buffer.from('"cursor":')
/** How long nothing at all may arrive before something is taken for lost, in milliseconds. */
const LOST_MS = 60_000

export interface WatchersOptions {
  url: string
  count: number
  /** What each of them subscribes to; without it they only listen. */
  subscribe?: { query: string; variables: object } | undefined
  /** Whether each is sent something at once; without it nobody can tell when a subscription has begun. */
  snapshot: boolean
  /** Number of the last event before those that are awaited. */
  after: number
}

/** Sorted, in milliseconds. */
interface Times {
  /** From when it was published to each delivery. */
  since: number[]
  /** From the first delivery of an event to each of the others: what telling many alone takes. */
  behind: number[]
}

/** How long subscriptions may take to begin that do not say so, in milliseconds. */
const BEGIN_MS = 2_000

/**
 * Many clients of graphql-transport-ws that do next to nothing, so that the server is what is measured: frames are found
 * in what arrives, the number of each event is held against the one before, and its time is kept.
 */
export class Watchers {
  readonly #options: WatchersOptions
  readonly #sockets: Socket[] = []
  /** How many have each event, from the first that was awaited. */
  #having: number[] = []
  #sentAt: number[] = []
  #firstAt: number[] = []
  #times: Times | undefined
  #paused = new Set<number>()
  #lastAt = performance.now()
  #wake: (() => void) | undefined
  #failure: Error | undefined
  deliveries = 0

  private constructor(options: WatchersOptions) {
    this.#options = options
  }

  static async open(options: WatchersOptions): Promise<Watchers> {
    const watchers = new Watchers(options)
    for (let from = 0; from < options.count; from += AT_ONCE) {
      const some = Math.min(AT_ONCE, options.count - from)
      await Promise.all(Array.from({ length: some }, (_, index) => watchers.#connect(from + index)))
    }
    if (!options.snapshot) await pause(BEGIN_MS)
    return watchers
  }

  /** Stamps the next event; it has this number. */
  sending(seq: number): void {
    this.#sentAt[seq - this.#options.after] = performance.now()
  }

  /** Resolves once everybody who reads has this event. */
  async all(seq: number): Promise<void> {
    const index = seq - this.#options.after
    while ((this.#having[index] ?? 0) < this.#options.count - this.#paused.size) {
      if (this.#failure) throw this.#failure
      const late = performance.now() - this.#lastAt > LOST_MS
      if (late) throw new Error(`event ${seq} reached ${this.#having[index] ?? 0} of ${this.#options.count}`)
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), pause(1_000)])
    }
  }

  /** Keeps how long deliveries took while something is done. */
  async timed(act: () => Promise<void>): Promise<Times> {
    const times: Times = { since: [], behind: [] }
    this.#times = times
    await act()
    this.#times = undefined
    return { since: times.since.toSorted((a, b) => a - b), behind: times.behind.toSorted((a, b) => a - b) }
  }

  /** Some of them read nothing any more. */
  pause(count: number): void {
    for (let index = 0; index < count; index++) {
      this.#sockets[index]?.pause()
      this.#paused.add(index)
    }
  }

  close(): void {
    this.#options.count = 0
    for (const socket of this.#sockets) socket.destroy()
  }

  #connect(index: number): Promise<void> {
    const { url, subscribe, snapshot, after } = this.#options
    const { port, hostname } = new URL(url)
    let last = after
    let rest: Buffer = Buffer.alloc(0)
    return new Promise((resolve, reject) => {
      const socket = connect({ port: Number(port), host: hostname, noDelay: true })
      this.#sockets[index] = socket
      let begun = false
      const say = (message: object) => socket.write(frame(Buffer.from(JSON.stringify(message)), 1))
      const read = (opcode: number, payload: Buffer): void => {
        if (opcode === 9) return void socket.write(frame(payload, 10))
        if (opcode === 8) {
          // Whoever has stopped reading is told to go.
          if (this.#paused.has(index)) return
          this.#failure = new Error(`closed: ${payload.toString('utf8', 2)}`)
          return this.#wake?.()
        }
        const at = payload.indexOf(CURSOR)
        if (at < 0) {
          const text = payload.toString()
          if (text.includes('"error')) this.#failure = new Error(text)
          if (text.includes('connection_ack') && subscribe) {
            say({ id: '1', type: 'subscribe', payload: subscribe })
            if (!snapshot) resolve()
          } else if (text.includes('"next"')) resolve()
          return
        }
        let seq = 0
        for (let digit = at + CURSOR.length; ; digit++) {
          const code = payload[digit] as number
          if (code < 48 || code > 57) break
          seq = seq * 10 + code - 48
        }
        if (seq <= after) return
        if (seq !== last + 1) this.#failure = new Error(`event ${seq} came after ${last}`)
        last = seq
        this.#arrived(seq - after)
      }
      socket.on('data', (chunk: Buffer) => {
        let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
        if (!begun) {
          const end = bytes.indexOf('\r\n\r\n')
          if (end < 0) return void (rest = bytes)
          begun = true
          if (!bytes.subarray(0, 12).includes('101')) return reject(new Error(bytes.toString()))
          bytes = bytes.subarray(end + 4)
          if (subscribe) say({ type: 'connection_init' })
          else resolve()
        }
        rest = readFrames(bytes, read)
        // What is left must not keep all of the chunk.
        if (rest.length > 0) rest = Buffer.from(rest)
      })
      socket.on('error', (error) => {
        if (this.#options.count > 0 && !this.#paused.has(index)) reject((this.#failure = error))
      })
      socket.on('close', () => {
        if (this.#options.count > 0 && !this.#paused.has(index)) {
          reject((this.#failure = new Error('a socket was closed')))
        }
      })
      socket.write(
        `GET /graphql HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n` +
          `Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`,
      )
    })
  }

  #arrived(index: number): void {
    this.deliveries++
    const now = performance.now()
    this.#lastAt = now
    const first = (this.#firstAt[index] ??= now)
    this.#times?.since.push(now - (this.#sentAt[index] as number))
    this.#times?.behind.push(now - first)
    const having = (this.#having[index] ?? 0) + 1
    this.#having[index] = having
    if (having >= this.#options.count - this.#paused.size) this.#wake?.()
  }
}

/** Calls back for each whole frame of a server; returns what is left. */
function readFrames(bytes: Buffer, read: (opcode: number, payload: Buffer) => void): Buffer {
  let at = 0
  while (bytes.length - at >= 2) {
    let length = (bytes[at + 1] as number) & 127
    let head = 2
    if (length === 126) {
      if (bytes.length - at < 4) break
      length = bytes.readUInt16BE(at + 2)
      head = 4
    } else if (length === 127) {
      if (bytes.length - at < 10) break
      length = Number(bytes.readBigUInt64BE(at + 2))
      head = 10
    }
    if (bytes.length - at < head + length) break
    read((bytes[at] as number) & 15, bytes.subarray(at + head, at + head + length))
    at += head + length
  }
  return bytes.subarray(at)
}

/** A frame of a client. Its mask is zero, which leaves everything as it is. */
function frame(payload: Buffer, opcode: number): Buffer {
  const { length } = payload
  const head =
    length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | length])
      : Buffer.from([0x80 | opcode, 0xfe, length >> 8, length & 255])
  return Buffer.concat([head, Buffer.alloc(4), payload])
}
