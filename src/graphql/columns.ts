import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import { getModel } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from './context.ts'
import { encodeId } from './ids.ts'
import { rowOf } from './rows.ts'
import { NEEDS, type Needs } from './want.ts'

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- how Pothos wants to be told of a plugin
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      columns: Columns<Types>
    }
  }
}

interface Relation {
  name: string
  type: string
  isList: boolean
  relationFromFields?: string[]
}
type Field<Types extends SchemaTypes> = PothosOutputFieldConfig<Types>
type Row = Record<string, unknown>

/**
 * Notes which columns each field needs, so that rows can be read with those alone, and has rows that others refer to read
 * by their ids, all at once, in place of one plan of Prisma's per request. Relations to many are left to Prisma.
 */
class Columns<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(field: Field<Types>): Field<Types> {
    const name = this.buildCache.getTypeConfig(field.parentType).extensions?.['pothosPrismaModel'] as string | undefined
    if (name === undefined) return field
    const { pothosPrismaVariant: exposed, pothosPrismaSelect: select, ...extensions } = field.extensions ?? {}
    const relation = extensions['pothosPrismaRelationField'] as Relation | undefined
    const scalars = new Set(
      getModel(name, this.builder)
        .fields.filter(({ kind }) => kind !== 'object')
        .map((column) => column.name),
    )
    const told = (needs: Needs, more: object = {}): Field<Types> =>
      ({
        ...field,
        ...more,
        extensions: { ...extensions, [NEEDS]: needs },
      }) as Field<Types>
    if (field.name === 'id' && scalars.has('id')) {
      // Not as a promise, of which a page would have hundreds.
      return told(['id'], { resolve: ((row: Row) => encodeId(field.parentType, String(row['id']))) as never })
    }
    if (typeof exposed === 'string') return told([exposed])
    const [key, ...others] = relation?.relationFromFields ?? []
    if (relation && !relation.isList && key !== undefined && others.length === 0) {
      return told([key], { resolve: referred(relation, key) as never })
    }
    if (select && typeof select === 'object') {
      // Prisma reads all columns of these types anyway, and joins only what is no column.
      const columns = Object.entries(select).map(([column, value]) => (value === true ? column : ''))
      if (columns.every((column) => scalars.has(column))) return told(columns)
    }
    return select ? { ...field, extensions: { ...field.extensions, [NEEDS]: 'JOIN' } } : field
  }
}

/** The row that another one refers to; it is there already if Prisma has read both. */
const referred =
  ({ name, type }: Relation, key: string) =>
  (row: Row, _args: object, context: Context, info: GraphQLResolveInfo): unknown => {
    if (row[name] !== undefined) return row[name]
    const id = row[key] as string | null
    return id === null ? null : rowOf(context, info, type, id)
  }

SchemaBuilder.registerPlugin('columns', Columns)
