import { compile, DEFAULT_TIMEOUTS, defaultAggregate } from '../core/pattern.ts'
import type { ChildSession, Plan } from '../core/plan.ts'
import { DEFAULT_RETRY } from '../core/retry.ts'
import type { SessionLimits } from '../core/state.ts'

/** What a child session does, as a graph. */
export function planOf(session: ChildSession, { concurrency }: Pick<SessionLimits, 'concurrency'>): Plan {
  const { parts, pattern, aggregate, votes, onFailure, quorum } = session
  return compile(parts, pattern, {
    concurrency,
    aggregate: aggregate ?? defaultAggregate(pattern, parts),
    timeouts: DEFAULT_TIMEOUTS,
    retry: DEFAULT_RETRY,
    ...(votes !== undefined && { votes }),
    ...(onFailure && { onFailure }),
    ...(quorum !== undefined && { quorum }),
  })
}
