import { queryFromInfo } from '@pothos/plugin-prisma'
import {
  type FieldNode,
  getNamedType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql'

/** Under which a field keeps what it needs of its row. */
export const NEEDS = 'tuttiNeeds'
/** Columns; JOIN: more than columns, which Prisma has to join. A field that says nothing may need any column. */
export type Needs = readonly string[] | 'JOIN'

/** What an operation asks of the rows that a field leads to. */
export interface Want {
  /** Undefined: all of them. */
  columns: ReadonlySet<string> | undefined
  /** Whether it asks for more than columns. */
  joined: boolean
  /** Whether it asks for a page of them, not only how many there are. */
  paged: boolean
}

/** By the nodes of a field in a document, which are the same for every request with that document. */
const wants = new WeakMap<readonly FieldNode[], Want>()

/** Where the rows of a connection are. */
const PATHS = [[{ name: 'nodes' }], [{ name: 'edges' }, { name: 'node' }]]

/**
 * What is asked of rows by the selection of a field: too much rather than too little where directives and fragments decide.
 *
 * @param model whose rows are on the pages that the field leads to; undefined: it leads to one row
 */
export function wantOf(info: GraphQLResolveInfo, model?: string): Want {
  const known = wants.get(info.fieldNodes)
  if (known) return known
  const type = model === undefined ? getNamedType(info.returnType) : info.schema.getType(model)
  const fields = below(info, info.fieldNodes)
  const named = (name: string, nodes: readonly FieldNode[]): FieldNode[] =>
    nodes.filter((node) => node.name.value === name)
  const rows = [...named('nodes', fields), ...named('node', below(info, named('edges', fields)))]
  const wanted = model === undefined ? fields : below(info, rows)
  const want: Want = {
    ...(isObjectType(type) ? needsOf(type, wanted) : { columns: undefined, joined: true }),
    paged: fields.some(({ name: { value } }) => value !== 'totalCount' && value !== '__typename'),
  }
  wants.set(info.fieldNodes, want)
  return want
}

/**
 * What Prisma is to join to rows that are wanted so. Pothos remembers with the place of the field that it has been planned,
 * so it is for every single one.
 */
export const joinsOf = (context: object, info: GraphQLResolveInfo, model?: string): object =>
  queryFromInfo({ context, info, ...(model !== undefined && { typeName: model, paths: PATHS }) })

function needsOf(type: GraphQLObjectType, nodes: readonly FieldNode[]): Pick<Want, 'columns' | 'joined'> {
  const columns = new Set(['id'])
  let joined = false
  let all = false
  const fields = type.getFields()
  for (const { name } of nodes) {
    const field = fields[name.value]
    if (!field) continue
    const needs = field.extensions[NEEDS] as Needs | undefined
    if (needs === 'JOIN') joined = true
    else if (needs === undefined) all = true
    else for (const column of needs) columns.add(column)
  }
  return { columns: all ? undefined : columns, joined }
}

/** All fields that are asked for below some, fragments written out. */
function below({ fragments }: GraphQLResolveInfo, nodes: readonly FieldNode[]): FieldNode[] {
  const found: FieldNode[] = []
  const spread = new Set<string>()
  const look = (set: SelectionSetNode | undefined): void => {
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) found.push(selection)
      else if (selection.kind === Kind.INLINE_FRAGMENT) look(selection.selectionSet)
      else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value)
        look(fragments[selection.name.value]?.selectionSet)
      }
    }
  }
  for (const { selectionSet } of nodes) look(selectionSet)
  return found
}
