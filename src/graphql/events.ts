import { countEvents, eventsByTime, type EventPlace, type EventRow } from '../store/journal.ts'
import { builder } from './builder.ts'
import { pageByPlace, pageCost } from './connection.ts'
import { PLACE_CURSOR } from './document.ts'
import { TimeOrder } from './enums.ts'
import { badInput } from './errors.ts'
import { Event, EventConnection } from './event.ts'
import { LOOK } from './forbidden.ts'
import { idOf, isUuid } from './ids.ts'
import { projectsMeant } from './rights.ts'

const DAY_MS = 86_400_000
/** How much of the past is searched at once, where no session is named: all sessions that lived then are read. */
const WINDOW_DAYS = 7
const MAX_TYPES = 50
/** How far the clocks of other servers may be ahead. */
const SKEW_MS = 60_000

const EventFilter = builder.inputType('EventFilter', {
  description: 'Which events are wanted; all conditions hold at once.',
  fields: (t) => ({
    session: t.id({ description: 'Those of the session with this id.' }),
    project: t.id({ description: 'Those of sessions of the project with this id.' }),
    types: t.stringList({ description: `Those of one of these types, as in Event.type; at most ${MAX_TYPES}.` }),
    since: t.field({
      type: 'DateTime',
      description: `Those at this time or later. If left out, a day before until, or with a session all of its events. Without a session at most ${WINDOW_DAYS} days before until.`,
    }),
    until: t.field({ type: 'DateTime', description: 'Those before this time; all until now if left out.' }),
  }),
})

const cursorOf = ({ at, sessionId, seq }: EventRow): string => `${at.getTime()}_${sessionId}_${seq}`

function placeOf(cursor: string | null | undefined, name: string): EventPlace | undefined {
  if (cursor == null) return undefined
  const [, at, sessionId = '', seq] = PLACE_CURSOR.exec(cursor) ?? []
  if (!isUuid(sessionId)) throw badInput(`${name} is no cursor of this connection: hand in one that it gave you`)
  return { at: Number(at), sessionId, seq: Number(seq) }
}

/** The window that is meant, in milliseconds since the epoch. */
function windowOf({ session, since, until }: typeof EventFilter.$inferInput): { since: number; until: number } {
  const end = until?.getTime() ?? Date.now() + SKEW_MS
  const begin = since?.getTime() ?? (session == null ? end - DAY_MS : 0)
  if (begin > end) throw badInput('since is later than until')
  if (session == null && end - begin > WINDOW_DAYS * DAY_MS + SKEW_MS) {
    throw badInput(`more than ${WINDOW_DAYS} days without a session: name one, or ask for a shorter window`)
  }
  return { since: begin, until: end }
}

builder.queryField('events', (t) =>
  t.connection(
    {
      type: Event,
      authScopes: LOOK,
      description:
        'Events of all sessions by their times, the newest first unless ordered otherwise, for those who poll. What is written at the same time may become visible out of order: whoever may miss nothing reads Session.events, whose numbers have no gaps, or asks again from some seconds before the last event and drops what is known.',
      complexity: (args) => ({ field: 20, multiplier: pageCost(args).multiplier }),
      args: {
        filter: t.arg({ type: EventFilter, description: 'Which ones; those of the last day if left out.' }),
        orderBy: t.arg({ type: TimeOrder, description: 'In which order; the newest first if left out.' }),
      },
      resolve: (_root, { filter, orderBy, ...args }, { database, viewer }) => {
        const { session, project, types } = filter ?? {}
        if ((types?.length ?? 0) > MAX_TYPES) throw badInput(`types are more than ${MAX_TYPES}`)
        const wanted = {
          ...windowOf(filter ?? {}),
          projects: projectsMeant(viewer, project == null ? undefined : idOf('Project', project)),
          sessionId: session == null ? null : idOf('Session', session),
          types: types ?? null,
        }
        const isAscending = orderBy?.direction === 'ASC'
        return pageByPlace<EventRow, EventPlace>(
          args,
          { placeOf, cursorOf },
          ({ after, before, limit, descending }) => {
            // What is shown behind a cursor is earlier than it where the newest comes first.
            const [begin, end] = isAscending ? [after, before] : [before, after]
            const range = { after: begin, before: end, limit, descending: isAscending === descending }
            return eventsByTime(database.query, wanted, range)
          },
          () => countEvents(database.query, wanted),
        ) as never
      },
    },
    EventConnection as never,
  ),
)
