import { executionsOf } from '../core/draft.ts'
import { hasJudge } from '../core/execution.ts'
import type { SessionState } from '../core/state.ts'
import type { Happening } from '../core/step.ts'
import { askedOf } from '../core/verdict.ts'

/**
 * Counts the judges of a session as lost, and has others asked: whoever drove it has told what they used, or cannot any more.
 *
 * @param state undefined: there is no such session
 * @param advance moves the session
 */
export async function loseJudges(
  state: SessionState | undefined,
  advance: (sessionId: string, happening: Happening) => Promise<unknown>,
): Promise<void> {
  if (!state) return
  for (const execution of executionsOf(state)) {
    if (hasJudge(execution)) await advance(state.id, { type: 'JUDGE_LOST', ...askedOf(execution) })
  }
}
