import { z } from 'zod'
import { plainText } from '../processes/lines.ts'
import { ACTIVITY_KINDS } from '../runtime.ts'
import type { Heard, Holder } from '../store/claim.ts'
import type { WorkReport } from '../store/offer.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { ActivityKindEnum, ArtifactKindEnum, enumOf } from './enums.ts'
import { conflict, invalid, limitReached, notFound, staleLease, StaleLeaseError } from './errors.ts'
import { idOf } from './ids.ts'
import { mutation, type SuccessFields } from './mutation.ts'
import * as rules from './rules.ts'

/** What one report may bring. */
const MOST = { activities: 100, text: 8_192, evidence: 100, files: 100, fileBytes: 16_777_216, line: 500 }

/** What a worker may say of its failure: the rest of the classes is for what only the server can know. */
const FAILURES = ['AGENT', 'CRASH', 'UNAVAILABLE', 'RATE_LIMIT', 'VALIDATION', 'AUTH', 'TOO_LARGE'] as const
const FailureEnum = enumOf(
  'WorkFailure',
  'Why a worker could not do its work; decides whether it is tried again.',
  FAILURES,
  {
    AGENT: 'It failed.',
    CRASH: 'It ended unexpectedly.',
    UNAVAILABLE: 'Something that it needs could not be reached.',
    RATE_LIMIT: 'Something that it needs refused for now.',
    VALIDATION: 'The input is not what it has to be; never tried again.',
    AUTH: 'A permission or a credential is missing; never tried again.',
    TOO_LARGE: 'The input is too large; never tried again.',
  },
)
const ASKS = ['QUESTION', 'AUTH'] as const
const AskEnum = enumOf('WorkAskKind', 'What a worker wants of a person.', ASKS, {
  QUESTION: 'It wants to know something.',
  AUTH: 'It needs access.',
})

type Fields = Parameters<Parameters<typeof builder.inputType>[1]['fields']>[0]

const held = (t: Fields) => ({
  attempt: t.id({ required: true, description: 'Global id or UUID of the attempt, as claimWork gave it.' }),
  fence: t.int({ required: true, description: 'The fence that claimWork gave with it.' }),
})
const heldRules = { attempt: rules.globalId, fence: rules.whole(1, 1_000_000) }

const holderOf = ({ viewer }: Context, { attempt, fence }: { attempt: string; fence: number }): Holder => ({
  attemptId: idOf('Attempt', attempt),
  fence,
  holder: viewer.name,
})

interface Sign {
  canceled: boolean
  leaseUntil: Date | null
}

const withSign: SuccessFields<Sign> = (t) => ({
  canceled: t.exposeBoolean('canceled', {
    description: 'Whether the attempt was canceled or is over: stop, what comes of it counts for nothing.',
  }),
  leaseUntil: t.expose('leaseUntil', {
    type: 'DateTime',
    nullable: true,
    description: 'When the work is on offer again unless there is another sign before; null: it was canceled.',
  }),
})

/** @throws Refused */
function signOf(heard: Heard): Sign {
  if (heard.kind === 'HELD') return { canceled: false, leaseUntil: heard.leaseUntil }
  if (heard.kind === 'ENDED') return { canceled: true, leaseUntil: null }
  if (heard.kind === 'REPORTED') throw conflict('You have reported what came of this work already.')
  throw refusalOf(heard)
}

function refusalOf(heard: Exclude<Heard, { kind: 'HELD' | 'REPORTED' }>) {
  if (heard.kind === 'UNKNOWN') return notFound('Attempt')
  if (heard.kind === 'FULL')
    return limitReached('Too much of what you have shown waits to be stored: send it again in a moment.')
  return staleLease(heard.kind === 'STALE' ? heard.why : 'its attempt was canceled or is over')
}

mutation('heartbeat', {
  needs: 'AGENT',
  description:
    'Tells that a worker is still at its work, and learns whether it is still wanted. Prolongs the lease by its length.',
  errors: [StaleLeaseError],
  input: held,
  rules: rules.object(heldRules),
  success: withSign,
  resolve: async (input, context) => signOf(await context.claims.beat(holderOf(context, input))),
})

const ActivityInput = builder.inputType('WorkActivityInput', {
  description: 'Something that a worker shows while it works. Inert text.',
  fields: (t) => ({
    kind: t.field({ type: ActivityKindEnum, description: 'What it is; MESSAGE if left out.' }),
    text: t.string({ required: true, description: `What is shown; at most ${MOST.text} characters.` }),
    stream: t.string({ description: 'With OUTPUT where it came from: stdout or stderr.' }),
  }),
})

