import { executionsOf } from './draft.ts'
import type { SessionState } from './state.ts'

/** Context after an accepted execution, by reference: outputs are immutable where they stand. */
export interface Checkpoint {
  /** Ids of all executions that had been accepted by then, in the order of the plan. */
  accepted: string[]
  /** Commit of the workspace then, where there is one. */
  commit?: string
}

/**
 * E70: the checkpoint whose event has this number, which follows that of an acceptance; undefined: there is none. It follows
 * from the executions: to keep what each one knows would take the square of their number.
 */
export function checkpointAt(state: SessionState, seq: number): Checkpoint | undefined {
  const accepted = executionsOf(state).filter(({ acceptedSeq }) => acceptedSeq !== undefined && acceptedSeq < seq)
  const inTime = accepted.toSorted((a, b) => (a.acceptedSeq as number) - (b.acceptedSeq as number))
  if (inTime.at(-1)?.acceptedSeq !== seq - 1) return undefined
  // What the coordinator does itself leaves the workspace as it is.
  const commit = inTime.findLast(({ head }) => head !== undefined)?.head
  return { accepted: accepted.map(({ id }) => id), ...(commit !== undefined && { commit }) }
}
