import type { Work } from '../../runtime.ts'

/** Why an attempt is over before its agent says so. */
export type Cause = 'CANCELED' | 'ATTEMPT' | 'IDLE'

/** How long one attempt is waited for. */
export interface Patience {
  /** Undefined: it is not over. */
  readonly cause: Cause | undefined
  /** Fires once, when it is over. */
  readonly signal: AbortSignal
  /** Silence counts from now on. */
  listen(): void
  /** Silence does not count: the agent is not listened to, for instance since nobody reads what it said before. */
  rest(): void
  /** Stops all clocks. */
  end(): void
}

/** @param canceled what cancels the attempt */
export function createPatience({ attemptMs, idleMs }: Work['timeouts'], canceled: AbortSignal): Patience {
  const over = new AbortController()
  let cause: Cause | undefined
  let idle: NodeJS.Timeout | undefined
  const stop = (why: Cause): void => {
    cause ??= why
    over.abort()
  }
  const cancel = (): void => stop('CANCELED')
  const attempt = setTimeout(() => stop('ATTEMPT'), attemptMs)
  canceled.addEventListener('abort', cancel)
  if (canceled.aborted) cancel()
  return {
    get cause() {
      return cause
    },
    signal: over.signal,
    listen() {
      clearTimeout(idle)
      idle = setTimeout(() => stop('IDLE'), idleMs)
    },
    rest: () => clearTimeout(idle),
    end() {
      clearTimeout(attempt)
      clearTimeout(idle)
      canceled.removeEventListener('abort', cancel)
    },
  }
}
