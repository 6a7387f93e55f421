import { budgetOf } from '../../src/core/budget.ts'
import { executionOf, executionsOf } from '../../src/core/draft.ts'
import type { Event } from '../../src/core/event.ts'
import type { AttemptState, ExecutionState, ExecutionStatus } from '../../src/core/execution.ts'
import type { Json } from '../../src/core/json.ts'
import type { Gate, Verdict } from '../../src/core/gate.ts'
import type { Answer, Choice, InterruptState } from '../../src/core/interrupt.ts'
import { type CompileOptions, compile, DEFAULT_COMPILE } from '../../src/core/pattern.ts'
import type { Pattern, Plan, SubTask } from '../../src/core/plan.ts'
import type { ErrorClass } from '../../src/core/retry.ts'
import {
  DEFAULT_LIMITS,
  DEFAULT_POLICY,
  type Effect,
  type SessionLimits,
  type SessionPolicy,
  type SessionState,
  type Step,
} from '../../src/core/state.ts'
import type { Report } from '../../src/core/attempt.ts'
import { type Happening, open, type Opening, step } from '../../src/core/step.ts'
import type { Answering } from '../../src/core/answer.ts'

/** When every session of these tests begins. */
export const BEGIN = Date.UTC(2026, 0, 1)
export const MINUTE = 60_000

/** A sub-task of which only what matters is said. */
export function part(key: string, change: Partial<SubTask> = {}): SubTask {
  return { key, title: `Do ${key}`, description: '', capabilities: [], dependsOn: [], ...change }
}

/** A plan of parts of which nobody needs to know more than their keys. */
export function planOf(
  pattern: Pattern,
  parts: readonly (string | SubTask)[],
  options: Partial<CompileOptions> = {},
): Plan {
  const subTasks = parts.map((given) => (typeof given === 'string' ? part(given) : given))
  return compile(subTasks, pattern, { ...DEFAULT_COMPILE, ...options })
}

/** The same plan with every group failing fast, or none. */
export function failing(plan: Plan, onFailure: 'FAIL_FAST' | 'CONTINUE'): Plan {
  return { ...plan, groups: plan.groups.map((group) => ({ ...group, onFailure })) }
}

export const OK: Report = { kind: 'OK', output: 'done', summary: 'Did it', evidence: [], artifacts: 0, usage: {} }
export const CANCELED: Report = { kind: 'CANCELED', usage: {} }
export const LOST: Report = { kind: 'LOST' }
export const ok = (output: Json): Report => ({ ...OK, output })
export const error = (errorClass: ErrorClass, message = `it is ${errorClass}`): Report => {
  return { kind: 'ERROR', error: { class: errorClass, message }, evidence: [], usage: {} }
}

/** An agent says that it is done, and nothing has happened. */
export const nothing = (why = 'no file has changed', evidence: Json = []): Report => {
  return { kind: 'NOTHING', why, evidence, usage: {} }
}

/** An agent needs something of a person. */
export const asks = (kind: 'QUESTION' | 'AUTH' = 'QUESTION', question = 'Which one?'): Report => {
  return { kind: 'ASK', ask: { kind, question, shown: { options: ['x', 'y'] } }, usage: {} }
}
/** A gate that somebody has to look at. */
export const COMMAND = { kind: 'COMMAND', command: 'check' } as const satisfies Gate
export const PERSON = { kind: 'PERSON', question: 'Is it good?' } as const satisfies Gate
export const JUDGE = { kind: 'JUDGE', criteria: 'it is good' } as const satisfies Gate
export const ACCEPT: Verdict = { kind: 'ACCEPT' }
export const rejects = (feedback = 'not good'): Verdict => ({ kind: 'REJECT', feedback })
export const errs = (message = 'no disk'): Verdict => ({ kind: 'ERROR', message })

/** A session of one part whose result has to pass these gates. */
export function gated(gates: readonly Gate[], change: Partial<SubTask> = {}): Driven {
  return running(planOf('SEQUENTIAL', [part('a', { gates, ...change })]))
}

/** A session of one part whose agent has asked. */
export function asking(kind: 'QUESTION' | 'AUTH' = 'QUESTION', change: Partial<SubTask> = {}): Driven {
  const session = running(planOf('SEQUENTIAL', [part('a', change)]))
  session.do('a', asks(kind))
  return session
}

/** A session that has reached a soft limit while nothing runs. */
export function overSoft(): Driven {
  const budget = budgetOf({ TOKENS: { soft: 5, hard: 100 } })
  const session = running(planOf('SEQUENTIAL', ['a', 'b']), {}, { budget })
  session.do('a', { ...OK, usage: { inputTokens: 5 } } as typeof OK)
  return session
}

/** A session of a policy. */
export function withPolicy(change: Partial<SessionPolicy>): Partial<Opening> {
  return { policy: { ...DEFAULT_POLICY, ...change } }
}

