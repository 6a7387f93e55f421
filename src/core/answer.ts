import type { Unit, UnitLimits } from './budget.ts'
import { changeExecution, type Draft, emit, executionOf, forget, moveExecution, moveSession } from './draft.ts'
import type { ExecutionState, Failure } from './execution.ts'
import { fail, giveUp } from './giveUp.ts'
import type { Check, Role } from './gate.ts'
import type { Answer, InterruptState } from './interrupt.ts'
import type { Json } from './json.ts'
import { lay } from './lay.ts'
import { checksOf } from './merge.ts'
import { changeInterrupt, keyOf, tell } from './raise.ts'
import { decideRestore, failRollback } from './rollback.ts'
import { stopAll } from './stop.ts'
import { failForConflict, judged, reject, validate } from './validate.ts'

/** A person's answer. */
export interface Answering {
  interruptId: string
  answer: Answer
  /** Who answers, and in which roles. */
  by: string
  roles: readonly Role[]
  /** Hash of what the person was shown, if they say so. */
  shownHash?: string
  /** PLAN: what the session takes over from the one that it goes on from. */
  carried?: Readonly<Record<string, ExecutionState>>
}

/** An interrupt is answered, exactly once, by somebody who may. Returns why that changes nothing. */
export function answer(d: Draft, answering: Answering): string | undefined {
  const { interruptId, answer, by, roles, shownHash, carried } = answering
  const interrupt = d.state.interrupts.find(({ id }) => id === interruptId)
  if (!interrupt) return 'no such interrupt in this session'
  const { status, role, choices } = interrupt
  if (status !== 'OPEN') return `the interrupt is ${status}${interrupt.answeredBy ? ` by ${interrupt.answeredBy}` : ''}`
  if (!roles.includes(role) && !roles.includes('ADMIN')) return `FORBIDDEN: only ${role} or ADMIN may answer`
  if (shownHash !== undefined && shownHash !== interrupt.shownHash) {
    return 'VOID: what you were shown is not what is asked about now'
  }
  if (!choices.includes(answer.choice)) return `INVALID: the choices are ${choices.join(', ')}`
  if (answer.choice === 'RAISE') {
    const wrong = wrongLimits(d, answer.data)
    if (wrong !== undefined) return `INVALID: ${wrong}`
  }
  changeInterrupt(d, interruptId, { status: 'ANSWERED', answer, answeredBy: by, answeredAt: d.now })
  tell(d, 'INTERRUPT_ANSWERED', interrupt, { choice: answer.choice, by })
  carryOut(d, interrupt, answer, by, carried)
  return undefined
}

/** Nobody has answered in time: the default counts. */
export function expire(d: Draft, interrupt: InterruptState): void {
  const { id, onExpiry } = interrupt
  changeInterrupt(d, id, { status: 'EXPIRED', answer: onExpiry, answeredAt: d.now })
  tell(d, 'INTERRUPT_EXPIRED', interrupt, { choice: onExpiry.choice })
  carryOut(d, interrupt, onExpiry, 'expiry')
}

/** Half of its time has gone by: more people are asked. */
export function escalate(d: Draft, interrupt: InterruptState): void {
  changeInterrupt(d, interrupt.id, { escalated: true })
  tell(d, 'INTERRUPT_ESCALATED', interrupt, { question: interrupt.question })
}

function carryOut(
  d: Draft,
  interrupt: InterruptState,
  answer: Answer,
  by: string,
  carried?: Answering['carried'],
): void {
  const { kind, about } = interrupt
  const key = keyOf(d, interrupt)
  if (kind === 'PLAN') decidePlan(d, answer, by, carried)
  else if (kind === 'BUDGET') decideBudget(d, about.unit as Unit, answer, by)
  else if (key === undefined) decideRestore(d, answer.choice)
  else if (about.undo !== undefined) decideUndo(d, key, answer)
  else if (about.conflict !== undefined) decideConflict(d, key, about.conflict, answer)
  else if (about.gate !== undefined) decideGate(d, key, about.gate, answer, by)
  else decideQuestion(d, key, interrupt, answer)
}

function decidePlan(
  d: Draft,
  { choice, text = 'no reason given' }: Answer,
  by: string,
  carried?: Answering['carried'],
): void {
  if (choice === 'APPROVE') {
    lay(d, {}, carried)
    return
  }
  const reason = `the plan was rejected by ${by}: ${text}`
  moveSession(d, 'CANCEL', { reason, endedAt: d.now }, { reason })
}

