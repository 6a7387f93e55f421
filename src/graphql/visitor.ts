import type { Visitor } from '../door.ts'
import type { Access, Guest } from './access.ts'
import type { Auditor } from './auditor.ts'
import { counted, type Rates } from './rate.ts'
import { holds } from './rights.ts'

/** A guest as a door beside the ones for GraphQL knows them. */
export function visitorOf(
  guest: Guest,
  { auditor, rates, access }: { auditor: Auditor; rates: Rates; access: Pick<Access, 'watch'> },
): Visitor {
  const { viewer } = guest
  const { name, roles, projects } = viewer
  return {
    name,
    roles,
    projects,
    holds: (role) => holds(viewer, role),
    async take() {
      const who = counted(viewer, guest.by)
      if (who === undefined) return undefined
      const { allowed, resetAt } = await rates.take(who)
      return allowed ? undefined : Math.max(1, Math.ceil((resetAt.getTime() - Date.now()) / 1_000))
    },
    refused: (deed) => auditor.refused(guest, deed),
    done: (deed) => auditor.done(guest, deed),
    watch: (end) => access.watch(guest, end),
  }
}
