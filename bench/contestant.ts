import { randomUUID } from 'node:crypto'
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

/**
 * Sessions of somebody who only writes steps.
 *
 * @param one writes a step, by the number that it has in its session
 */
export function sessionsOf(one: (session: string, seq: number) => Promise<void>): Contestant['session'] {
  return async (shape) => {
    const session = randomUUID()
    const numbers = Array.from({ length: STEPS }, (_, index) => index + 1)
    if (shape === 'fanOut') await Promise.all(numbers.map((seq) => one(session, seq)))
    else for (const seq of numbers) await one(session, seq)
  }
}

/** What one contestant did in one measurement. */
export interface Pace {
  /** Steps per second. */
  rate: number
  /** From one step to the next, the median in milliseconds; only of one session at once and steps one after the other. */
  p50?: number
  /** CPU time of this process and the servers, in seconds per 1,000 steps. */
  cpu: number
}
