import type { Work } from '../../runtime.ts'

/** Conversations that wait for a person's answer, as long as this server lives. */
export interface Shelf<T> {
  /** Keeps a conversation until the question is answered; the ones that have waited longest make room. */
  put(work: Work, question: string, talk: T): void
  /** The conversation that this work goes on with, if nothing has changed but that its question was answered. */
  take(work: Work): T | undefined
}

/** Conversations, and characters of all of them. */
const MAX_TALKS = 200
const MAX_CHARACTERS = 32 * 1024 * 1024

export function createShelf<T>(): Shelf<T> {
  const kept = new Map<string, { question: string; others: string; talk: T; characters: number }>()
  let characters = 0

  function forget(executionId: string): void {
    characters -= kept.get(executionId)?.characters ?? 0
    kept.delete(executionId)
  }

  return {
    put(work, question, talk) {
      forget(work.executionId)
      const size = JSON.stringify(talk).length
      kept.set(work.executionId, { question, others: told(work), talk, characters: size })
      characters += size
      for (const [oldest] of kept) {
        if (kept.size <= MAX_TALKS && characters <= MAX_CHARACTERS) break
        forget(oldest)
      }
    },
    take(work) {
      const found = kept.get(work.executionId)
      forget(work.executionId)
      const isSame = found?.others === told(work) && work.replies.at(-1)?.question === found.question
      return isSame ? found.talk : undefined
    },
  }
}

/** What a conversation was told at its beginning. */
function told({ agent, runtimeConfig, description, input, upstream, feedback, notes, workspace }: Work): string {
  return JSON.stringify([agent.id, runtimeConfig, description, input, upstream, feedback, notes, workspace])
}
