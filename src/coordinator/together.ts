import { executionById, executionOf } from '../core/draft.ts'
import { isHeld } from '../core/execution.ts'
import type { SessionState, Step } from '../core/state.ts'
import { type Happening, step } from '../core/step.ts'
import type { Claim } from '../store/idempotency.ts'
import type { ArtifactRow, Transition } from '../store/write.ts'
import type { Ahead, AheadClaim } from './ahead.ts'

/** A happening that waits for its turn, and whoever waits for what becomes of it. */
export interface Waiting {
  happening: Happening
  artifacts: readonly ArtifactRow[]
  /** It counts if this key is free, and takes it. */
  key?: Claim | undefined
  resolve(result: Step | undefined): void
  reject(error: unknown): void
}

/**
 * What happenings make of a session, one after the other, for one write; without a transition if they change nothing.
 * `told` tells whoever waits, once it is written; `refused`: something of it changes nothing.
 */
export function takeSteps(
  before: SessionState,
  batch: readonly Waiting[],
  now: () => number,
): { transition?: Transition; told: (() => void)[]; refused: boolean } {
  const steps: Step[] = []
  const artifacts: ArtifactRow[] = []
  const told: (() => void)[] = []
  let state = before
  let refused = false
  for (const waiting of batch) {
    try {
      const result = step(state, waiting.happening, now())
      state = result.state
      if (result.events.length > 0) steps.push(result)
      refused ||= result.refused !== undefined
      if (result.refused === undefined) artifacts.push(...waiting.artifacts)
      told.push(() => waiting.resolve(result))
    } catch (error) {
      // A bug in the rules; the others must not suffer from it.
      told.push(() => waiting.reject(error))
    }
  }
  return { told, refused, ...(steps.length > 0 && { transition: { before, after: state, steps, artifacts } }) }
}

/** A step that is not taken, since the key that came with it stands for something already. */
export function keyTaken(state: SessionState): Step {
  return { state, events: [], verdicts: [], effects: [], refused: 'the idempotency key is taken' }
}

/** A transition with the claims of what it makes READY and this server can begin at once. */
export function withClaims(
  transition: Transition,
  ahead: Ahead,
  now: () => number,
): { all: Transition; claims: AheadClaim[] } {
  const { before, after, steps } = transition
  const readied = steps.flatMap(({ effects }) => effects.flatMap((e) => (e.type === 'ENQUEUE' ? e.executionId : [])))
  const isReady = (id: string): boolean => executionById(after, id)?.status === 'READY'
  const ready = takesClaims(after) ? [...new Set(readied)].filter(isReady) : []
  if (ready.length === 0) return { all: transition, claims: [] }
  const leaving = Object.values(before.executions)
    .filter(({ key, status }) => isHeld(status) && !isHeld(executionOf(after, key).status))
    .map(({ id }) => id)
  const claims: AheadClaim[] = []
  const claiming: Step[] = []
  let state = after
  for (const claim of ahead.claims(after, ready, leaving)) {
    const result = step(state, claim.happening, now())
    if (result.refused === undefined) {
      claims.push(claim)
      claiming.push(result)
      state = result.state
    } else {
      claim.giveBack()
    }
  }
  return { all: { ...transition, after: state, steps: [...steps, ...claiming] }, claims }
}

/** While a session waits for a person, what is READY waits too. */
export function takesClaims({ status }: SessionState): boolean {
  return status === 'RUNNING' || status === 'ROLLING_BACK'
}
