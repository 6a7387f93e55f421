import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from './context.ts'
import { bounded } from './bound.ts'
import { isUuid } from './ids.ts'
import { columnsOf, modelOf, type Row, tableOf } from './rows.ts'
import { visibleInSql } from './visible.ts'
import { wantOf } from './want.ts'
import { sqlOf } from './where.ts'

/** A page, as Pothos asks Prisma for it. */
interface Query {
  /** Less than 0: backwards. */
  take?: number
  /** Of the row that stands before the page. */
  cursor?: { id?: string | undefined }
  skip?: number
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
  const rows = await pageRows(context, info, model, query, where, orderBy)
  if (rows) return rows as Rows
  const delegate = modelOf(context.database, model)
  const bound = await bounded(query, delegate, where, orderBy)
  // Told to skip the cursor's row, Prisma would skip another one once the condition leaves that out.
  const page = query.cursor ? { skip: 0, where: { AND: [bound, { NOT: query.cursor }] } } : { where: bound }
  return (await delegate.findMany({ ...query, ...page, orderBy: orderBy as never } as never)) as Rows
}

/** One page; undefined: something is to be joined, or the condition is none of columns, or the cursor is unusual. */
async function pageRows(
  { database, viewer: { projects } }: Context,
  info: GraphQLResolveInfo,
  model: string,
  { take = 0, cursor, skip = 0, include, select }: Query,
  where: object,
  orderBy: readonly object[],
): Promise<Row[] | undefined> {
  const visible = visibleInSql(model)
  if (include || select || take === 0 || (projects !== undefined && !visible)) return undefined
  if (cursor ? skip !== 1 || !isUuid(cursor.id ?? '') : skip !== 0) return undefined
  const params: unknown[] = projects === undefined ? [] : [projects]
  const condition = sqlOf(where, tableOf(model), params)
  if (condition === undefined) return undefined
  const conditions = projects === undefined ? [condition] : [visible, condition]
  const order = orderBy.flatMap((one) => Object.entries(one) as [string, 'asc' | 'desc'][])
  const names = order.map(([column]) => `"${column}"`).join(', ')
  const backwards = take < 0
  const descending = (order[0]?.[1] === 'desc') !== backwards
  if (cursor) {
    // Of a row that does not exist for the viewer nothing is told, not even where it would stand.
    const one = [`id = $${params.push(cursor.id)}`, ...(projects === undefined ? [] : [visible])].join(' AND ')
    conditions.push(`(${names}) ${descending ? '<' : '>'} (SELECT ${names} FROM "${model}" WHERE ${one})`)
  }
  const rows = await database.query<Row>(
    `SELECT ${columnsOf(model, [wantOf(info, model)])} FROM "${model}" WHERE ${conditions.join(' AND ')}
     ORDER BY ${order.map(([column]) => `"${column}" ${descending ? 'DESC' : 'ASC'}`).join(', ')}
     LIMIT $${params.push(Math.abs(take))}`,
    params,
  )
  return backwards ? rows.toReversed() : rows
}
