import {
  defaultFieldResolver,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql'
import { type Shape, shapeOf } from './shape.ts'

/** A field of an object as an operation asks for it, with all that does not change from one answer to the next. */
export interface PreparedField {
  /** Name in the answer. */
  name: string
  /** Everywhere that it is asked for under that name. */
  nodes: readonly [FieldNode, ...FieldNode[]]
  parentType: GraphQLObjectType
  definition: GraphQLField<unknown, unknown>
  resolve: GraphQLFieldResolver<unknown, unknown>
  shape: Shape
  /** Whether its value is what its object has under its name, of a type without parts. */
  isPlain: boolean
  /** What is asked of an object of this type that the field leads to. */
  below(type: GraphQLObjectType): readonly PreparedField[]
}

/** An operation of a document. */
export interface Prepared {
  node: OperationDefinitionNode
  fragments: Readonly<Record<string, FragmentDefinitionNode>>
  rootType: GraphQLObjectType
  /** Fields of the root; undefined: whether some field is asked for cannot be told by these variables. */
  fields(variables: Readonly<Record<string, unknown>>): readonly PreparedField[] | undefined
}

/** Sets of values of an operation's @skip and @include that are remembered. */
const VARIANTS = 16

/**
 * @param operationName undefined if the document has one operation only
 * @returns undefined if there is none of that name, or several to choose from, or it is a subscription, or unusual
 */
export function prepare(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): Prepared | undefined {
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null) as never
  const operations: OperationDefinitionNode[] = []
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    if (operationName == null || definition.name?.value === operationName) operations.push(definition)
  }
  const [node] = operations
  if (!node || operations.length > 1 || node.operation === 'subscription') return undefined
  const rootType = schema.getRootType(node.operation)
  if (!rootType) return undefined
  const switches = switchesOf(document)
  if (!switches) return undefined
  const variants = new Map<string, readonly PreparedField[]>()
  return {
    node,
    fragments,
    rootType,
    fields(variables) {
      let key = ''
      for (const name of switches) {
        const value = variables[name]
        if (typeof value !== 'boolean') return undefined
        key += value ? '+' : '-'
      }
      let known = variants.get(key)
      if (!known) {
        const isOn = new Map(switches.map((name) => [name, variables[name] === true]))
        known = collect({ schema, fragments, isOn }, rootType, [node.selectionSet])
        if (variants.size < VARIANTS) variants.set(key, known)
      }
      return known
    },
  }
}

/** Names of the variables that decide whether something is asked for; undefined: a name in the answer is no usual one. */
function switchesOf(document: DocumentNode): string[] | undefined {
  const names = new Set<string>()
  let usual = true
  visit(document, {
    Field({ alias }) {
      if (alias?.value === '__proto__') usual = false
    },
    Directive({ name, arguments: given = [] }) {
      if (name.value !== 'skip' && name.value !== 'include') return
      for (const { value } of given) if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    },
  })
  return usual ? [...names] : undefined
}

interface Circumstances {
  schema: GraphQLSchema
  fragments: Prepared['fragments']
  /** Variables that decide whether something is asked for. */
  isOn: ReadonlyMap<string, boolean>
}

/** CollectFields of the specification of GraphQL, and what each field needs to be resolved. */
function collect(
  around: Circumstances,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): readonly PreparedField[] {
  const { schema, fragments, isOn } = around
  const found = new Map<string, [FieldNode, ...FieldNode[]]>()
  const spread = new Set<string>()
  const isFor = ({ typeCondition }: { typeCondition?: { name: { value: string } } | undefined }): boolean => {
    if (!typeCondition) return true
    const condition = schema.getType(typeCondition.name.value)
    return condition === type || (isAbstractType(condition) && schema.isSubType(condition, type))
  }
  const look = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isWanted(selection.directives, isOn)) continue
      if (selection.kind === Kind.FIELD) {
        const name = (selection.alias ?? selection.name).value
        const others = found.get(name)
        if (others) others.push(selection)
        else found.set(name, [selection])
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (isFor(selection)) look(selection.selectionSet)
      } else {
        const fragment = fragments[selection.name.value]
        if (!fragment || spread.has(selection.name.value)) continue
        spread.add(selection.name.value)
        if (isFor(fragment)) look(fragment.selectionSet)
      }
    }
  }
  for (const set of sets) look(set)
  return [...found].flatMap(([name, nodes]) => {
    const definition = schema.getField(type, nodes[0].name.value)
    return definition ? [fieldOf(around, type, name, nodes, definition)] : []
  })
}

function fieldOf(
  around: Circumstances,
  parentType: GraphQLObjectType,
  name: string,
  nodes: PreparedField['nodes'],
  definition: GraphQLField<unknown, unknown>,
): PreparedField {
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
  const known = new Map<GraphQLObjectType, readonly PreparedField[]>()
  const shape = shapeOf(definition.type)
  return {
    name,
    nodes,
    parentType,
    definition,
    resolve: definition.resolve ?? defaultFieldResolver,
    shape,
    isPlain: !definition.resolve && shape.kind === 'LEAF',
    below(type) {
      let fields = known.get(type)
      if (!fields) known.set(type, (fields = collect(around, type, sets)))
      return fields
    },
  }
}

/** What @skip and @include say. */
function isWanted(directives: readonly DirectiveNode[] | undefined, isOn: Circumstances['isOn']): boolean {
  return (directives ?? []).every(({ name, arguments: [given] = [] }) => {
    if (!given || (name.value !== 'skip' && name.value !== 'include')) return true
    const { value } = given
    const on = value.kind === Kind.VARIABLE ? isOn.get(value.name.value) : value.kind === Kind.BOOLEAN && value.value
    return on === (name.value === 'include')
  })
}
