import { setTimeout as pause } from 'node:timers/promises'
import { isRefusal } from '../../store/fault.ts'

/** How long to wait before a database that was away is asked again, in milliseconds. */
const PAUSE_MS = 250

/**
 * Asks again and again as long as the database is away: what a worker does meanwhile is not lost.
 *
 * @throws what the database refuses, and once the signal fires
 */
export async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await unlessStopped(signal, ask())
    } catch (error) {
      if (isRefusal(error) || signal.aborted) throw error
      await pause(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
}

/** What is promised; throws once the signal fires, however long the promise may take. */
async function unlessStopped<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(new Error('it is stopped'))
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    return await Promise.race([promise, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
