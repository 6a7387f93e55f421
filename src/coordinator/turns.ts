/** What is done with one session waits for its turn; different sessions do not wait for each other. */
export type InTurn = <T>(sessionId: string, act: () => Promise<T>) => Promise<T>

export function createTurns(): InTurn {
  const turns = new Map<string, Promise<unknown>>()
  return (sessionId, act) => {
    const turn = (turns.get(sessionId) ?? Promise.resolve()).then(act)
    // The queue goes when it is empty.
    const tail = turn
      .catch(() => {})
      .finally(() => {
        if (turns.get(sessionId) === tail) turns.delete(sessionId)
      })
    turns.set(sessionId, tail)
    return turn
  }
}
