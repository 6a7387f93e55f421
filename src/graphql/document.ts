import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  Kind,
  type OperationDefinitionNode,
  parse,
  type ParseOptions,
  type SelectionSetNode,
  type Source,
  visit,
} from 'graphql'
import { refusedRequest } from './errors.ts'
import type { Limits } from './limits.ts'
import { isStorable, NOT_STORABLE } from './rules.ts'

type Shape = Pick<Limits, 'tokens' | 'depth' | 'fields' | 'aliases' | 'directives' | 'repetitions'>

/**
 * Parses a document and refuses it before anything costly happens to it, such as validation, whose time grows with the
 * square of the fields.
 *
 * @throws GraphQLError for bad syntax and for what exceeds a limit
 */
export function parseWithin(limits: Shape, source: string | Source, options?: ParseOptions): DocumentNode {
  const document = parse(source, { ...options, maxTokens: limits.tokens })
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const known = new Map<string, Measure>()
  let all = 0
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) continue
    const { depth, fields, aliases, directives } = measure(definition.selectionSet, fragments, known)
    all += fields
    refuse('deep', depth, limits.depth)
    refuse('wide, with its fragments written out,', fields, limits.fields)
    refuse('rich in aliases, with its fragments written out,', aliases, limits.aliases)
    refuse('rich in directives, with its fragments written out,', directives + own(definition), limits.directives)
    refuse('wide, with all its definitions together,', all, DEFINITIONS * limits.fields)
    refuse('repetitive', mostRepeated(definition.selectionSet, fragments), limits.repetitions)
  }
  return document
}

/** Definitions of full width that one document can have. */
const DEFINITIONS = 4

/** How often the field that is asked for most often at one place is asked for there: validation compares each with each. */
function mostRepeated(root: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): number {
  const counts = new Map<string, number>()
  const open = new Set<string>()
  let most = 0
  const walk = ({ selections }: SelectionSetNode, place: string): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet, place)
      else if (selection.kind === Kind.FIELD) {
        const at = `${place}/${(selection.alias ?? selection.name).value}`
        const count = (counts.get(at) ?? 0) + 1
        counts.set(at, count)
        most = Math.max(most, count)
        if (selection.selectionSet) walk(selection.selectionSet, at)
      } else {
        const name = selection.name.value
        const fragment = fragments.get(name)
        if (!fragment || open.has(name)) continue
        open.add(name)
        walk(fragment.selectionSet, place)
        open.delete(name)
      }
    }
  }
  walk(root, '')
  return most
}

interface Measure {
  depth: number
  fields: number
  aliases: number
  directives: number
}

const NOTHING: Measure = { depth: 0, fields: 0, aliases: 0, directives: 0 }

const own = ({ directives }: { directives?: readonly unknown[] | undefined }): number => directives?.length ?? 0

/** A fragment is measured once, however often it is spread: a bomb of fragments takes no longer than its text. */
function measure(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  known: Map<string, Measure>,
): Measure {
  const sum = { ...NOTHING }
  for (const selection of selections) {
    const inner = innerOf(selection)
    sum.depth = Math.max(sum.depth, inner.depth)
    sum.fields += inner.fields
    sum.aliases += inner.aliases
    sum.directives += inner.directives + own(selection)
  }
  return sum

  function innerOf(selection: SelectionSetNode['selections'][number]): Measure {
    if (selection.kind === Kind.INLINE_FRAGMENT) return measure(selection.selectionSet, fragments, known)
    if (selection.kind === Kind.FIELD) {
      const below = selection.selectionSet ? measure(selection.selectionSet, fragments, known) : NOTHING
      return {
        depth: below.depth + 1,
        fields: below.fields + 1,
        aliases: below.aliases + (selection.alias ? 1 : 0),
        directives: below.directives,
      }
    }
    const name = selection.name.value
    const before = known.get(name)
    if (before) return before
    const fragment = fragments.get(name)
    if (!fragment) return NOTHING
    // A cycle ends here; validation refuses it.
    known.set(name, NOTHING)
    const found = measure(fragment.selectionSet, fragments, known)
    known.set(name, found)
    return found
  }
}

function refuse(what: string, found: number, limit: number): void {
  if (found <= limit) return
  throw refusedRequest(
    'TOO_COMPLEX',
    `The document is too ${what} (${found}, at most ${limit}): split it into several requests`,
  )
}

/**
 * Finds text that the database cannot hold, and cursors that no connection has given, wherever they stand. The inputs of
 * mutations are left to their rules, which say where it is.
 */
export function refuseInput(
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): GraphQLError | undefined {
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode =>
      definition.kind === Kind.OPERATION_DEFINITION && (!operationName || definition.name?.value === operationName),
  )
  const judged = operation?.operation === 'mutation' ? belowRoot(document, operation) : [document]
  let problem: string | undefined
  const look = (value: unknown): void => {
    if (isUnstorable(value)) problem ??= `A text in the request ${NOT_STORABLE}`
  }
  const lookAtCursor = (name: string, value: unknown): void => {
    if (typeof value === 'string' && !isCursor(value)) {
      problem ??= `${name} is no cursor: hand in one that a connection of this server gave you`
    }
  }
  for (const node of judged) {
    visit(node, {
      VariableDefinition: () => false,
      Argument: ({ name: { value: name }, value }) => {
        if (name !== 'after' && name !== 'before') return
        if (value.kind === Kind.STRING) lookAtCursor(name, value.value)
        if (value.kind === Kind.VARIABLE) lookAtCursor(name, variables?.[value.name.value])
      },
      StringValue: ({ value }) => look(value),
      Variable: ({ name }) => look(variables?.[name.value]),
    })
  }
  return problem === undefined ? undefined : refusedRequest('BAD_USER_INPUT', problem)
}

/** What stands below the fields of a mutation, and in its fragments. */
function belowRoot(document: DocumentNode, operation: OperationDefinitionNode) {
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
  const below = operation.selectionSet.selections.flatMap((selection) =>
    selection.kind === Kind.FRAGMENT_SPREAD || !selection.selectionSet ? [] : [selection.selectionSet],
  )
  return [...fragments, ...below]
}

function isUnstorable(value: unknown): boolean {
  if (typeof value === 'string') return !isStorable(value)
  return value !== null && typeof value === 'object' && Object.values(value).some(isUnstorable)
}

/** The time, the session and the number of an event: see events.ts. */
export const PLACE_CURSOR = /^(\d{1,15})_([\da-f-]{36})_(\d{1,9})$/
const LOG_CURSOR = /^\d{1,9}$/
const ROW_CURSOR = /^GPC:S:[\da-f-]{36}$/

/** Cursors are the numbers of a log, or ids in the wrapping that the Prisma plugin of Pothos gives them. */
const isCursor = (text: string): boolean =>
  LOG_CURSOR.test(text) || PLACE_CURSOR.test(text) || ROW_CURSOR.test(Buffer.from(text, 'base64').toString('latin1'))
