import { type Draft, emit, executionById, executionOf, forget, moveExecution } from './draft.ts'
import type { EventType } from './event.ts'
import type { Role } from './gate.ts'
import { hash, idFrom } from './hash.ts'
import type { Answer, Choice, InterruptKind, InterruptState } from './interrupt.ts'
import type { Json } from './json.ts'

/** What is asked of a person. */
export interface Asking {
  kind: InterruptKind
  executionId?: string
  question: string
  shown: Json
  choices: readonly Choice[]
  onExpiry: Answer
  about?: InterruptState['about']
  role?: Role
  /** Milliseconds; the session's policy says how long where this does not. */
  expiresMs?: number
}

/** Asks a person. Returns the id of the interrupt. */
export function raise(d: Draft, asking: Asking): string {
  const { executionId, expiresMs = d.state.policy.interruptMs, role = 'APPROVER', about = {}, ...rest } = asking
  const seq = d.state.seq + 1
  const id = idFrom(d.state.id, 'interrupt', seq)
  const interrupt: InterruptState = {
    ...rest,
    id,
    seq,
    status: 'OPEN',
    ...(executionId !== undefined && { executionId }),
    shownHash: hash(asking.shown),
    role,
    about,
    createdAt: d.now,
    expiresAt: d.now + expiresMs,
    escalatesAt: d.now + Math.ceil(expiresMs / 2),
    escalated: false,
  }
  d.state.interrupts = [...d.state.interrupts, interrupt]
  const { kind, question } = asking
  tell(d, 'INTERRUPT_RAISED', interrupt, { kind, question, role })
  return id
}

/** The interrupts that wait for an answer. */
export function openInterrupts({ state }: Pick<Draft, 'state'>): InterruptState[] {
  return state.interrupts.filter(({ status }) => status === 'OPEN')
}

/** Changes what is known of an interrupt. */
export function changeInterrupt(d: Draft, id: string, change: Partial<InterruptState>): void {
  d.state.interrupts = d.state.interrupts.map((interrupt) =>
    interrupt.id === id ? { ...interrupt, ...change } : interrupt,
  )
}

/** What open interrupts were about is no longer so: nobody needs to answer them. */
export function voidInterrupts(
  d: Draft,
  why: string,
  which: (interrupt: InterruptState) => boolean = () => true,
): void {
  for (const interrupt of openInterrupts(d).filter(which)) {
    changeInterrupt(d, interrupt.id, { status: 'VOID' })
    tell(d, 'INTERRUPT_VOID', interrupt, { why })
  }
}

/** An execution waits no longer for the answer to an interrupt. */
export function waitNoLonger(d: Draft, key: string, why: string): void {
  const { interruptId } = executionOf(d.state, key)
  if (interruptId === undefined) return
  voidInterrupts(d, why, ({ id }) => id === interruptId)
  forget(d, key, 'interruptId')
}

/** Asks a person about an execution, which waits for the answer. */
export function waitForAnswer(d: Draft, key: string, asking: Omit<Asking, 'executionId'>): void {
  const interruptId = raise(d, { ...asking, executionId: executionOf(d.state, key).id })
  moveExecution(d, key, 'WAIT', { interruptId }, { interruptId })
}

/** Tells something of an interrupt. */
export function tell(
  d: Draft,
  type: EventType,
  { id, executionId }: Pick<InterruptState, 'id' | 'executionId'>,
  data: { [key: string]: Json },
): void {
  emit(d, type, { interruptId: id, ...data }, executionId === undefined ? {} : { executionId })
}

/** The key of the execution that an interrupt is about. */
export function keyOf(d: Draft, { executionId = '' }: InterruptState): string | undefined {
  return executionById(d.state, executionId)?.key
}
