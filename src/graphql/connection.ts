import { builder } from './builder.ts'
import { badInput } from './errors.ts'
import { DEFAULT_PAGE, MAX_PAGE } from './limits.ts'

/** A page's cost: what is on it, as often as it may be there. */
export const pageCost = (args: { first?: number | null | undefined; last?: number | null | undefined }) => ({
  field: 2,
  multiplier: Math.min(Math.max(args.first ?? args.last ?? DEFAULT_PAGE, 1), MAX_PAGE),
})

interface Counted {
  totalCount?: number | (() => Promise<number> | number) | null
}

/** The connection and the edge of a type, shared by all fields that page over it. */
export function connectionOf<Ref extends { name: string }>(type: Ref, plural: string) {
  const { name } = type
  return builder.connectionObject(
    {
      type: type as never,
      name: `${name}Connection`,
      description: `A page of ${plural}.`,
      fields: (t) => ({
        totalCount: t.int({
          description: `How many ${plural} there are on all pages together.`,
          extensions: { pothosPrismaTotalCount: true },
          resolve: (page) => {
            const { totalCount } = page as Counted
            return (typeof totalCount === 'function' ? totalCount() : totalCount) ?? 0
          },
        }),
      }),
    },
    { name: `${name}Edge`, description: `One of ${plural} with its place in the order.` },
  ) as never
}

interface Numbered {
  seq: number
}

/** Arguments of a page over a log. */
export interface LogPage {
  first?: number | null | undefined
  last?: number | null | undefined
  after?: string | null | undefined
  before?: string | null | undefined
}

const SEQ = /^\d{1,9}$/

/** The number that a cursor of a log stands for. */
export function seqOf(cursor: string | null | undefined, name: string): number | undefined {
  if (cursor == null) return undefined
  if (!SEQ.test(cursor)) throw badInput(`${name} is no cursor of this connection: hand in one that it gave you`)
  return Number(cursor)
}

/** A page of rows behind one place or before another, from one end. */
interface Range<Place> {
  after: Place | undefined
  before: Place | undefined
  limit: number
  descending: boolean
}

/**
 * A page of rows whose cursors are places in their order.
 *
 * @param places of the cursors `after` and `before`
 * @param read rows behind `after` and before `before`, at most `limit`, from the end if descending
 * @param totalCount called only if asked for
 */
export async function pageByPlace<Row, Place>(
  args: LogPage,
  cursors: { placeOf(cursor: string | null | undefined, name: string): Place | undefined; cursorOf(row: Row): string },
  read: (range: Range<Place>) => Promise<Row[]>,
  totalCount: () => Promise<number> | number,
) {
  const { first, last } = args
  if (first != null && last != null) throw badInput('first and last exclude each other')
  const size = first ?? last ?? DEFAULT_PAGE
  if (size < 0) throw badInput('a page has at least 0 entries')
  const limit = Math.min(size, MAX_PAGE)
  const descending = last != null
  const [after, before] = [cursors.placeOf(args.after, 'after'), cursors.placeOf(args.before, 'before')]
  const rows = await read({ after, before, limit: limit + 1, descending })
  const page = rows.slice(0, limit)
  if (descending) page.reverse()
  const edges = page.map((node) => ({ node, cursor: cursors.cursorOf(node) }))
  const more = rows.length > limit
  return {
    edges,
    totalCount,
    pageInfo: {
      hasNextPage: descending ? args.before != null : more,
      hasPreviousPage: descending ? more : args.after != null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}

/**
 * A page of a log that is numbered without gaps: cursors are the numbers, and each page is one indexed read.
 *
 * @param read rows with after < seq < before, in ascending or descending order, at most `limit`
 * @param totalCount called only if asked for
 */
export const pageOfLog = <Row extends Numbered>(
  args: LogPage,
  read: (range: { after: number; before: number; limit: number; descending: boolean }) => Promise<Row[]>,
  totalCount: () => Promise<number> | number,
) =>
  pageByPlace(
    args,
    { placeOf: seqOf, cursorOf: ({ seq }: Row) => String(seq) },
    ({ after = 0, before = 2 ** 31 - 1, ...rest }) => read({ after, before, ...rest }),
    totalCount,
  )
