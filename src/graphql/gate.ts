import { z } from 'zod'
import { CHECK_KINDS, type Gate as CoreGate, type GateKind, ROLES } from '../core/gate.ts'
import { builder } from './builder.ts'
import { enumOf } from './enums.ts'
import * as rules from './rules.ts'
import { RoleEnum } from './viewer.ts'

export const GateKindEnum = enumOf(
  'GateKind',
  'What kind of gate it is. They run in this order, the certain before the doubtful.',
  CHECK_KINDS,
  {
    SCHEMA: 'The output has to fit a JSON Schema.',
    COMMAND: 'A command of the operator has to end with 0.',
    TEST_REPORT: 'A test report has to hold so many tests.',
    FILES: 'Files have to exist, or to have changed.',
    EVIDENCE: 'There have to be artifacts, and evidence that has passed.',
    JUDGE: 'Another agent has to find that criteria are met.',
    PERSON: 'A person has to approve.',
    MERGE:
      'With worktrees, after all gates: what was changed has to go together with what was accepted before. Nobody has to ask for it.',
  },
)

export const Gate = builder.objectRef<CoreGate>('Gate').implement({
  description: 'What a result has to pass before it is accepted.',
  fields: (t) => ({
    kind: t.field({ type: GateKindEnum, description: 'What kind of gate it is.', resolve: ({ kind }) => kind }),
    settings: t.field({
      type: 'JSON',
      description: 'What it asks for: the members of its input, which depend on the kind.',
      resolve: ({ kind: _, ...settings }) => settings,
    }),
  }),
})

const SchemaGateInput = builder.inputType('SchemaGateInput', {
  description: 'The output has to fit a JSON Schema.',
  fields: (t) => ({
    schema: t.field({
      type: 'JSON',
      required: true,
      description: 'The schema, of draft 2020-12, without what cannot be checked for certain.',
    }),
  }),
})

const CommandGateInput = builder.inputType('CommandGateInput', {
  description: 'A command has to end with 0 in the workspace.',
  fields: (t) => ({
    command: t.string({ required: true, description: "Name of one of the operator's commands." }),
  }),
})

const TestReportGateInput = builder.inputType('TestReportGateInput', {
  description: 'The evidence of the attempt has to hold a test report.',
  fields: (t) => ({
    minPassed: t.int({ required: true, description: 'Tests that have to pass at least: 0 to 1,000,000.' }),
    maxFailed: t.int({ required: true, description: 'Tests that may fail at most: 0 to 1,000,000.' }),
  }),
})

const FilesGateInput = builder.inputType('FilesGateInput', {
  description: 'What has to be in the workspace. Paths are relative to it.',
  fields: (t) => ({
    exist: t.stringList({ description: 'Files and folders that have to be there.' }),
    changed: t.stringList({
      description: 'Those that have to have changed since the attempt began; for workspaces in a git repository alone.',
    }),
  }),
})

const EvidenceGateInput = builder.inputType('EvidenceGateInput', {
  description: 'What the attempt has to leave behind.',
  fields: (t) => ({
    minArtifacts: t.int({ description: 'Artifacts at least: 0 to 1,000,000.' }),
    kinds: t.stringList({ description: 'Kinds of evidence, each of which has to be there and to have passed.' }),
  }),
})

const JudgeGateInput = builder.inputType('JudgeGateInput', {
  description: 'Another agent has to find that criteria are met.',
  fields: (t) => ({
    criteria: t.string({ required: true, description: 'What has to be so; 1 to 10,000 characters.' }),
    agent: t.string({ description: 'Name of the agent; any with the capability judge if left out.' }),
  }),
})

const ExpiryChoice = builder.enumType('GateExpiryChoice', {
  description: 'What counts once nobody has approved in time.',
  values: {
    APPROVE: { description: 'The result passes.' },
    REJECT: { description: 'The result is rejected.' },
  } as const,
})

const PersonGateInput = builder.inputType('PersonGateInput', {
  description: 'A person has to approve the result: an interrupt of kind APPROVAL.',
  fields: (t) => ({
    question: t.string({ required: true, description: 'What the person is asked; 1 to 10,000 characters.' }),
    role: t.field({ type: RoleEnum, description: 'Who may answer; APPROVER if left out. ADMIN always may.' }),
    expiresMs: t.field({
      type: 'Duration',
      description: "Milliseconds to answer in; as the session's policy says if left out.",
    }),
    onExpiry: t.field({ type: ExpiryChoice, description: 'What counts after that; REJECT if left out.' }),
  }),
})

export const GateInput = builder.inputType('GateInput', {
  description: 'What a result has to pass before it is accepted: exactly one of these.',
  isOneOf: true,
  fields: (t) => ({
    schema: t.field({ type: SchemaGateInput, description: 'The output has to fit a JSON Schema.' }),
    command: t.field({ type: CommandGateInput, description: 'A command has to end with 0 in the workspace.' }),
    testReport: t.field({ type: TestReportGateInput, description: 'There has to be a test report.' }),
    files: t.field({ type: FilesGateInput, description: 'Files have to exist, or to have changed.' }),
    evidence: t.field({ type: EvidenceGateInput, description: 'Artifacts and evidence have to be there.' }),
    judge: t.field({ type: JudgeGateInput, description: 'Another agent has to find that criteria are met.' }),
    person: t.field({ type: PersonGateInput, description: 'A person has to approve.' }),
  }),
})

const MEMBERS = {
  schema: 'SCHEMA',
  command: 'COMMAND',
  testReport: 'TEST_REPORT',
  files: 'FILES',
  evidence: 'EVIDENCE',
  judge: 'JUDGE',
  person: 'PERSON',
} as const satisfies Record<string, GateKind>

const count = rules.whole(0, 1_000_000)
const name = rules.text(1, 200)
const question = rules.text(1, 10_000)
const paths = z.array(rules.text(1, 1_000)).max(1_000, 'are more than 1,000')

export const gateRules = rules
  .object({
    schema: rules.optional(rules.object({ schema: rules.json })),
    command: rules.optional(rules.object({ command: name })),
    testReport: rules.optional(rules.object({ minPassed: count, maxFailed: count })),
    files: rules.optional(rules.object({ exist: rules.optional(paths), changed: rules.optional(paths) })),
    evidence: rules.optional(
      rules.object({
        minArtifacts: rules.optional(count),
        kinds: rules.optional(z.array(name).max(100, 'are more than 100')),
      }),
    ),
    judge: rules.optional(rules.object({ criteria: question, agent: rules.optional(name) })),
    person: rules.optional(
      rules.object({
        question,
        role: rules.optional(z.enum(ROLES)),
        expiresMs: rules.optional(rules.whole(1, 2 ** 31 - 1)),
        onExpiry: rules.optional(z.enum(['APPROVE', 'REJECT'])),
      }),
    ),
  })
  .transform((input): CoreGate => {
    const [[member, settings]] = Object.entries(input) as [[keyof typeof MEMBERS, object]]
    return { kind: MEMBERS[member], ...settings } as CoreGate
  })

/**
 * Where in the input something is that the core calls by this path: the input has what a gate asks for one level down,
 * below the name of its kind.
 *
 * @param value what the path leads into
 */
export function pathInInput(path: readonly string[], value: unknown): string[] {
  const found: string[] = []
  let at = value as Record<string, unknown> | undefined
  path.forEach((name, index) => {
    found.push(name)
    at = at?.[name] as typeof at
    if (path[index - 1] !== 'gates') return
    const member = Object.entries(MEMBERS).find(([, kind]) => kind === at?.['kind'])
    if (member) found.push(member[0])
  })
  return found
}