/** Freezes a value through and through, so that whoever changes it fails. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) deepFreeze(member)
  }
  return value
}

/** A session that is driven by hand. Every state that it was in is frozen. */
export interface Driven {
  readonly state: SessionState
  readonly now: number
  /** All events so far. */
  readonly events: Event[]
  /** All effects so far. */
  readonly effects: Effect[]
  readonly last: Step
  execution(key: string): ExecutionState
  attempt(key: string): AttemptState
  /** Statuses by key, in the plan's order. */
  statuses(): [key: string, status: ExecutionStatus][]
  happen(happening: Happening): Step
  plan(carried?: Readonly<Record<string, ExecutionState>>): Step
  claim(key: string, leaseMs?: number): Step
  report(key: string, report: Report, jitter?: number): Step
  /** Claims and reports at once. */
  do(key: string, report?: Report): Step
  cancel(reason?: string): Step
  /** The gate that is awaited gives its verdict. */
  verdict(key: string, verdict: Verdict, evidence?: Json): Step
  /** The last interrupt that was raised. */
  readonly asked: InterruptState
  /** Somebody answers it who may, unless something else is said. */
  answer(choice: Choice, more?: Omit<Answer, 'choice'>, change?: Partial<Answering>): Step
  pause(reason?: string): Step
  resume(): Step
  input(text: string): Step
  /** Lets time pass, then ticks. */
  after(ms: number): Step
  /** Lets time pass, nothing else. */
  wait(ms: number): void
}

/** A session of a plan: QUEUED. */
export function queued(plan: Plan, limits: Partial<SessionLimits> = {}, change: Partial<Opening> = {}): Driven {
  const opening: Opening = {
    id: 'session',
    projectId: 'project',
    taskId: 'task',
    pattern: plan.pattern,
    priority: 0,
    plan,
    limits: { ...DEFAULT_LIMITS, ...limits },
    ...change,
  }
  let now = BEGIN
  let attempts = 0
  let last = deepFreeze(open(deepFreeze(opening), now))
  const events = [...last.events]
  const effects = [...last.effects]
  const happen = (happening: Happening): Step => {
    last = deepFreeze(step(last.state, deepFreeze(happening), now))
    events.push(...last.events)
    effects.push(...last.effects)
    return last
  }
  const driven: Driven = {
    get state() {
      return last.state
    },
    get now() {
      return now
    },
    get last() {
      return last
    },
    events,
    effects,
    happen,
    execution: (key) => executionOf(last.state, key),
    attempt: (key) => executionOf(last.state, key).current as AttemptState,
    statuses: () => executionsOf(last.state).map(({ key, status }) => [key, status]),
    plan: (carried) => {
      const executionIds = Object.fromEntries(plan.nodes.map(({ key }) => [key, idOf(key)]))
      return happen({ type: 'PLAN', executionIds, ...(carried && { carried }) })
    },
    claim: (key, leaseMs = 10 * MINUTE) => {
      attempts += 1
      const attempt = { id: `attempt-${attempts}`, agentId: 'agent', agentVersion: 1, owner: 'server' }
      return happen({
        type: 'CLAIM',
        executionId: idOf(key),
        attempt: { ...attempt, leaseUntil: now + leaseMs },
        selection: { score: 1 },
      })
    },
    report: (key, report, jitter = 0.5) => {
      const { id: attemptId, fence } = driven.attempt(key)
      return happen({ type: 'REPORT', executionId: idOf(key), attemptId, fence, report, jitter })
    },
    do: (key, report = OK) => {
      driven.claim(key)
      return driven.report(key, report)
    },
    cancel: (reason = 'no longer wanted') => happen({ type: 'CANCEL', reason }),
    verdict: (key, verdict, evidence = null) => {
      const { id: executionId, current, gate = 0, gateErrors: errors = 0 } = driven.execution(key)
      const attemptId = current?.id ?? executionId
      return happen({ type: 'VERDICT', executionId, attemptId, gate, errors, verdict, evidence })
    },
    get asked() {
      return last.state.interrupts.at(-1) as InterruptState
    },
    answer: (choice, more = {}, change = {}) => {
      const { id: interruptId, role } = driven.asked
      return happen({ type: 'ANSWER', interruptId, answer: { choice, ...more }, by: 'ada', roles: [role], ...change })
    },
    pause: (reason = 'lunch') => happen({ type: 'PAUSE', reason }),
    resume: () => happen({ type: 'RESUME' }),
    input: (text) => happen({ type: 'INPUT', text, by: 'ada' }),
    after: (ms) => {
      now += ms
      return happen({ type: 'TICK' })
    },
    wait: (ms) => {
      now += ms
    },
  }
  return driven
}

/** A session whose plan is made: RUNNING. */
export function running(plan: Plan, limits: Partial<SessionLimits> = {}, change: Partial<Opening> = {}): Driven {
  const driven = queued(plan, limits, change)
  driven.plan()
  return driven
}

export const idOf = (key: string): string => `execution ${key}`
export const types = (step: Step): string[] => step.events.map(({ type }) => type)
