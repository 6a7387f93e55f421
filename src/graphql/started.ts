import type { Idempotency, StartResult } from '../coordinator/coordinator.ts'
import type { Context } from './context.ts'
import { limitReached, refusedBy } from './errors.ts'
import type { SuccessFields } from './mutation.ts'

/** A session that was made, now or before. */
export interface Started {
  id: string
  replayed: boolean
}

/** The success of a mutation that makes a session. */
export const started: SuccessFields<Started> = (t) => ({
  session: t.prismaField({
    type: 'Session',
    description: 'The session.',
    resolve: (query, { id }, _args, { database }) =>
      database.prisma.session.findUniqueOrThrow({ ...query, where: { id } }),
  }),
  replayed: t.exposeBoolean('replayed', {
    description: 'true: the idempotency key and the input were known, and this is the session that they made before.',
  }),
})

/**
 * The session that the coordinator made.
 *
 * @param refused how to tell a refusal, if not in the usual way
 * @throws Refused if it made none
 */
export function startedBy(result: StartResult, refused = refusedBy): Started {
  if (result.kind !== 'STARTED') throw refused(result)
  return { id: result.sessionId, replayed: result.replayed }
}

/**
 * Refuses what would make one session too many. What is asked again gets its first answer, however full it is.
 *
 * @param once the idempotency key that came with the mutation
 * @throws Refused if too many sessions have not ended
 */
export async function checkLoad(
  { wholeDatabase: database, limits }: Context,
  once: Idempotency | undefined,
): Promise<void> {
  const unfinished = await database.prisma.session.count({ where: { endedAt: null } })
  if (unfinished < limits.unfinishedSessions) return
  // Looked for once it is full: a session that has been counted has left its key.
  if (once) {
    const { operation, key } = once
    if (await database.prisma.idempotencyKey.findUnique({ where: { operation_key: { operation, key } } })) return
  }
  throw limitReached(`${unfinished} sessions have not ended, which is the limit: wait for some of them.`)
}
