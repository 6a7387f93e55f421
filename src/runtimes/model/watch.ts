import type { Work } from '../../runtime.ts'

/** Why an attempt is ended from outside. The first cause counts. */
export type Cause = 'CANCELED' | 'ATTEMPT' | 'IDLE'

/** Ends an attempt that is canceled, takes too long, or shows nothing for too long. */
export interface Watch extends Disposable {
  /** Fires with the first cause. */
  readonly signal: AbortSignal
  cause(): Cause | undefined
  /** Something has come from the agent. */
  heard(): void
  /** While its reader is slow, an agent cannot be idle. */
  reading(isWaiting: boolean): void
}

/** Node's timers cannot wait longer (about 24.8 days). */
const MAX_TIMER_MS = 2 ** 31 - 1

export function startWatch({ attemptMs, idleMs }: Work['timeouts'], canceled: AbortSignal): Watch {
  const controller = new AbortController()
  let cause: Cause | undefined
  let last = performance.now()
  let isReaderSlow = false
  let idleTimer: NodeJS.Timeout

  const end = (why: Cause): void => {
    if (cause) return
    cause = why
    controller.abort(new DOMException(why, 'AbortError'))
  }
  const cancel = (): void => end('CANCELED')
  const wait = (ms: number): void => {
    idleTimer = setTimeout(
      () => {
        // If the server itself was busy, an answer may lie in the socket: it is read before judging.
        setImmediate(() => {
          const leftMs = isReaderSlow ? idleMs : idleMs - (performance.now() - last)
          if (leftMs <= 0) end('IDLE')
          else if (!cause) wait(leftMs)
        })
      },
      Math.min(ms, MAX_TIMER_MS),
    )
  }

  const attemptTimer = setTimeout(() => end('ATTEMPT'), Math.min(attemptMs, MAX_TIMER_MS))
  wait(idleMs)
  canceled.addEventListener('abort', cancel)
  if (canceled.aborted) cancel()

  return {
    signal: controller.signal,
    cause: () => cause,
    heard() {
      last = performance.now()
    },
    reading(isWaiting) {
      isReaderSlow = isWaiting
      last = performance.now()
    },
    [Symbol.dispose]() {
      clearTimeout(attemptTimer)
      clearTimeout(idleTimer)
      // No timer is set again.
      cause ??= 'CANCELED'
      canceled.removeEventListener('abort', cancel)
    },
  }
}
