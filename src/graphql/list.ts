import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from './context.ts'
import { bounded } from './bound.ts'
import { columnsOf, modelOf, type Row, tableOf } from './rows.ts'
import { visibleInSql } from './visible.ts'
import { wantOf } from './want.ts'
import { sqlOf } from './where.ts'

/** A page, as Pothos asks Prisma for it. */
interface Query {
  take?: number
  cursor?: unknown
  include?: object
  select?: object
}

/**
 * A page of a list of all rows of a table: by one statement with the columns that are asked for where that can tell it,
 * else by Prisma. What is on it is the same.
 *
 * @param orderBy columns that are never null, all in one direction, the id last
 */
export async function listOf<Rows>(
  context: Context,
  info: GraphQLResolveInfo,
  model: string,
  query: Query,
  where: object,
  orderBy: readonly object[],
): Promise<Rows> {
  const rows = await firstRows(context, info, model, query, where, orderBy)
  if (rows) return rows as Rows
  const delegate = modelOf(context.database, model)
  const bound = await bounded(query, delegate, where, orderBy)
  return (await delegate.findMany({ ...query, where: bound, orderBy: orderBy as never } as never)) as Rows
}

/** The first page; undefined: it is another one, or something is to be joined, or the condition is none of columns. */
async function firstRows(
  { database, viewer: { projects } }: Context,
  info: GraphQLResolveInfo,
  model: string,
  { take = 0, cursor, include, select }: Query,
  where: object,
  orderBy: readonly object[],
): Promise<Row[] | undefined> {
  const visible = visibleInSql(model)
  if (cursor !== undefined || include || select || take <= 0 || (projects !== undefined && !visible)) return undefined
  const params: unknown[] = projects === undefined ? [] : [projects]
  const condition = sqlOf(where, tableOf(model), params)
  if (condition === undefined) return undefined
  const conditions = projects === undefined ? condition : `${visible} AND ${condition}`
  const order = orderBy.flatMap((one) => Object.entries(one).map(([column, direction]) => `"${column}" ${direction}`))
  return database.query<Row>(
    `SELECT ${columnsOf(model, [wantOf(info, model)])} FROM "${model}" WHERE ${conditions}
     ORDER BY ${order.join(', ')} LIMIT $${params.push(take)}`,
    params,
  )
}
