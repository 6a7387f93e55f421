import { type Gate, GATE_KINDS, type GateKind, ROLES } from '../gate.ts'
import type { Json } from '../json.ts'
import { schemaProblems } from '../schema.ts'
import { asNoSchema, type At, LONGEST_MS, noneOf, notText, notWhole, type Problem } from './problem.ts'

/** More gates than this before one result are refused. */
const MAX_GATES = 20
/** Characters of what a judge or a person is asked. */
const MAX_QUESTION = 10_000
/** Characters of a name, and of a path. */
const MAX_NAME = 200
const MAX_PATH = 1_000
/** Tests, artifacts and files that a gate may speak of. */
const MAX_COUNT = 1_000_000

/** What is wrong with one field, each a sentence about it without its subject. */
type Rule = (value: unknown) => readonly string[]

const one =
  (rule: (value: unknown) => string | undefined): Rule =>
  (value) => {
    const wrong = rule(value)
    return wrong === undefined ? [] : [wrong]
  }
const count = one((value) => notWhole(value, 0, MAX_COUNT))
const name = one((value) => notText(value, MAX_NAME))
const question = one((value) => notText(value, MAX_QUESTION))
const wordOf = (words: readonly string[]): Rule => one((value) => noneOf(value, words))
const listOf =
  (rule: (value: unknown) => string | undefined): Rule =>
  (value) => {
    if (!Array.isArray(value) || value.length === 0) return ['must be a list that holds something']
    return value.flatMap((member) => rule(member) ?? [])
  }

/** What each kind of gate has to hold, and what it may. */
const FIELDS: Record<GateKind, { must?: Record<string, Rule>; may?: Record<string, Rule> }> = {
  SCHEMA: { must: { schema: (value) => schemaProblems(value as Json).map(asNoSchema) } },
  COMMAND: { must: { command: name } },
  TEST_REPORT: { must: { minPassed: count, maxFailed: count } },
  FILES: { may: { exist: listOf(notInside), changed: listOf(notInside) } },
  EVIDENCE: { may: { minArtifacts: count, kinds: listOf((value) => notText(value, MAX_NAME)) } },
  JUDGE: { must: { criteria: question }, may: { agent: name } },
  PERSON: {
    must: { question },
    may: {
      role: wordOf(ROLES),
      expiresMs: one((value) => notWhole(value, 1, LONGEST_MS)),
      onExpiry: wordOf(['APPROVE', 'REJECT']),
    },
  },
}

/** E44: a gate that can't be enforced is refused. */
export function gateProblems(gates: readonly Gate[], at: At): Problem[] {
  if (gates.length > MAX_GATES) {
    return [{ path: at('gates'), message: `${gates.length} gates are more than the limit of ${MAX_GATES}` }]
  }
  return gates.flatMap((gate, index) => {
    const { kind, ...given } = gate as { kind: GateKind } & Record<string, unknown>
    const inGate = (...rest: string[]): string[] => at('gates', `${index}`, ...rest)
    const unknown = noneOf(kind, GATE_KINDS)
    if (unknown !== undefined) return [{ path: inGate('kind'), message: `the kind of a gate ${unknown}` }]
    return fieldProblems(kind, given).map(([field, message]) => ({ path: inGate(...field), message }))
  })
}

function fieldProblems(kind: GateKind, given: Record<string, unknown>): [path: string[], message: string][] {
  const { must = {}, may = {} } = FIELDS[kind]
  const rules = new Map(Object.entries({ ...must, ...may }))
  const known = [...rules.keys()].join(', ')
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  const missing = Object.keys(must).filter((field) => given[field] === undefined)
  if (present.length + missing.length === 0) {
    return [[[], `a gate of kind ${kind} that asks for nothing lets everything pass: it knows ${known}`]]
  }
  return [
    ...missing.map((field): [string[], string] => [[field], `a gate of kind ${kind} needs ${field}`]),
    ...present.flatMap(([field, value]): [string[], string][] => {
      const rule = rules.get(field)
      if (!rule) return [[[field], `a gate of kind ${kind} has no ${field}: it knows ${known}`]]
      return rule(value).map((wrong) => [[field], `${field} ${wrong}`])
    }),
  ]
}

/** A path that could lead out of the workspace is no path into it. */
function notInside(value: unknown): string | undefined {
  const wrong = notText(value, MAX_PATH)
  if (wrong !== undefined) return wrong
  const path = value as string
  const leadsOut = /^([/\\~]|[a-z]:)/i.test(path) || path.split(/[/\\]/).includes('..') || path.includes('\0')
  return leadsOut ? `holds "${path}": paths are relative to the workspace and stay in it` : undefined
}
