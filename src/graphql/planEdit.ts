import { z } from 'zod'
import type { Refusal } from '../coordinator/coordinator.ts'
import type { PlanEdit } from '../core/edit.ts'
import { builder } from './builder.ts'
import { movedBy, sessionAgain, withSession } from './control.ts'
import { conflict, notFound, refusedBy, type Refused } from './errors.ts'
import { GateInput, pathInInput } from './gate.ts'
import { idOf } from './ids.ts'
import { mutation } from './mutation.ts'
import * as rules from './rules.ts'
import { CHANGEABLE, retryOf, SubTaskInput, subTaskRules } from './subTask.ts'
import { TimeoutsInput } from './timeouts.ts'

const key = rules.text(1, 64)

const RemoveNodeInput = builder.inputType('RemoveNodeInput', {
  description: 'Takes a node out of the plan. Those that wait for it wait for what it waited for instead.',
  fields: (t) => ({ key: t.string({ required: true, description: 'Key of the node.' }) }),
})

const ReplaceNodeInput = builder.inputType('ReplaceNodeInput', {
  description: 'Says anew what a node of the plan is to do; what is left out stays.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'Key of the node.' }),
    title: t.string({ description: 'What is wanted, in one line of 1 to 200 characters.' }),
    description: t.string({ description: 'What is wanted, in full; at most 100,000 bytes.' }),
    capabilities: t.stringList({ description: 'Skills that are needed; at most 50. Replaces all of them.' }),
    agent: t.string({ description: 'Name of the one agent that may do it.' }),
    anyAgent: t.boolean({ description: 'true: from now on any agent that can may do it. Not together with agent.' }),
    input: t.field({ type: 'JSON', description: 'Data for the agent.' }),
    optional: t.boolean({ description: 'Whether the session can be PARTIAL without it.' }),
    timeouts: t.field({ type: TimeoutsInput, description: 'Its own limits of time.' }),
    maxAttempts: t.int({ description: 'Attempts in all, the first one included: 1 to 100.' }),
    gates: t.field({
      type: [GateInput],
      description: 'What its result has to pass; at most 20. Replaces all of them.',
    }),
  }),
})

export const PlanEditInput = builder.inputType('PlanEditInput', {
  description: 'One change of a plan: exactly one of these.',
  isOneOf: true,
  fields: (t) => ({
    remove: t.field({ type: RemoveNodeInput, description: 'Takes a node out.' }),
    replace: t.field({ type: ReplaceNodeInput, description: 'Says anew what a node is to do.' }),
    add: t.field({
      type: SubTaskInput,
      description: 'Puts a part in: it waits for what it depends on, and nothing waits for it but the end.',
    }),
  }),
})

const replaceRules = rules
  .object({
    key,
    title: rules.optional(CHANGEABLE.title),
    description: rules.optional(CHANGEABLE.description),
    capabilities: rules.optional(CHANGEABLE.capabilities),
    agent: rules.optional(rules.name),
    anyAgent: rules.optional(z.boolean()),
    input: rules.optional(CHANGEABLE.input),
    optional: rules.optional(CHANGEABLE.optional),
    timeouts: rules.optional(CHANGEABLE.timeouts),
    maxAttempts: rules.optional(rules.whole(1, 100)),
    gates: rules.optional(CHANGEABLE.gates),
  })
  .refine(({ agent, anyAgent }) => agent === undefined || anyAgent !== true, {
    path: ['anyAgent'],
    message: 'contradicts agent: give one of them',
  })

const editRules = rules
  .object({
    remove: rules.optional(rules.object({ key })),
    replace: rules.optional(replaceRules),
    add: rules.optional(subTaskRules),
  })
  .transform(({ remove, replace, add }): PlanEdit => {
    if (add) return { kind: 'ADD', subTask: add }
    if (!replace) return { kind: 'REMOVE', key: remove?.key ?? '' }
    const { key, anyAgent, maxAttempts, ...rest } = replace
    const changes = { ...rest, ...retryOf(maxAttempts), ...(anyAgent === true && { agent: null }) }
    return { kind: 'REPLACE', key, changes }
  })

