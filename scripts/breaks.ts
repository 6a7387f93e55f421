import { BreakingChangeType, buildASTSchema, findSchemaChanges, type GraphQLSchema, Kind, parse, visit } from 'graphql'

/**
 * What would break operations of clients between two schemas, in words. What the released one calls deprecated may change
 * and go: clients have been told.
 *
 * @param released text of the schema that clients know
 * @param current text of the one that they are about to meet
 */
export function breaksOf(released: string, current: string): string[] {
  return findSchemaChanges(keptOf(released), buildASTSchema(parse(current)))
    .filter(({ type }) => type in BreakingChangeType)
    .map(({ description }) => description)
}

/** A schema without what it calls deprecated. */
function keptOf(text: string): GraphQLSchema {
  const drop = (node: { directives?: readonly { name: { value: string } }[] | undefined }) =>
    node.directives?.some(({ name }) => name.value === 'deprecated') ? null : undefined
  const kept = visit(parse(text), {
    [Kind.FIELD_DEFINITION]: drop,
    [Kind.INPUT_VALUE_DEFINITION]: drop,
    [Kind.ENUM_VALUE_DEFINITION]: drop,
  })
  return buildASTSchema(kept, { assumeValidSDL: true })
}
