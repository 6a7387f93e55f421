/**
 * A doorbell has rung: something new stands in the database, up to number `seq`. Undefined: some ringing may have been
 * missed, look again.
 */
export type Ear = (seq: number | undefined) => void

/**
 * Doorbells, not data: whoever hears one reads the database, which is the only truth. Losing every ring loses nothing,
 * it only delays. Implementations stand in buses/, and all pass contracts/bus.suite.
 */
export interface Bus {
  /**
   * Tells everybody who listens to the topic, in this process and in the others. Never throws, never waits. Rings of
   * one topic close together may become one, with the highest number.
   */
  ring(topic: string, seq: number): void
  /**
   * Calls the ear, never from within `listen` or `ring`, until the returned function is called. An ear that is slow or
   * throws harms nobody else.
   */
  listen(topic: string, ear: Ear): () => void
  /** 'down' while other processes cannot be heard; then every ear is called with undefined from time to time. */
  readonly status: () => 'up' | 'down'
  /** Silence from here on. */
  close(): Promise<void>
}
