import { constants } from 'node:os'

/**
 * Signals closer together than this, in milliseconds, are one: npm and the launcher pass on the Ctrl-C that the
 * terminal has sent to every process of the group already. The embedded database may hold one of them up for a while.
 */
export const TOGETHER_MS = 1_000

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A process that has been asked to stop ends with this code: 130 after Ctrl-C. */
export const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]

/** Somebody wants this process to stop. */
export interface Interruption {
  /** Fires with the first signal; the reason is its name. */
  readonly signal: AbortSignal
  /** The exit code that the first signal asks for; undefined as long as there was none. */
  exitCode(): number | undefined
  /** Signals end the process again at once. */
  stopListening(): void
}

/**
 * Listens for Ctrl-C and its like. The first fires `signal`, the second calls `leave` and ends the process at once.
 *
 * @param leave called right before the process ends; must not take time
 */
export function listenForInterruption(leave: () => void): Interruption {
  const controller = new AbortController()
  let first: { signal: NodeJS.Signals; at: number } | undefined
  const hear = (signal: NodeJS.Signals): void => {
    if (first === undefined) {
      first = { signal, at: performance.now() }
      controller.abort(signal)
    } else if (performance.now() - first.at > TOGETHER_MS) {
      leave()
      process.exit(exitCodeOf(first.signal))
    }
  }
  for (const signal of SIGNALS) process.on(signal, hear)
  return {
    signal: controller.signal,
    exitCode: () => first && exitCodeOf(first.signal),
    stopListening() {
      for (const signal of SIGNALS) process.off(signal, hear)
    },
  }
}
