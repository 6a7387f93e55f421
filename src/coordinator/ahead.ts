import { executionById } from '../core/draft.ts'
import { assign } from '../core/schedule.ts'
import type { SessionState } from '../core/state.ts'
import type { Taken } from '../engine.ts'
import { heldBeside } from './beside.ts'
import { type Claimed, type Claiming, claimFor } from './claim.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import { readyItem } from './ready.ts'

/** A claim that is written together with the step that made its execution READY. */
export interface AheadClaim extends Claiming {
  /** It is written: its work begins. */
  begin(state: SessionState): void
  /** It is not, or will not be. */
  giveBack(): void
}

/**
 * Claims within the same write what a step makes READY, where this server can do it at once: one commit then serves a
 * result and the next piece of work.
 */
export interface Ahead {
  /**
   * @param ready ids of executions that have become READY
   * @param leaving ids of those that end with the same write
   */
  claims(state: SessionState, ready: readonly string[], leaving: readonly string[]): AheadClaim[]
  /** What was claimed ahead for an execution; to be asked for once. */
  claimed(executionId: string): Claimed | undefined
}

export function createAhead(parts: Parts, directory: Directory): Ahead {
  const { engine, newId } = parts
  const made = new Map<string, Claimed>()

  function claims(state: SessionState, ready: readonly string[], leaving: readonly string[]): AheadClaim[] {
    if (!parts.crewed || !engine.take) return []
    const known = directory.known()
    if (!known) return []
    const agents = known.agentsOf(state.projectId)
    const project = known.concurrencyOf(state.projectId)
    const taken = engine.take(leaving, (running) => {
      const beside = heldBeside(state)
      for (const item of beside) running.add(item)
      const items = ready.map((executionId) => readyItem(state, executionId))
      const limited = items.map((item) => ({ ...item, limits: { ...item.limits, project } }))
      const assignments = assign(limited, running, () => agents.map((agent) => ({ agent })))
      for (const item of beside) running.remove(item)
      return assignments.map((assignment): Taken => {
        const { executionId, sessionId, agentId } = assignment
        const { projectId, group } = items.find((item) => item.executionId === executionId) as (typeof items)[number]
        return { assignment, item: { executionId, sessionId, projectId, group, agentId } }
      })
    })
    return taken.map((one) => {
      const { executionId, agentId } = one.assignment
      const node = state.plan.nodes[executionById(state, executionId)?.position as number]
      const agent = agents.find(({ id }) => id === agentId)
      const claiming = claimFor(
        parts,
        node as NonNullable<typeof node>,
        agent as NonNullable<typeof agent>,
        one.assignment,
        newId(),
      )
      return {
        ...claiming,
        begin(after) {
          const claimed = claiming.made(after)
          if (claimed) {
            made.set(executionId, claimed)
            engine.begin?.(one)
          } else {
            engine.giveBack?.(one)
          }
        },
        giveBack: () => engine.giveBack?.(one),
      }
    })
  }

  return {
    claims,
    claimed(executionId) {
      const claimed = made.get(executionId)
      made.delete(executionId)
      return claimed
    },
  }
}