export const editsRules = z.array(editRules).max(100, 'are more than 100')

/** Where in the input the core's parts of an edit are. */
const PLACES: Record<PlanEdit['kind'], string> = { REMOVE: 'remove', REPLACE: 'replace', ADD: 'add' }

/** A refusal with the places of its problems in the edits as they were given. */
export function editsRefused(edits: readonly PlanEdit[], refusal: Refusal): Refused {
  if (refusal.kind !== 'INVALID') return refusedBy(refusal)
  const problems = refusal.problems.map(({ path, message }) => {
    const [root = '', index, ...rest] = path
    const edit = root === 'edits' ? edits[Number(index)] : undefined
    if (!edit || index === undefined) return { path, message }
    // The core has what is said below the name of what it is; the input has it one level up.
    const own = pathInInput(rest, edit)
    const isBelow = ['kind', 'subTask', 'changes'].includes(own[0] ?? '')
    return { path: [root, index, PLACES[edit.kind], ...own.slice(isBelow ? 1 : 0)], message }
  })
  return refusedBy({ kind: 'INVALID', problems })
}

mutation('editPlan', {
  needs: 'OPERATOR',
  keyed: sessionAgain,
  audited: 'Session',
  description:
    'Changes a plan that waits for approval, by all edits or by none. It gets a new version, and only that one can be approved from then on.',
  input: (t) => ({
    sessionId: t.id({ required: true, description: 'Global id or UUID of the session, AWAITING_APPROVAL.' }),
    edits: t.field({
      type: [PlanEditInput],
      required: true,
      description: 'What to change, one after the other: 1 to 100.',
    }),
  }),
  rules: rules.object({ sessionId: rules.globalId, edits: editsRules.min(1, 'are none') }),
  success: withSession('The session, which awaits the approval of the new version.'),
  resolve: async ({ sessionId, edits }, { coordinator, viewer }, once) => {
    const result = await coordinator.edit(idOf('Session', sessionId), edits, viewer.name, once)
    if (result.kind !== 'MOVED') throw editsRefused(edits, result)
    return movedBy(result)
  },
})

mutation('approvePlan', {
  needs: 'VIEWER',
  keyed: sessionAgain,
  audited: 'Session',
  description:
    'Approves a plan, so that the session begins: answerInterrupt with APPROVE for its interrupt of kind PLAN, for this version alone.',
  input: (t) => ({
    sessionId: t.id({ required: true, description: 'Global id or UUID of the session, AWAITING_APPROVAL.' }),
    planVersion: t.int({ required: true, description: 'Version of the plan that you have seen, from 1.' }),
  }),
  rules: rules.object({ sessionId: rules.globalId, planVersion: rules.whole(1, 2 ** 31 - 1) }),
  success: withSession('The session, which has begun.'),
  resolve: async ({ sessionId, planVersion }, { coordinator, database, viewer }, once) => {
    const id = idOf('Session', sessionId)
    const session = await database.prisma.session.findUnique({
      where: { id },
      include: { interrupts: { where: { kind: 'PLAN', status: 'OPEN' }, take: 1 } },
    })
    if (!session) throw notFound('Session')
    const [interrupt] = session.interrupts
    if (!interrupt) throw conflict(`No plan waits for approval: the session is ${session.status}.`)
    const { version } = interrupt.shown as { version: number }
    if (version !== planVersion)
      throw conflict(`Version ${version} of the plan waits for approval, not ${planVersion}.`)
    const { id: interruptId, shownHash } = interrupt
    const { name: by, roles } = viewer
    const answering = { interruptId, answer: { choice: 'APPROVE' }, by, roles, shownHash } as const
    return movedBy(await coordinator.answer(answering, once))
  },
})
