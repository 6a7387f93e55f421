/** A row of a log, with its number there. */
export interface Numbered {
  readonly seq: number
}

/** What a log is read from. */
export interface Shelf<Row extends Numbered> {
  /** Rows behind a number as they are added, in order; ends once nothing more will ever be added. */
  follow(after: number): AsyncIterableIterator<readonly Row[]>
  /** Some of the rows behind a number that are stored, in order; empty: there is none now. */
  read(after: number): Promise<readonly Row[]>
  /** False: a row says that something has changed and not how, so that only what is stored now counts. */
  keeps: boolean
}

/** Rows that one log keeps in memory at most. */
const RING_ROWS = 256
/** What a row weighs beside its text, in bytes. */
const ROW_BYTES = 300
/** Rows that are handed out at once. */
const BATCH = 100

/**
 * One log of the database in this process, followed once for all of its readers as long as there are any. It remembers
 * the last rows; older ones are read again.
 */
export class Log<Row extends Numbered = Numbered> {
  /** Number of the last row that is known here. */
  head: number
  /** Nothing more will ever be added. */
  closed = false
  /** Why it cannot be followed any more. */
  failure: { error: unknown } | undefined
  readonly #shelf: Shelf<Row>
  readonly #room: () => number
  readonly #onOver: () => void
  readonly #ears = new Set<() => void>()
  #upstream: AsyncIterableIterator<readonly Row[]> | undefined
  /** Every row behind `#floor`, up to `head`. */
  #ring: { row: Row; bytes: number }[] = []
  #floor: number
  #bytes = 0

  /**
   * @param head number of a row that is stored, or 0
   * @param room bytes that it may keep in memory
   * @param onOver is called once nobody reads it any more, or it cannot be followed: it is of no use to others then
   */
  constructor(shelf: Shelf<Row>, head: number, room: () => number, onOver: () => void) {
    this.#shelf = shelf
    this.#room = room
    this.#onOver = onOver
    this.head = head
    this.#floor = head
  }

  /**
   * @param ear is called whenever `head`, `closed` or `failure` has changed
   * @returns leaves again
   */
  enter(ear: () => void): () => void {
    this.#ears.add(ear)
    if (!this.#upstream) {
      this.#upstream = this.#shelf.follow(this.head)
      void this.#run(this.#upstream)
    }
    return () => {
      if (!this.#ears.delete(ear) || this.#ears.size > 0) return
      this.#onOver()
      void this.#upstream?.return?.()
    }
  }

  /** Some of the rows behind a number, in order; empty: there is none now. */
  async read(after: number): Promise<readonly Row[]> {
    if (after < this.#floor || !this.#shelf.keeps) return this.#shelf.read(after)
    let from = this.#ring.length
    while (from > 0 && (this.#ring[from - 1] as { row: Row }).row.seq > after) from--
    return this.#ring.slice(from, from + BATCH).map(({ row }) => row)
  }

  async #run(upstream: AsyncIterableIterator<readonly Row[]>): Promise<void> {
    try {
      for await (const rows of upstream) {
        for (const row of rows) this.#add(row)
        for (const ear of this.#ears) ear()
      }
      this.closed = true
    } catch (error) {
      this.failure = { error }
      this.#onOver()
    }
    for (const ear of this.#ears) ear()
  }

  #add(row: Row): void {
    this.head = row.seq
    if (!this.#shelf.keeps) return
    const bytes = ROW_BYTES + JSON.stringify(row).length
    this.#ring.push({ row, bytes })
    this.#bytes += bytes
    while (this.#ring.length > RING_ROWS || this.#bytes > this.#room()) {
      const { row: gone, bytes } = this.#ring.shift() as { row: Row; bytes: number }
      this.#floor = gone.seq
      this.#bytes -= bytes
    }
  }
}
