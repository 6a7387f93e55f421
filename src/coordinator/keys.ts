import { hash } from '../core/hash.ts'
import type { Claim } from '../store/idempotency.ts'
import type { Store } from '../store/store.ts'
import type { Idempotency, Moved, Refusal } from './coordinator.ts'

/** A caller's key as it is kept, with the session that is made or moved by it. */
export function claimOf({ operation, key, input }: Idempotency, sessionId: string): Claim {
  return { operation, key, inputHash: hash(input), subjectId: sessionId }
}

/** The same as a question: it stands for whatever session it stands for. */
export function questionOf({ operation, key, input }: Idempotency): Omit<Claim, 'subjectId'> {
  return { operation, key, inputHash: hash(input) }
}

/** What a key stands for that came with another input before. */
export const KEY_OF_OTHER: Refusal = {
  kind: 'CONFLICT',
  message: 'the idempotency key was used before with another input: choose another one',
}

/** What came of a verb that moves a session, asked with the same key before: see `Coordinator.moved`. */
export async function movedBefore(store: Store, once: Idempotency): Promise<Moved | undefined> {
  const known = await store.answered(questionOf(once))
  if (known?.kind === 'SAME') return { kind: 'MOVED', sessionId: known.subjectId }
  return known && KEY_OF_OTHER
}