function decideBudget(d: Draft, unit: Unit, { choice, data }: Answer, by: string): void {
  if (choice === 'STOP') {
    stopAll(d, 'LIMIT', `BUDGET ${unit}: stopped by ${by}`)
    return
  }
  const raised = choice === 'RAISE' ? (data as unknown as Partial<Record<Unit, UnitLimits>>) : {}
  const budget = { ...d.state.budget }
  // The limit that was reached does not ask again unless it is set anew.
  const { soft: _, ...rest } = budget[unit]
  budget[unit] = rest
  for (const [name, limits] of Object.entries(raised)) budget[name as Unit] = { ...budget[name as Unit], ...limits }
  d.state.budget = budget
  emit(d, 'BUDGET_RAISED', { unit, by, limits: (choice === 'RAISE' ? data : null) as Json })
}

/** Why limits cannot be raised like this; undefined: they can. A child has what its parent gave it. */
function wrongLimits(d: Draft, data: Json | undefined): string | undefined {
  if (!isObject(data) || Object.keys(data).length === 0) return 'data has to give limits by unit'
  const { budget } = d.state
  for (const [unit, limits] of Object.entries(data)) {
    if (!Object.hasOwn(budget, unit)) return `there is no unit ${unit}`
    if (!isObject(limits)) return `${unit} takes an object with soft and hard`
    const { soft, hard, ...rest } = limits
    if (Object.keys(rest).length > 0) return `${unit} takes soft and hard, not ${Object.keys(rest).join(', ')}`
    for (const limit of [soft, hard]) {
      if (limit !== undefined && !(typeof limit === 'number' && Number.isFinite(limit) && limit > 0)) {
        return `limits of ${unit} are numbers above 0`
      }
    }
    const { used, reserved } = budget[unit as Unit]
    if (typeof hard === 'number' && hard < used + reserved) return `${unit}: ${used + reserved} are used or reserved`
    if (hard !== undefined && d.state.parentSessionId !== undefined) {
      return `${unit}: hard limits of a child session are set by its parent`
    }
  }
  return undefined
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decideUndo(d: Draft, key: string, { choice }: Answer): void {
  forget(d, key, 'interruptId')
  if (choice === 'RETRY') {
    forget(d, key, 'error', 'feedback')
    changeExecution(d, key, { counted: 0, lost: 0 })
    becomeReady(d, key)
  } else {
    fail(d, key, executionOf(d.state, key).error as Failure)
    if (choice === 'STOP') failRollback(d)
  }
}

function decideGate(d: Draft, key: string, index: number, { choice, text }: Answer, by: string): void {
  const gate = checksOf(d.state, key)[index] as Check
  forget(d, key, 'interruptId', 'gateErrors')
  moveExecution(d, key, 'VALIDATE')
  const evidence = { by, text: text ?? null }
  if (choice === 'APPROVE') judged(d, key, gate, { kind: 'ACCEPT' }, evidence)
  else if (choice === 'RETRY') validate(d, key)
  else judged(d, key, gate, { kind: 'REJECT', feedback: text ?? `${by} rejected it` }, evidence)
}

function decideConflict(d: Draft, key: string, conflict: string, { choice, text }: Answer): void {
  forget(d, key, 'interruptId')
  moveExecution(d, key, 'VALIDATE')
  const told = text === undefined ? conflict : `${conflict}\n${text}`
  if (choice === 'RETRY') reject(d, key, 'MERGE', told)
  else failForConflict(d, key, told)
}

function decideQuestion(
  d: Draft,
  key: string,
  { kind, question, shown }: InterruptState,
  { choice, text = '', data = null }: Answer,
): void {
  forget(d, key, 'interruptId')
  if (choice === 'ANSWER') {
    const replies = [...(executionOf(d.state, key).replies ?? []), { question, text, data, shown }]
    changeExecution(d, key, { replies })
    becomeReady(d, key)
  } else if (choice === 'RETRY') {
    forget(d, key, 'feedback')
    becomeReady(d, key)
  } else {
    giveUp(d, key, { class: kind === 'AUTH' ? 'AUTH' : 'REJECTED', message: `${question} ${text || choice}` })
  }
}

function becomeReady(d: Draft, key: string): void {
  moveExecution(d, key, 'READY', { readyAt: d.now })
  d.effects.push({ type: 'ENQUEUE', executionId: executionOf(d.state, key).id })
}