const activity = rules
  .object({
    kind: rules.optional(z.enum(ACTIVITY_KINDS)),
    text: rules.text(0, MOST.text),
    stream: rules.optional(z.enum(['stdout', 'stderr'], 'must be stdout or stderr')),
  })
  .transform(({ kind = 'MESSAGE', text, ...stream }) => ({ kind, text: plainText(text), ...stream }))

mutation('reportActivity', {
  needs: 'AGENT',
  description: 'Shows what a worker does, in order. A sign of life as heartbeat is one.',
  errors: [StaleLeaseError],
  input: (t) => ({
    ...held(t),
    activities: t.field({ type: [ActivityInput], required: true, description: `1 to ${MOST.activities} of them.` }),
    first: t.int({
      description:
        'Number of the first one, from 1 within this claim: those that have come before are not shown twice. Left out: all of them are new.',
    }),
  }),
  rules: rules.object({
    ...heldRules,
    activities: z
      .array(activity)
      .min(1, 'are none')
      .max(MOST.activities, `are more than ${MOST.activities}: send them in several reports`),
    first: rules.optional(rules.whole(1, 100_000_000)),
  }),
  success: withSign,
  resolve: async ({ activities, first, ...input }, context) =>
    signOf(await context.claims.show(holderOf(context, input), activities, first)),
})

const EvidenceInput = builder.inputType('WorkEvidenceInput', {
  description: 'Something that a worker has checked. A finding is not a failure.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What was checked, in a few words; at most 200 characters.' }),
    kind: t.string({
      required: true,
      description: 'Kind of the check, for instance TEST_REPORT or COUNT; EXIT_CODE is told by the server alone.',
    }),
    passed: t.boolean({ required: true, description: 'Whether it passed.' }),
    detail: t.field({ type: 'JSON', description: 'What was seen; null if left out.' }),
  }),
})

const FileInput = builder.inputType('WorkFileInput', {
  description: 'A file that becomes an artifact. It has either text or base64.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Relative path with `/`, at most 500 characters.' }),
    text: t.string({ description: 'What is in it, as text.' }),
    base64: t.string({ description: 'What is in it, as base64.' }),
    kind: t.field({ type: ArtifactKindEnum, description: 'What it is; by its name if left out.' }),
    mediaType: t.string({ description: 'Its media type; by its name if left out.' }),
  }),
})

const UsageInput = builder.inputType('WorkUsageInput', {
  description: 'What the work has used. Budgets count by it.',
  fields: (t) => ({
    inputTokens: t.int({ description: 'Tokens read.' }),
    outputTokens: t.int({ description: 'Tokens written.' }),
    cost: t.float({ description: 'US dollars.' }),
  }),
})

const AskInput = builder.inputType('WorkAskInput', {
  description: 'A question for a person; the work is begun anew with the answer in `replies`.',
  fields: (t) => ({
    kind: t.field({ type: AskEnum, description: 'QUESTION if left out.' }),
    question: t.string({ required: true, description: `What is asked, in at most ${MOST.line} characters.` }),
    shown: t.field({ type: 'JSON', description: 'What the person has to see to be able to answer.' }),
  }),
})

const tokens = rules.whole(0, 2 ** 31 - 1)
const usage = rules.object({
  inputTokens: rules.optional(tokens),
  outputTokens: rules.optional(tokens),
  cost: rules.optional(z.number().min(0, 'must not be below 0').max(1e9, 'is too large')),
})
const evidence = rules
  .object({
    name: rules.text(1, 200),
    // A gate may ask for an exit code that has passed: nobody's word stands in for it.
    kind: rules.text(1, 50).refine((kind) => kind.trim() !== 'EXIT_CODE', 'is told by the server alone'),
    passed: z.boolean(),
    detail: rules.optional(rules.json),
  })
  .transform(({ detail = null, ...rest }) => ({ ...rest, detail }))

// oxlint-disable-next-line no-control-regex
const UNUSABLE = /[\u0000-\u001f\u007f\\\ufffd]/
const isPlace = (name: string): boolean =>
  !UNUSABLE.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')

const file = rules
  .object({
    name: rules.text(1, 500).refine(isPlace, 'must be a relative path with `/`, without `..` and control characters'),
    text: rules.optional(z.string().refine((text) => text.isWellFormed(), 'holds half a surrogate pair')),
    base64: rules.optional(z.base64('is not base64')),
    kind: rules.optional(z.enum(['FILE', 'PATCH', 'REPORT', 'JSON'])),
    mediaType: rules.optional(
      z
        .string()
        .max(200, 'is longer than 200 characters')
        .regex(/^[\w.+-]+\/[\w.+-]+(; ?[\w=.-]+)?$/, 'is not a media type such as text/plain'),
    ),
  })
  .refine(({ text, base64 }) => (text === undefined) !== (base64 === undefined), 'must have either text or base64')
  .transform(({ text = '', base64 = Buffer.from(text).toString('base64'), ...rest }) => ({ ...rest, base64 }))

