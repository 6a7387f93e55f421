import {
  type GraphQLAbstractType,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'

/** An output type, taken apart once. */
export type Shape = { nullable: boolean } & (
  | { kind: 'LEAF'; type: GraphQLLeafType }
  | { kind: 'LIST'; item: Shape }
  | { kind: 'OBJECT'; type: GraphQLObjectType }
  | { kind: 'ABSTRACT'; type: GraphQLAbstractType }
)

const known = new WeakMap<GraphQLOutputType, Shape>()

export function shapeOf(type: GraphQLOutputType): Shape {
  let shape = known.get(type)
  if (!shape) {
    shape = isNonNullType(type) ? { ...shapeOf(type.ofType), nullable: false } : { ...kindOf(type), nullable: true }
    known.set(type, shape)
  }
  return shape
}

function kindOf(type: GraphQLOutputType): Shape {
  const nullable = true
  if (isListType(type)) return { kind: 'LIST', item: shapeOf(type.ofType), nullable }
  if (isLeafType(type)) return { kind: 'LEAF', type, nullable }
  if (isObjectType(type)) return { kind: 'OBJECT', type, nullable }
  return { kind: 'ABSTRACT', type: type as GraphQLAbstractType, nullable }
}
