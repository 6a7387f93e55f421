/** How long sockets that were written to while many others were gather what comes next, in milliseconds. */
const GATHER_MS = 5
/** So many writes at once are many: a few milliseconds of work. */
const MANY = 256

interface Writer {
  flush(): void
}

/**
 * Says when what has gathered for sockets is written: at the end of this turn while there is little to do. A write costs
 * the same whether it carries one message or ten, so after many of them the next ones wait a moment for each other.
 */
export class Pacer {
  #due: Writer[] = []
  #restUntil = 0

  /** Has `flush` called soon, once. */
  soon(writer: Writer): void {
    if (this.#due.push(writer) > 1) return
    const rest = this.#restUntil - performance.now()
    if (rest > 0) setTimeout(() => this.#flush(), rest)
    else process.nextTick(() => this.#flush())
  }

  #flush(): void {
    const due = this.#due
    this.#due = []
    for (const writer of due) writer.flush()
    if (due.length >= MANY) this.#restUntil = performance.now() + GATHER_MS
  }
}
