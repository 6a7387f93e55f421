import { executionsOf, nodeOf } from './draft.ts'
import type { ExecutionState } from './execution.ts'
import { freeKey } from './freeKey.ts'
import type { Rollback, SessionState } from './state.ts'
import type { Done, Undoable } from './undoable.ts'

/**
 * What can be undone of a session and of all its children that have ended, in the order of its completion.
 *
 * @param counts whether an execution, with what its children did for it, is to be undone
 */
export function undoablesOf(state: SessionState, counts: (execution: ExecutionState) => boolean): Done[] {
  return executionsOf(state)
    .filter(counts)
    .flatMap((execution) => [...ofChildren(execution), ...ownOf(state, execution)])
    .toSorted((a, b) => a.seq - b.seq)
}

function ownOf(state: SessionState, execution: ExecutionState): Done[] {
  const { key, status, acceptedSeq, output = null, agentId } = execution
  const { compensation, input = null, timeouts, retry } = nodeOf(state, key)
  if (status !== 'ACCEPTED' || !compensation) return []
  const done = { key, compensation, input, output, timeouts, retry, seq: acceptedSeq as number }
  return [{ ...done, ...(agentId !== undefined && { agentId }) }]
}

/** Who did what is undone under this key, if an agent did. */
export function doerOf(state: SessionState, undoes: string): string | undefined {
  return undoablesOf(state, () => true).find(({ key }) => key === undoes)?.agentId
}

/** Whatever has become of its node: a child that has failed or was stopped leaves accepted work behind as well. */
function ofChildren({ key, undo = [] }: ExecutionState): Done[] {
  return undo.map((done) => ({ ...done, key: `${key}/${done.key}` }))
}

/**
 * What a session that has ended leaves to its parent to be undone, in the order of its completion. One that was rolled
 * back leaves only what it was to keep: whatever else could not be undone, a person has let be.
 */
export function leftToUndo(state: SessionState): Undoable[] {
  const kept = state.status === 'ROLLED_BACK' ? (state.rollback as Rollback).keep : undefined
  const undone = new Set(
    executionsOf(state).flatMap((execution) => {
      return execution.status === 'ACCEPTED' ? (nodeOf(state, execution.key).undoes ?? []) : []
    }),
  )
  return undoablesOf(state, ({ id }) => kept?.includes(id) ?? true)
    .filter(({ key }) => !undone.has(key))
    .map(({ seq: _, ...undoable }) => undoable)
}

/**
 * Adds what the last child of a node has left to what its earlier ones did: a fallback has a child of its own, which may
 * have done the same once more.
 *
 * @param seq number of the event that tells how it ended
 */
export function keepUndo(earlier: readonly Done[], last: readonly Undoable[], seq: number): Done[] {
  const kept = [...earlier]
  for (const undoable of last) kept.push({ ...undoable, key: freeKey(undoable.key, kept), seq })
  return kept
}
