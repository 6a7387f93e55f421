import type { Log } from './log.ts'

/** Whoever receives what a view shows. */
export interface Subscriber {
  /** Number of the last row that it was sent. */
  position: number
  /** It has left: nothing more is meant for it. */
  readonly gone: boolean
  /** Whether it takes more without piling it up. */
  hasRoom(): boolean
  /** Resolves once it has room, or has gone. */
  room(): Promise<void>
  /** Results as JSON. Whoever has no room any more may be left by this. */
  next(results: readonly Buffer[]): void
  /** Nothing more will come, ever. */
  complete(): void
  /** It cannot be gone on with here. */
  fail(error: unknown): void
}

/** Rows whose results are made at once for somebody who has fallen behind: what they hold in memory. */
const AT_ONCE = 16

/**
 * What one document shows of a log to all who may see the same. Each row is executed once; its bytes go to all who have
 * everything before it. Whoever has not, be it that they have just come or that they are slow, reads on their own until
 * they have.
 */
export class View {
  readonly #log: Log
  readonly #execute: (row: object) => Promise<Buffer>
  readonly #onEmpty: () => void
  readonly #leaveLog: () => void
  /** Those who have everything up to `#head`. */
  readonly #live = new Set<Subscriber>()
  /** Those who have not. */
  readonly #behind = new Set<Subscriber>()
  /** Results by their rows, as long as those are remembered. */
  readonly #results = new WeakMap<object, Promise<Buffer>>()
  #head: number
  #busy = false
  #over = false
  /** How often the log has said that it has changed. */
  #changes = 0
  /** Wakes those who have read all that is stored, and yet not all that there is. */
  #waiting: (() => void)[] = []

  /**
   * @param execute makes the result of a row, as JSON
   * @param onEmpty is called once nobody is left
   */
  constructor(log: Log, execute: (row: object) => Promise<Buffer>, onEmpty: () => void) {
    this.#log = log
    this.#execute = execute
    this.#onEmpty = onEmpty
    this.#head = log.head
    this.#leaveLog = log.enter(() => this.#hear())
  }

  /** Sends a subscriber what `first` shows, then each row behind its position, once and in order. */
  join(subscriber: Subscriber, first: object | undefined): void {
    this.#behind.add(subscriber)
    void this.#catchUp(subscriber, first)
  }

  leave(subscriber: Subscriber): void {
    const wasHere = this.#live.delete(subscriber) || this.#behind.delete(subscriber)
    if (!wasHere || this.#over || this.#live.size + this.#behind.size > 0) return
    this.#over = true
    this.#leaveLog()
    this.#onEmpty()
    this.#wake()
  }

  #result(row: object): Promise<Buffer> {
    let result = this.#results.get(row)
    if (!result) {
      result = this.#execute(row)
      this.#results.set(row, result)
    }
    return result
  }

  #hear(): void {
    this.#changes += 1
    this.#wake()
    if (!this.#busy) void this.#lead()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** Brings those who are up to date what is new. */
  async #lead(): Promise<void> {
    this.#busy = true
    try {
      while (!this.#over && this.#head < this.#log.head) {
        if (this.#live.size === 0) {
          // Nobody waits for it: those who are behind read on their own.
          this.#head = this.#log.head
          break
        }
        const rows = await this.#log.read(this.#head)
        if (rows.length === 0) break
        const results = await Promise.all(rows.map((row) => this.#result(row)))
        this.#deliver(
          rows.map(({ seq }) => seq),
          results,
        )
      }
      const { failure, closed } = this.#log
      if (failure) this.#end((subscriber) => subscriber.fail(failure.error))
      else if (closed) this.#end((subscriber) => subscriber.complete())
    } catch (error) {
      this.#end((subscriber) => subscriber.fail(error))
    }
    this.#busy = false
  }

  #deliver(numbers: readonly number[], results: readonly Buffer[]): void {
    const before = this.#head
    const last = numbers.at(-1) as number
    this.#head = Math.max(before, last)
    for (const subscriber of this.#live) {
      if (!subscriber.hasRoom()) {
        this.#live.delete(subscriber)
        this.join(subscriber, undefined)
      } else if (subscriber.position <= before) {
        subscriber.position = last
        subscriber.next(results)
      } else if (subscriber.position < last) {
        const unseen = results.filter((_, index) => (numbers[index] as number) > subscriber.position)
        subscriber.position = last
        subscriber.next(unseen)
      }
    }
  }

  #end(say: (subscriber: Subscriber) => void): void {
    const live = [...this.#live]
    for (const subscriber of live) {
      this.leave(subscriber)
      say(subscriber)
    }
  }

  /** Reads on for one who does not have everything, until they do. */
  async #catchUp(subscriber: Subscriber, first: object | undefined): Promise<void> {
    try {
      if (first) {
        const result = await this.#result(first)
        if (subscriber.gone) return
        subscriber.next([result])
      }
      for (;;) {
        if (!subscriber.hasRoom()) await subscriber.room()
        if (subscriber.gone) return
        const { failure, closed } = this.#log
        const changes = this.#changes
        if (failure) throw failure.error
        if (subscriber.position >= this.#head && !closed) {
          // Without a pause since the look at the head: nothing can have come between.
          this.#behind.delete(subscriber)
          this.#live.add(subscriber)
          if (!this.#busy) void this.#lead()
          return
        }
        const rows = await this.#log.read(subscriber.position)
        if (subscriber.gone) return
        if (rows.length > 0) await this.#send(subscriber, rows)
        else if (closed) {
          // Also if what an ended log had has been removed since.
          this.leave(subscriber)
          return subscriber.complete()
        } else if (changes === this.#changes) {
          // While it read nothing was added, and the log did not end.
          await new Promise<void>((resolve) => this.#waiting.push(resolve))
        }
        if (subscriber.gone) return
      }
    } catch (error) {
      if (subscriber.gone) return
      this.leave(subscriber)
      subscriber.fail(error)
    }
  }

  async #send(subscriber: Subscriber, rows: readonly { readonly seq: number }[]): Promise<void> {
    for (let from = 0; from < rows.length; from += AT_ONCE) {
      const some = rows.slice(from, from + AT_ONCE)
      const results = await Promise.all(some.map((row) => this.#result(row)))
      if (!subscriber.hasRoom()) await subscriber.room()
      if (subscriber.gone) return
      // What a row says of its number may have grown by being executed.
      const unseen = results.filter((_, index) => (some[index] as { seq: number }).seq > subscriber.position)
      subscriber.position = Math.max(subscriber.position, (some.at(-1) as { seq: number }).seq)
      if (unseen.length > 0) subscriber.next(unseen)
    }
  }
}
