import type { Duplex } from 'node:stream'
import type { Pacer } from './pacer.ts'

/** A socket with more than this to send is left alone until it has been sent, in bytes. */
const ROOM_BYTES = 256 * 1024

/** Shorter texts are copied between the others, which is cheaper than to write them on their own. */
const COPIED_BYTES = 4 * 1024

const NOTHING = Buffer.alloc(0)
const CLOSING_BRACE = 0x7d

/**
 * What waits to be sent on one WebSocket: text messages of a server, several in one write. The socket's own library
 * writes to the same stream at once, so only `flush` comes before whatever that has to say.
 */
export class Outbox {
  /** Since when the other side has not taken all that was written, in milliseconds of performance.now(). */
  stuckSince: number | undefined
  readonly #stream: Duplex
  readonly #pacer: Pacer
  readonly #limit: number
  readonly #onFull: () => void
  /** Pairs: what comes before a shared text, or nothing, and the text. */
  #gathered: Buffer[] = []
  #bytes = 0
  #waiting: (() => void)[] = []

  /**
   * @param limit bytes that wait at most
   * @param onFull is called instead of exceeding it
   */
  constructor(stream: Duplex, pacer: Pacer, limit: number, onFull: () => void) {
    this.#stream = stream
    this.#pacer = pacer
    this.#limit = limit
    this.#onFull = onFull
    stream.on('drain', () => this.#drained())
    stream.on('close', () => this.#drained())
  }

  /** Bytes that have not left this process. */
  get waiting(): number {
    return this.#bytes + this.#stream.writableLength
  }

  hasRoom(): boolean {
    return this.waiting < ROOM_BYTES
  }

  /** Resolves once there is room, or the socket has closed. */
  room(): Promise<void> {
    if (this.hasRoom() || this.#stream.destroyed) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Wakes whoever waits for room, though there may be none. */
  wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** Sends a message of its own. */
  send(message: object): void {
    this.#add(NOTHING, Buffer.from(JSON.stringify(message)))
  }

  /** Sends `head`, which opens a brace, then `body` and the brace that closes. */
  sendShared(head: Buffer, body: Buffer): void {
    this.#add(head, body)
  }

  /** The last words: whatever waits, they still fit. */
  sendAnyway(message: object): void {
    this.#push(NOTHING, Buffer.from(JSON.stringify(message)))
  }

  #add(head: Buffer, body: Buffer): void {
    if (this.waiting + head.length + body.length > this.#limit) return this.#onFull()
    this.#push(head, body)
  }

  #push(head: Buffer, body: Buffer): void {
    if (this.#gathered.push(head, body) === 2) this.#pacer.soon(this)
    this.#bytes += head.length + body.length
  }

  /** Writes all that has gathered, as frames that are neither masked nor split (RFC 6455, section 5.2). */
  flush(): void {
    const gathered = this.#gathered
    if (gathered.length === 0) return
    this.#gathered = []
    this.#bytes = 0
    if (this.#stream.destroyed || this.#stream.writableEnded) return
    let total = 0
    for (let index = 0; index < gathered.length; index += 2) {
      const whole = frameLength(lengthOf(gathered, index))
      const body = (gathered[index + 1] as Buffer).length
      total += isLong(body) ? whole - body : whole
    }
    const bytes = Buffer.allocUnsafe(total)
    let from = 0
    let at = 0
    this.#stream.cork()
    for (let index = 0; index < gathered.length; index += 2) {
      const head = gathered[index] as Buffer
      const body = gathered[index + 1] as Buffer
      at = writeHeader(bytes, at, lengthOf(gathered, index))
      bytes.set(head, at)
      at += head.length
      if (isLong(body.length)) {
        this.#stream.write(bytes.subarray(from, at))
        this.#stream.write(body)
        from = at
      } else {
        bytes.set(body, at)
        at += body.length
      }
      if (head.length > 0) bytes[at++] = CLOSING_BRACE
    }
    if (from < at) this.#stream.write(bytes.subarray(from, at))
    this.#stream.uncork()
    // What leaves at once is not always followed by `drain`.
    if (this.#stream.writableLength === 0) this.#drained()
    else if (this.#stream.writableNeedDrain) this.stuckSince ??= performance.now()
  }

  #drained(): void {
    this.stuckSince = undefined
    this.wake()
  }
}

function lengthOf(gathered: readonly Buffer[], index: number): number {
  const head = (gathered[index] as Buffer).length
  return head + (gathered[index + 1] as Buffer).length + (head > 0 ? 1 : 0)
}

/** Whether a text is not copied for each socket: then it is in memory once, however many it waits for. */
const isLong = (length: number): boolean => length > COPIED_BYTES

const frameLength = (payload: number): number => payload + (payload < 126 ? 2 : payload < 65_536 ? 4 : 10)

/** The head of a text frame that is the whole message. */
function writeHeader(bytes: Buffer, at: number, payload: number): number {
  bytes[at] = 0x81
  if (payload < 126) {
    bytes[at + 1] = payload
    return at + 2
  }
  if (payload < 65_536) {
    bytes[at + 1] = 126
    bytes.writeUInt16BE(payload, at + 2)
    return at + 4
  }
  bytes[at + 1] = 127
  bytes.writeUInt32BE(0, at + 2)
  bytes.writeUInt32BE(payload, at + 6)
  return at + 10
}
