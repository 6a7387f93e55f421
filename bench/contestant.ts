import type { Bed } from './bed.ts'

/** Steps of one session. */
export const STEPS = 10

/** One after the other, or all at once. */
export const SHAPES = ['sequential', 'fanOut'] as const
export type Shape = (typeof SHAPES)[number]

/** Somebody whose sessions have ten steps that do nothing. */
export interface Contestant {
  /** Does one session, to its end. */
  session(shape: Shape): Promise<void>
  /** @throws if not all of its sessions have ended well: what failed may be as fast as it likes */
  close(): Promise<void>
}

/**
 * @param step is told whenever a step is done, and of which session
 */
export type Enter = (bed: Bed, step: (session: string) => void) => Promise<Contestant>

/** What one contestant did in one measurement. */
export interface Pace {
  /** Steps per second. */
  rate: number
  /** From one step to the next, the median in milliseconds; only of one session at once and steps one after the other. */
  p50?: number
  /** CPU time of this process and the servers, in seconds per 1,000 steps. */
  cpu: number
}
