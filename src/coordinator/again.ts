import { isRefusal } from '../store/fault.ts'
import type { Parts } from './parts.ts'

/** The first pause before another try, and the longest, in milliseconds. Each is twice as long as the one before. */
const PAUSE_MS = { first: 50, longest: 1_000 }
/** How long something is tried, in milliseconds: a database that is away for longer is gone for this server. */
const PATIENCE_MS = 600_000
/** And how long once the work has been told to stop, since somebody waits for that. */
const STOPPING_MS = 5_000

/**
 * Does something with the database until it works: a broken connection must not cost work that is done.
 *
 * @param signal shortens the patience once it has fired
 * @throws the last error, when the database refuses what it is given or patience ends
 */
export async function again<T>(
  { now, timers, log }: Pick<Parts, 'now' | 'timers' | 'log'>,
  signal: AbortSignal,
  act: (tries: number) => Promise<T>,
): Promise<T> {
  const began = now()
  let stopping: number | undefined
  for (let tries = 0; ; tries++) {
    try {
      return await act(tries)
    } catch (error) {
      if (signal.aborted) stopping ??= now()
      const patient = now() - began < PATIENCE_MS && now() - (stopping ?? now()) < STOPPING_MS
      if (isRefusal(error) || !patient) throw error
      if (tries === 0) log.warn({ err: error }, 'the database could not be reached; it is tried again')
    }
    await timers.pause(Math.min(PAUSE_MS.first * 2 ** tries, PAUSE_MS.longest))
  }
}
