import { formatPrismaCursor, prismaConnectionHelpers } from '@pothos/plugin-prisma'
import type { DefaultConnectionArguments } from '@pothos/plugin-relay'
import type { GraphQLResolveInfo } from 'graphql'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import type { Many } from './pages.ts'
import type { Row } from './rows.ts'
import { joinsOf, type Want, wantOf } from './want.ts'

const paging = prismaConnectionHelpers(builder, 'Execution', { cursor: 'id' })

/** @throws what Pothos says of arguments that exclude each other, or are no numbers of rows */
function placeOf(args: DefaultConnectionArguments, context: Context): { take: number; cursor: string | undefined } {
  const { take = 0, cursor } = paging.getQuery(args, context, () => true)
  return { take, cursor: (cursor as { id?: string } | undefined)?.id }
}

/** A page of a relation to many, for `parent`; of the many parents of a list at once. */
export async function pageOf(
  context: Context,
  info: GraphQLResolveInfo,
  args: DefaultConnectionArguments,
  parent: string,
  many: Many,
) {
  const { take, cursor } = placeOf(args, context)
  const want = wantOf(info, many.model)
  const { pages } = context.loaders
  const counted = `${many.model} ${many.only?.values.join() ?? '*'}`
  const totalCount = (): Promise<number> => pages.counts.load({ parent, alike: counted, many })
  if (!want.paged) return connection([], args, take, totalCount)
  const joins = want.joined ? joinsOf(context, info, many.model) : undefined
  const alike = `${counted} ${take} ${cursor ?? ''} ${numberOf(want)}`
  const rows = await pages.rows.load({ parent, alike, pages: { many, want, joins, take, cursor } })
  return connection(rows, args, take, totalCount)
}

const numbers = new WeakMap<Want, number>()
let last = 0

/** Tells one want from another. */
function numberOf(want: Want): number {
  const known = numbers.get(want) ?? ++last
  numbers.set(want, known)
  return known
}

/** A row and its cursor, which few ask for. */
class Edge {
  readonly node: Row
  constructor(node: Row) {
    this.node = node
  }
  get cursor(): string {
    return formatPrismaCursor(this.node, 'id')
  }
}

/** The connection as Pothos' Prisma plugin makes it. */
function connection(rows: Row[], args: DefaultConnectionArguments, take: number, totalCount: () => Promise<number>) {
  const { before, after, last } = args
  const backward = before != null || last != null
  const hasMore = rows.length === Math.abs(take)
  const shown = !hasMore ? rows : backward ? rows.slice(1) : rows.slice(0, -1)
  const edges = shown.map((row) => new Edge(row))
  return {
    edges,
    totalCount,
    pageInfo: {
      hasNextPage: before != null || (last == null && hasMore),
      hasPreviousPage: after != null || (backward && hasMore),
      get startCursor() {
        return edges[0]?.cursor ?? null
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? null
      },
    },
  }
}
