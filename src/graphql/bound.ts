/** Where a page begins, as Prisma is asked for it. */
interface Place {
  cursor?: unknown
  /** Less than 0: backwards from the cursor. */
  take?: number | undefined
}

/** A model of Prisma's whose rows are paged over. */
interface Model {
  findUnique(args: { where: never; select: never }): PromiseLike<unknown>
}

/**
 * Bounds a page by what the row of its cursor has in the first column of the order. "Less, or equal with a smaller id",
 * which Prisma makes of a cursor, cannot bound how much of an index is read: without this a page costs the more, the
 * more rows stand before it. What is on the page stays the same.
 *
 * @param where which rows are wanted
 * @param orderBy columns that are never null
 * @returns `where` with the bound; as it is if there is no cursor, or no row that it stands for
 */
export async function bounded<Where extends object>(
  { cursor, take = 0 }: Place,
  model: Model,
  where: Where,
  orderBy: readonly object[],
): Promise<Where> {
  const [[column, direction] = []] = orderBy.map((order) => Object.entries(order)[0] as [string, 'asc' | 'desc'])
  if (cursor === undefined || column === undefined) return where
  const row = await model.findUnique({ where: cursor as never, select: { [column]: true } as never })
  if (!row) return where
  const downwards = (direction === 'desc') === take >= 0
  const bound = { [column]: { [downwards ? 'lte' : 'gte']: (row as Record<string, unknown>)[column] } }
  return { AND: [where, bound] } as unknown as Where
}
