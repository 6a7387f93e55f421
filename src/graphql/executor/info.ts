import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql'
import { type Container, Place } from './place.ts'
import type { Prepared, PreparedField } from './prepare.ts'

/** What is the same for all fields of an answer. */
export interface Asked {
  schema: GraphQLSchema
  operation: Prepared
  rootValue: unknown
  variableValues: GraphQLResolveInfo['variableValues']
}

/** What a resolver is told of its field. Most read none of it, so it is looked up when they do. */
export class Info implements GraphQLResolveInfo {
  readonly #asked: Asked
  readonly #field: PreparedField
  readonly #above: Place | undefined
  readonly #container: Container
  #place: Place | undefined

  constructor(asked: Asked, field: PreparedField, above: Place | undefined, container: Container) {
    this.#asked = asked
    this.#field = field
    this.#above = above
    this.#container = container
  }

  get path(): Place {
    const { name, parentType, shape } = this.#field
    return (this.#place ??= new Place(this.#above, name, parentType.name, this.#container, shape.nullable))
  }
  get fieldName(): string {
    return this.#field.definition.name
  }
  get fieldNodes(): GraphQLResolveInfo['fieldNodes'] {
    return this.#field.nodes
  }
  get returnType(): GraphQLResolveInfo['returnType'] {
    return this.#field.definition.type
  }
  get parentType(): GraphQLResolveInfo['parentType'] {
    return this.#field.parentType
  }
  get schema(): GraphQLSchema {
    return this.#asked.schema
  }
  get fragments(): GraphQLResolveInfo['fragments'] {
    return this.#asked.operation.fragments
  }
  get rootValue(): unknown {
    return this.#asked.rootValue
  }
  get operation(): GraphQLResolveInfo['operation'] {
    return this.#asked.operation.node
  }
  get variableValues(): GraphQLResolveInfo['variableValues'] {
    return this.#asked.variableValues
  }
  getAbortSignal(): undefined {
    return undefined
  }
  getAsyncHelpers(): ReturnType<GraphQLResolveInfo['getAsyncHelpers']> {
    return HELPERS
  }
}

const HELPERS: ReturnType<GraphQLResolveInfo['getAsyncHelpers']> = {
  promiseAll: (values) => Promise.all(values),
  track() {},
}