/** What is wrong with one of them is told beside what is wrong with all. */
const files = z
  .array(file)
  .max(MOST.files, `are more than ${MOST.files}: pack them`)
  .refine(
    (list) => list.reduce((sum, { base64 }) => sum + (base64?.length ?? 0) * 0.75, 0) <= MOST.fileBytes,
    `are larger than ${MOST.fileBytes} bytes together`,
  )
  .refine(
    (list) =>
      list.every(({ name }, at) => list.every((one, other) => at === other || !`${one.name}/`.startsWith(`${name}/`))),
    'must have names of their own, none of them the folder of another one',
  )

const withReplayed: SuccessFields<{ replayed: boolean }> = (t) => ({
  replayed: t.exposeBoolean('replayed', { description: 'Whether the same had been reported before.' }),
})

/** @throws Refused */
async function report(context: Context, input: { attempt: string; fence: number }, report: WorkReport) {
  const heard = await context.claims.report(holderOf(context, input), report)
  if (heard.kind === 'HELD') return { replayed: false }
  if (heard.kind !== 'REPORTED') throw refusalOf(heard)
  if (heard.same) return { replayed: true }
  throw conflict('Something else was reported of this work already: the first report counts.')
}

mutation('completeWork', {
  needs: 'AGENT',
  description:
    'Hands in the result of work, or a question for a person in its place: once, the same again is answered alike. Its gates still have to accept it.',
  errors: [StaleLeaseError],
  input: (t) => ({
    ...held(t),
    summary: t.string({
      description: `One line for a person, at most ${MOST.line} characters; wanted of every result.`,
    }),
    output: t.field({ type: 'JSON', description: 'Any JSON of at most 256 KiB; what comes after gets it.' }),
    evidence: t.field({ type: [EvidenceInput], description: `What was checked; at most ${MOST.evidence}.` }),
    files: t.field({
      type: [FileInput],
      description: `Results as files: at most ${MOST.files}, and together with the rest what a request may hold.`,
    }),
    usage: t.field({ type: UsageInput, description: 'What it has used.' }),
    ask: t.field({ type: AskInput, description: 'In place of all of that, but usage: a question.' }),
  }),
  rules: rules.object({
    ...heldRules,
    summary: rules.optional(rules.text(1, MOST.line)),
    output: rules.optional(rules.json),
    evidence: rules.optional(z.array(evidence).max(MOST.evidence, `are more than ${MOST.evidence}`)),
    files: rules.optional(files),
    usage: rules.optional(usage),
    ask: rules.optional(
      rules.object({
        kind: rules.optional(z.enum(ASKS)),
        question: rules.text(1, MOST.line),
        shown: rules.optional(rules.json),
      }),
    ),
  }),
  success: withReplayed,
  resolve: async ({ attempt, fence, summary, usage = {}, ask, ...result }, context) => {
    if (ask) {
      const [other] = Object.keys({ ...result, ...(summary !== undefined && { summary }) })
      if (other !== undefined) throw invalid([{ path: [other], message: 'does not go with a question' }])
      const { kind = 'QUESTION', question, shown = null } = ask
      return report(context, { attempt, fence }, { kind: 'ASK', ask: { kind, question, shown }, usage })
    }
    if (summary === undefined)
      throw invalid([{ path: ['summary'], message: 'is missing: say in a line what was done' }])
    const { output = null, evidence = [], files = [] } = result
    return report(context, { attempt, fence }, { kind: 'OK', summary, output, evidence, files, usage })
  },
})

mutation('failWork', {
  needs: 'AGENT',
  description:
    'Tells that a worker could not do its work: once, the same again is answered alike. Whether it is tried again is a matter of the class and of the retry policy.',
  errors: [StaleLeaseError],
  input: (t) => ({
    ...held(t),
    class: t.field({ type: FailureEnum, description: 'Why; AGENT if left out.' }),
    message: t.string({
      required: true,
      description: `What went wrong, for a person; at most ${MOST.line} characters.`,
    }),
    usage: t.field({ type: UsageInput, description: 'What it has used.' }),
  }),
  rules: rules.object({
    ...heldRules,
    class: rules.optional(z.enum(FAILURES)),
    message: rules.text(1, MOST.line),
    usage: rules.optional(usage),
  }),
  success: withReplayed,
  resolve: ({ attempt, fence, class: errorClass = 'AGENT', message, usage = {} }, context) =>
    report(context, { attempt, fence }, { kind: 'ERROR', error: { class: errorClass, message }, usage }),
})
