import type { Answer, InterruptState } from '../../src/core/interrupt.ts'
import type { Moved } from '../../src/coordinator/coordinator.ts'
import type { House } from '../house.ts'

/** The interrupt that a session waits for, once there is one. */
export async function asked(house: House, sessionId: string): Promise<InterruptState> {
  const open = ({ status }: InterruptState): boolean => status === 'OPEN'
  const { interrupts } = await house.until(sessionId, (state) => state.interrupts.some(open))
  return interrupts.find(open) as InterruptState
}

/** Somebody who may answers. */
export const say = (house: House, { id }: InterruptState, answer: Answer): Promise<Moved> =>
  house.coordinator.answer({ interruptId: id, answer, by: 'somebody', roles: ['APPROVER'] })
