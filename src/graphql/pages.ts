import DataLoader from 'dataloader'
import type { Database } from '../store/db.ts'
import { columnsOf, readJoined, type Row } from './rows.ts'
import type { Want } from './want.ts'

/** A relation to many, whose rows come in one order. */
export interface Many {
  model: string
  /** The column by which they know their parent. */
  parent: string
  /** Columns that decide the order, ascending; the id is the last one. */
  orderBy: readonly string[]
  /** Values of a column that are wanted; undefined: all. */
  only?: { column: string; values: readonly string[] } | undefined
}

/** A page of each of several parents, all alike. */
export interface Pages {
  many: Many
  want: Want
  joins: object | undefined
  /** Rows at most, one more than are shown; less than 0: from the back. */
  take: number
  /** Id of the row behind which, or before which, the page begins. */
  cursor: string | undefined
}

/** Reads pages, and counts what there is on all of them: a statement for all parents of one list. */
export interface PageLoaders {
  rows: DataLoader<{ parent: string; alike: string; pages: Pages }, Row[]>
  counts: DataLoader<{ parent: string; alike: string; many: Many }, number>
}

export function createPageLoaders(database: Database): PageLoaders {
  return {
    rows: inGroups((asked) =>
      readPages(
        database,
        asked[0].pages,
        asked.map(({ parent }) => parent),
      ),
    ),
    counts: inGroups((asked) =>
      count(
        database,
        asked[0].many,
        asked.map(({ parent }) => parent),
      ),
    ),
  }
}

/** Reads for all who ask for alike things at once. */
function inGroups<Asked extends { parent: string; alike: string }, Found>(
  read: (asked: [Asked, ...Asked[]]) => Promise<(parent: string) => Found>,
): DataLoader<Asked, Found> {
  // A subscription keeps its context for long, so nothing may be remembered.
  return new DataLoader(
    async (asked) => {
      const groups = Map.groupBy(asked, ({ alike }) => alike)
      const reads = [...groups].map(
        async ([alike, group]) => [alike, await read(group as [Asked, ...Asked[]])] as const,
      )
      const found = new Map(await Promise.all(reads))
      return asked.map(({ alike, parent }) => found.get(alike)?.(parent) as Found)
    },
    { cache: false },
  )
}

async function readPages(
  database: Database,
  { many: { model, parent, orderBy, only }, want, joins, take, cursor }: Pages,
  parents: readonly string[],
): Promise<(parent: string) => Row[]> {
  const direction = take < 0 ? 'DESC' : 'ASC'
  const order = [...orderBy, 'id'].map((column) => `"${column}"`)
  const params: unknown[] = [[...new Set(parents)], Math.abs(take)]
  const conditions = [`"${parent}" = p.id`]
  if (only) conditions.push(`"${only.column}" = ANY($${params.push(only.values)})`)
  if (cursor !== undefined) {
    // That of a row of another parent leads nowhere.
    conditions.push(`(${order.join(', ')}) ${take < 0 ? '<' : '>'} (
      SELECT ${order.join(', ')} FROM "${model}" WHERE id = $${params.push(cursor)} AND "${parent}" = p.id)`)
  }
  const rows = await database.query<Row & { parent: string }>(
    `SELECT p.id AS parent, r.* FROM unnest($1::uuid[]) AS p(id) CROSS JOIN LATERAL (
       SELECT ${columnsOf(model, [want])} FROM "${model}" WHERE ${conditions.join(' AND ')}
       ORDER BY ${order.map((column) => `${column} ${direction}`).join(', ')} LIMIT $2
     ) r`,
    params,
  )
  const joined =
    joins &&
    (await readJoined(
      database,
      model,
      rows.map(({ id }) => id),
      joins,
    ))
  const found = Map.groupBy(rows, ({ parent }) => parent)
  return (parent) => {
    const own = (found.get(parent) ?? []) as Row[]
    const page = joined ? own.flatMap(({ id }) => joined.get(id) ?? []) : own
    return take < 0 ? page.toReversed() : page
  }
}

async function count(
  database: Database,
  { model, parent, only }: Many,
  parents: readonly string[],
): Promise<(parent: string) => number> {
  const rows = await database.query<{ id: string; count: number }>(
    `SELECT "${parent}" AS id, count(*)::int AS count FROM "${model}"
     WHERE "${parent}" = ANY($1::uuid[]) ${only ? `AND "${only.column}" = ANY($2)` : ''} GROUP BY 1`,
    [[...new Set(parents)], ...(only ? [only.values] : [])],
  )
  const found = new Map(rows.map(({ id, count }) => [id, count]))
  return (parent) => found.get(parent) ?? 0
}
