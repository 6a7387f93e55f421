/** Of which sessions somebody here has work in hand, and which of them are heard. */
export interface Attendance {
  /** Somebody has work of the session in hand until the returned function is called, once. */
  attend(sessionId: string): () => void
  attends(sessionId: string): boolean
  /** Hears from now on what becomes of the session, also elsewhere; twice is once. */
  follow(sessionId: string): void
  /** Hears no more of it. */
  unfollow(sessionId: string): void
  /** Hears nothing any more, for good. */
  stop(): void
}

/**
 * @param listen begins to hear a session; the returned function ends it
 * @param left called once nobody has work of the session in hand any more
 */
export function createAttendance(
  listen: (sessionId: string) => () => void,
  left: (sessionId: string) => void,
): Attendance {
  const attended = new Map<string, number>()
  const followed = new Map<string, () => void>()
  let stopped = false

  function unfollow(sessionId: string): void {
    followed.get(sessionId)?.()
    followed.delete(sessionId)
  }

  return {
    attend(sessionId) {
      attended.set(sessionId, (attended.get(sessionId) ?? 0) + 1)
      return () => {
        const others = (attended.get(sessionId) as number) - 1
        if (others > 0) {
          attended.set(sessionId, others)
          return
        }
        attended.delete(sessionId)
        left(sessionId)
      }
    },
    attends: (sessionId) => attended.has(sessionId),
    follow(sessionId) {
      if (!followed.has(sessionId) && !stopped) followed.set(sessionId, listen(sessionId))
    },
    unfollow,
    stop() {
      stopped = true
      for (const sessionId of followed.keys()) unfollow(sessionId)
    },
  }
}
