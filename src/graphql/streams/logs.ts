import { Log, type Numbered, type Shelf } from './log.ts'

/** Where one reader of a log begins. Resolvers of subscriptions return it; streams.ts reads it. */
export class Source<Row extends Numbered = Numbered> {
  /** Names what is read: two sources with the same key yield the same rows, from wherever they begin. */
  readonly key: string
  /** Number of the last row that the reader has seen. */
  readonly after: number
  /** What comes before all rows, if anything does. */
  readonly first: object | undefined
  /** The log, as long as somebody reads it the same one for all. */
  readonly open: () => Log<Row>

  constructor({ key, after, first, open }: Pick<Source<Row>, 'key' | 'after' | 'first' | 'open'>) {
    this.key = key
    this.after = after
    this.first = first
    this.open = open
  }

  /** Executors want to see this before they hand a stream on. */
  [Symbol.asyncIterator](): never {
    throw new Error('a source is read through streams.ts')
  }
}

/** The logs that somebody reads in this process. */
export interface Logs {
  /**
   * @param key names the log among all of them
   * @param head number of a row that is stored, or 0
   */
  source<Row extends Numbered>(options: {
    key: string
    shelf: Shelf<Row>
    head: number
    after: number
    first?: object
  }): Source<Row>
}

/** @param bytes that all logs together may keep in memory */
export function createLogs(bytes: number): Logs {
  const logs = new Map<string, Log>()
  const room = () => bytes / logs.size
  return {
    source: ({ key, shelf, head, after, first }) =>
      new Source({
        key,
        after,
        first,
        open() {
          const known = logs.get(key)
          if (known) return known as never
          const log = new Log(shelf, head, room, () => {
            if (logs.get(key) === (log as never)) logs.delete(key)
          })
          logs.set(key, log as never)
          return log
        },
      }),
  }
}
