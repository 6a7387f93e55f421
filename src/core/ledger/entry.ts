import type { Json } from '../json.ts'
import type { Pattern, SubTask } from '../plan.ts'

/** What a manager says in one round. */
export interface LedgerEntry {
  satisfied: boolean
  looping: boolean
  progressing: boolean
  /** What it delegates. */
  next: readonly SubTask[]
  /** To itself, for the next round. */
  instruction: string
  reasons: readonly string[]
}

type Kind = 'TEXT' | 'BOOLEAN' | 'TEXTS' | 'PARTS' | 'SESSION' | 'ANYTHING'
const IS: Record<Kind, { says: string; test: (value: Json) => boolean }> = {
  TEXT: { says: 'a text', test: (value) => typeof value === 'string' },
  BOOLEAN: { says: 'true or false', test: (value) => typeof value === 'boolean' },
  TEXTS: {
    says: 'a list of texts',
    test: (value) => Array.isArray(value) && value.every((text) => typeof text === 'string'),
  },
  PARTS: { says: 'a list of sub-tasks', test: (value) => Array.isArray(value) },
  SESSION: { says: 'an object with a pattern and parts', test: (value) => isObject(value) },
  ANYTHING: { says: 'anything', test: () => true },
}

/** Fields of an object: those that must be there, and those that may. */
interface Fields {
  must: Record<string, Kind>
  may: Record<string, Kind>
}
const ENTRY: Fields = {
  must: {
    satisfied: 'BOOLEAN',
    looping: 'BOOLEAN',
    progressing: 'BOOLEAN',
    next: 'PARTS',
    instruction: 'TEXT',
    reasons: 'TEXTS',
  },
  may: {},
}
const PART: Fields = {
  must: { key: 'TEXT', title: 'TEXT', description: 'TEXT' },
  may: {
    capabilities: 'TEXTS',
    dependsOn: 'TEXTS',
    agent: 'TEXT',
    optional: 'BOOLEAN',
    input: 'ANYTHING',
    session: 'SESSION',
  },
}
const SESSION: Fields = { must: { pattern: 'TEXT', parts: 'PARTS' }, may: {} }
/** Sessions within each other that are looked into: what is deeper is refused anyway. */
const MAX_SESSIONS = 4

/** Reads the fields of a ledger, whatever they mean. */
export function readEntry(output: Json): { entry: LedgerEntry } | { problems: string[] } {
  const problems = fieldProblems(output, ENTRY, 'the ledger')
  if (problems.length === 0) problems.push(...partsProblems(output, 'next', '"next"', 0))
  if (problems.length > 0) return { problems }
  const { next, ...rest } = output as unknown as LedgerEntry
  return { entry: { ...rest, next: next.map(partOf) } }
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What is wrong with the fields of an object, whose name is `what`. */
function fieldProblems(value: Json | undefined, { must, may }: Fields, what: string): string[] {
  if (!isObject(value)) return [`${what} must be an object`]
  const known = new Map(Object.entries({ ...must, ...may }))
  return [
    ...Object.keys(must)
      .filter((name) => !Object.hasOwn(value, name))
      .map((name) => `${what} has no "${name}"`),
    ...Object.entries(value).flatMap(([name, field]) => {
      const kind = known.get(name)
      if (kind === undefined) return [`${what} has a field "${name}": it may have ${[...known.keys()].join(', ')}`]
      return IS[kind].test(field) ? [] : [`"${name}" of ${what} must be ${IS[kind].says}`]
    }),
  ]
}

/** What is wrong with the fields of the sub-tasks in a list. */
function partsProblems(holder: Json, field: string, what: string, sessions: number): string[] {
  const parts = (holder as { [key: string]: Json[] })[field] as Json[]
  return parts.flatMap((part, index) => {
    const name = `${what}[${index}]`
    const problems = fieldProblems(part, PART, name)
    if (problems.length > 0) return problems
    const { session } = part as { session?: Json }
    if (session === undefined) return []
    if (sessions === MAX_SESSIONS) return [`${name} is a session within too many others`]
    const wrong = fieldProblems(session, SESSION, `the session of ${name}`)
    return wrong.length > 0 ? wrong : partsProblems(session, 'parts', `the parts of ${name}`, sessions + 1)
  })
}

function partOf(part: SubTask): SubTask {
  const { session } = part
  return {
    ...part,
    capabilities: part.capabilities ?? [],
    dependsOn: part.dependsOn ?? [],
    ...(session && { session: { pattern: session.pattern as Pattern, parts: session.parts.map(partOf) } }),
  }
}
