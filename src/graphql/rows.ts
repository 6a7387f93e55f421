import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import { getDatamodel } from '../generated/pothos.ts'
import type { Database } from '../store/db.ts'
import { joinsOf, type Want, wantOf } from './want.ts'

export type Row = Record<string, unknown> & { id: string }

/** A row, as an operation asks for it. */
interface Asked {
  id: string
  want: Want
  /** What Prisma is to join to it. */
  joins: object | undefined
}

type Load = (asked: Asked) => Promise<Row | undefined>

/** Reads rows by their ids: one statement for all columns of a table that are asked for at once. */
export type RowLoaders = (model: string) => Load

export function createRowLoaders(database: Database): RowLoaders {
  const loads = new Map<string, Load>()
  return (model) => {
    let load = loads.get(model)
    if (!load) loads.set(model, (load = loadOf(database, model)))
    return load
  }
}

function loadOf(database: Database, model: string): Load {
  /** Rows that are asked for and not read yet: hundreds on a page may refer to the same one. */
  const asked = new Map<Want, Map<string, Promise<Row | undefined>>>()
  // A subscription keeps its context for long, so nothing may be remembered.
  const loader = new DataLoader<Asked, Row | undefined>(
    (batch) => {
      asked.clear()
      return readRows(database, model, batch)
    },
    { cache: false },
  )
  return (one) => {
    // Each is planned by itself.
    if (one.joins) return loader.load(one)
    let alike = asked.get(one.want)
    if (!alike) asked.set(one.want, (alike = new Map()))
    let row = alike.get(one.id)
    if (!row) alike.set(one.id, (row = loader.load(one)))
    return row
  }
}

/**
 * The row with an id that a row has which exists for the viewer: what that refers to does so too. It has what the operation
 * asks of it, and of its columns perhaps no others.
 *
 * @returns undefined if there is none
 */
export function rowOf<Found = Row | undefined>(
  context: { loaders: { rows: RowLoaders } },
  info: GraphQLResolveInfo,
  model: string,
  id: string,
): Promise<Found> {
  const want = wantOf(info)
  const joins = want.joined ? joinsOf(context, info) : undefined
  return context.loaders.rows(model)({ id, want, joins }) as Promise<Found>
}

async function readRows(database: Database, model: string, asked: readonly Asked[]): Promise<(Row | undefined)[]> {
  const found = new Map<Want, Map<string, Row>>()
  const plain = asked.filter(({ joins }) => !joins)
  const joined = Map.groupBy(
    asked.filter(({ joins }) => joins),
    ({ want }) => want,
  )
  await Promise.all([
    plain.length > 0 &&
      readPlain(database, model, plain).then((rows) => {
        for (const { want } of plain) found.set(want, rows)
      }),
    ...[...joined].map(async ([want, group]) => {
      const rows = await readJoined(
        database,
        model,
        group.map(({ id }) => id),
        group[0]?.joins,
      )
      found.set(want, rows)
    }),
  ])
  return asked.map(({ id, want }) => found.get(want)?.get(id))
}

async function readPlain(database: Database, model: string, asked: readonly Asked[]): Promise<Map<string, Row>> {
  const ids = [...new Set(asked.map(({ id }) => id))]
  const wants = new Set(asked.map(({ want }) => want))
  const rows = await database.query<Row>(
    `SELECT ${columnsOf(model, wants)} FROM "${model}" WHERE id = ANY($1::uuid[])`,
    [ids],
  )
  return new Map(rows.map((row) => [row.id, row]))
}

/** The rows with these ids, with what Prisma joins to them. */
export async function readJoined(
  database: Database,
  model: string,
  ids: readonly string[],
  joins: object | undefined,
): Promise<Map<string, Row>> {
  const rows = await modelOf(database, model).findMany({ ...joins, where: { id: { in: [...new Set(ids)] } } })
  return new Map(rows.map((row) => [row.id, row as unknown as Row]))
}

/** What Prisma calls a model, of those that have an id. */
export const modelOf = ({ prisma }: Pick<Database, 'prisma'>, model: string): Database['prisma']['session'] =>
  prisma[`${model.charAt(0).toLowerCase()}${model.slice(1)}` as 'session']

const known = new Map<string, ReadonlyMap<string, string>>()

/** How each column of a table is read, in its order. */
export function tableOf(model: string): ReadonlyMap<string, string> {
  let table = known.get(model)
  if (!table) {
    const { models } = getDatamodel().datamodel as never as {
      models: Record<string, { fields: { name: string; kind: string; isList: boolean }[] }>
    }
    const columns = (models[model]?.fields ?? []).filter(({ kind }) => kind !== 'object')
    table = new Map(
      columns.map(({ name, kind, isList }) => [
        name,
        kind === 'enum' && isList ? `"${name}"::text[] AS "${name}"` : `"${name}"`,
      ]),
    )
    known.set(model, table)
  }
  return table
}

/** A list of the columns that are wanted, always the same for the same ones. */
export function columnsOf(model: string, wants: Iterable<Want>): string {
  const all = [...wants].map(({ columns }) => columns)
  const isWanted = (name: string): boolean => all.some((columns) => columns?.has(name) ?? true)
  return [...tableOf(model)].flatMap(([name, sql]) => (isWanted(name) ? sql : [])).join(', ')
}
