import type { Json } from '../json.ts'
import type { Manager } from '../plan.ts'
import type { Placed } from './compiler.ts'

/** The capability that whoever manages a session must have. */
export const MANAGE_CAPABILITY = 'plan'

/**
 * One round of a managed session: an agent looks at the task and says what is to be done next, which makes the plan
 * grow.
 *
 * @param round from 1
 * @param after keys of the nodes that have to be through before, whose results it is handed
 */
export function placeRound({ agent }: Manager, round: number, input: Json, after: readonly string[]): Placed {
  return {
    part: {
      key: `manage-${round}`,
      title: 'Manage the task',
      description: '',
      type: 'PLANNER',
      capabilities: agent === undefined ? [MANAGE_CAPABILITY] : [],
      dependsOn: [],
      ...(agent !== undefined && { agent }),
      input,
    },
    kind: 'MANAGE',
    group: 'manager',
    after,
    needs: after,
  }
}
