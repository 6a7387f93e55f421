import { executionById } from '../core/draft.ts'
import type { ExecutionState } from '../core/execution.ts'
import { carriedIn } from '../core/people.ts'
import type { SessionState } from '../core/state.ts'
import type { Tools } from './tools.ts'

/** Whether the result of an execution can be taken over by another session. */
export function stands({ rollback }: SessionState, { id, status }: ExecutionState): boolean {
  // The workspace may no longer hold what a rollback did not keep, whether it needed to be compensated or not.
  return status === 'ACCEPTED' && (rollback?.keep.includes(id) ?? true)
}

/** What a session takes over of the one that it goes on from if its plan is approved, as far as that stands by now. */
export async function approvedOf(
  { sessions }: Pick<Tools, 'sessions'>,
  { interrupts, forkOfId, retryOfId }: SessionState,
  interruptId: string,
): Promise<Record<string, ExecutionState>> {
  const asked = interrupts.find(({ id }) => id === interruptId)
  const carried = asked?.kind === 'PLAN' ? Object.entries(carriedIn(asked)) : []
  const earlierId = forkOfId ?? retryOfId
  const earlier = carried.length === 0 || earlierId === undefined ? undefined : await sessions.read(earlierId)
  if (!earlier) return {}
  return Object.fromEntries(
    carried.flatMap(([key, id]): [string, ExecutionState][] => {
      const execution = executionById(earlier, id)
      return execution && stands(earlier, execution) ? [[key, execution]] : []
    }),
  )
}
