/** Waits for doorbells: one that rings while nobody waits is not lost. */
export interface Waiting {
  /** Resolves once somebody rings, the signal fires, or so many milliseconds are over. */
  rung(ms: number): Promise<void>
  ring(): void
  end(): void
}

/** @param listen begins to listen; the returned function ends it */
export function createWaiting(signal: AbortSignal, listen: (ear: () => void) => () => void): Waiting {
  let ringing = false
  let wake: (() => void) | undefined
  const ring = (): void => {
    ringing = true
    wake?.()
  }
  const stop = listen(ring)
  signal.addEventListener('abort', ring)
  return {
    ring,
    async rung(ms) {
      if (!ringing && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
        wake = undefined
      }
      ringing = false
    },
    end() {
      stop()
      signal.removeEventListener('abort', ring)
      wake?.()
    },
  }
}
