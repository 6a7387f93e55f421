import SchemaBuilder, {
  BasePlugin,
  createInputValueMapper,
  mapInputFields,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type SchemaTypes,
  unwrapInputFieldType,
} from '@pothos/core'
import type { GraphQLFieldResolver } from 'graphql'
import type { Context } from './context.ts'
import { decodeId, encodeId, isUuid, NOBODY } from './ids.ts'

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- how Pothos wants to be told of a plugin
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      guard: Guard<Types>
    }
  }
}

type Resolver = GraphQLFieldResolver<unknown, Context, object>

const ROOTS = new Set(['Query', 'Mutation', 'Subscription'])

/**
 * Stands before every field. A field of a root that does not say who may ask for it keeps the server from starting. And
 * whoever has some projects alone gets the same answer for an id of another one as for an unknown id: it becomes one
 * before anything reads it.
 */
class Guard<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(field: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    if (ROOTS.has(field.parentType) && !('authScopes' in field.pothosOptions)) {
      throw new PothosSchemaError(
        `${field.parentType}.${field.name} does not say who may ask for it: give it authScopes`,
      )
    }
    return field
  }

  override wrapResolve(
    resolve: GraphQLFieldResolver<unknown, Types['Context'], object>,
    field: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    // Those of a subscription have been looked at when it began.
    return field.parentType === 'Subscription' ? resolve : this.guarded(resolve as never, field)
  }

  override wrapSubscribe(
    subscribe: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
    field: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> | undefined {
    return subscribe && this.guarded(subscribe as never, field)
  }

  guarded(resolve: Resolver, field: PothosOutputFieldConfig<Types>): never {
    const ids = mapInputFields(field.args, this.buildCache, ({ type }) =>
      this.buildCache.getTypeConfig(unwrapInputFieldType(type)).name === 'ID' ? true : null,
    )
    if (!ids) return resolve as never
    const mapper = createInputValueMapper(ids, (value: unknown, _mapping, map: (id: string) => string) =>
      map(String(value)),
    )
    const guarded: Resolver = async (root, given, context, info) => {
      if (context.viewer.projects === undefined) return resolve(root, given, context, info)
      const asked = new Set<string>()
      mapper(given, undefined, (id) => {
        asked.add(id)
        return id
      })
      const foreign = await foreignOf(asked, context)
      const [subject] = foreign
      if (subject === undefined) return resolve(root, given, context, info)
      // Not where whoever asked could read that it is there.
      context.auditor.refused(context, { act: field.name, code: 'FOREIGN_PROJECT', subject, projectId: null })
      const args = mapper(given, undefined, (id) => (foreign.has(id) ? unknownOf(id) : id))
      return resolve(root, args, context, info)
    }
    return guarded as never
  }
}

/** Those of these ids whose rows are there but not for the viewer. */
async function foreignOf(ids: ReadonlySet<string>, { isForeign }: Context): Promise<Set<string>> {
  const foreign = new Set<string>()
  await Promise.all(
    [...ids].map(async (id) => {
      const uuid = uuidIn(id)
      if (uuid !== undefined && (await isForeign(uuid))) foreign.add(id)
    }),
  )
  return foreign
}

const uuidIn = (id: string): string | undefined => (isUuid(id) ? id : decodeId(id)?.id)

/** The same kind of id, of nothing. */
function unknownOf(id: string): string {
  const decoded = decodeId(id)
  return decoded ? encodeId(decoded.type, NOBODY) : NOBODY
}

SchemaBuilder.registerPlugin('guard', Guard)
