import fc from 'fast-check'
import { executionById, executionsOf } from '../../src/core/draft.ts'
import { type ExecutionState, heldAttempt } from '../../src/core/execution.ts'
import type { Plan } from '../../src/core/plan.ts'
import { ERROR_CLASSES } from '../../src/core/retry.ts'
import { isEnded } from '../../src/core/session.ts'
import type { SessionLimits, SessionState, Step } from '../../src/core/state.ts'
import { MAX_LOST, type Report } from '../../src/core/attempt.ts'
import { type Happening, step } from '../../src/core/step.ts'
import { nextTick } from '../../src/core/tick.ts'
import { checkEnd, checkStep, equal, foldStep, holds, startFacts } from './invariants.ts'
import { CANCELED, type Driven, error, LOST, OK, queued } from './sessions.ts'

/** What a random world does to a session. `pick` chooses among what there is. */
export type Command =
  | { do: 'CLAIM'; pick: number; leaseMs: number }
  | { do: 'REPORT'; pick: number; report: Report; jitter: number }
  /** Somebody reports an attempt of any age, with the right fence or a wrong one. */
  | { do: 'REPEAT'; pick: number; report: Report; fence: number }
  | { do: 'WAIT'; ms: number }
  | { do: 'WAIT_UNTIL_DUE' }
  | { do: 'CANCEL' }
  | { do: 'PLAN' }

const anyReport: fc.Arbitrary<Report> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(OK) },
  { weight: 3, arbitrary: fc.constantFrom(...ERROR_CLASSES).map((errorClass) => error(errorClass)) },
  { weight: 1, arbitrary: fc.constant<Report>({ ...OK, output: null } as Report) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('ATTEMPT' as const, 'IDLE' as const).map((timeout) => {
      return { kind: 'TIMEOUT' as const, timeout, usage: {} }
    }),
  },
  { weight: 1, arbitrary: fc.constant(CANCELED) },
  { weight: 2, arbitrary: fc.constant(LOST) },
)
const pick = fc.nat(1_000)
const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 40, arbitrary: fc.record({ do: fc.constant('CLAIM'), pick, leaseMs: fc.constantFrom(2_000, 600_000) }) },
  { weight: 40, arbitrary: fc.record({ do: fc.constant('REPORT'), pick, report: anyReport, jitter }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('REPEAT'), pick, report: anyReport, fence: fc.constantFrom(-1, 0, 0, 1) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('WAIT'), ms: fc.nat(4_000) }) },
  { weight: 8, arbitrary: fc.constant({ do: 'WAIT_UNTIL_DUE' }) },
  { weight: 1, arbitrary: fc.constant({ do: 'CANCEL' }) },
  { weight: 1, arbitrary: fc.constant({ do: 'PLAN' }) },
) as fc.Arbitrary<Command>

/** What a random world does: at first it mostly lets the session be planned. */
export const anyCommands: fc.Arbitrary<Command[]> = fc
  .tuple(fc.boolean(), fc.array(anyCommand, { maxLength: 50, size: 'max' }))
  .map(([unplanned, commands]) => (unplanned && commands.length % 8 === 0 ? commands : [{ do: 'PLAN' }, ...commands]))

export const anyLimits: fc.Arbitrary<SessionLimits> = fc.record({
  concurrency: fc.constant(5),
  totalMs: fc.constantFrom(60_000, 3_600_000, 7_200_000),
  cancelGraceMs: fc.constantFrom(0, 1_000, 30_000),
})

/** An attempt that was made at some time. */
interface Made {
  executionId: string
  attemptId: string
  fence: number
}

/** A session in a random world. Each of its steps has been held against the rules. */
export interface World extends Driven {
  obey(command: Command): void
  /** Claims and reports everything, and lets time pass where there is nothing to do. */
  work(reports: readonly Report[]): void
  /** Lets time pass, nothing else. */
  letTimePass(): void
}

export function world(plan: Plan, limits: SessionLimits, carried?: Readonly<Record<string, ExecutionState>>): World {
  const session = queued(plan, limits)
  const made: Made[] = []
  const facts = startFacts()
  foldStep(facts, undefined, session.last, session)

  const act = (happening: () => Step, allowed: boolean): Step => {
    const before = session.state
    const after = happening()
    checkStep(before, after, allowed)
    foldStep(facts, before, after, session)
    return after
  }
  const perform = (happening: Happening, allowed: boolean): void => {
    const before = session.state
    const result = act(() => session.happen(happening), allowed)
    equal(step(before, happening, session.now), result, 'a step of the same is the same')
  }
  const claim = (execution: ExecutionState, leaseMs: number): void => {
    const allowed =
      session.state.status === 'RUNNING' && execution.status === 'READY' && hasRoom(session.state, execution)
    act(() => session.claim(execution.key, leaseMs), allowed)
    if (!allowed) return
    const { id: attemptId, fence } = session.attempt(execution.key)
    made.push({ executionId: execution.id, attemptId, fence })
  }
  const report = ({ executionId, attemptId, fence }: Made, given: Report, chance: number): void => {
    const execution = executionById(session.state, executionId)
    const held = execution && heldAttempt(execution)
    const allowed = !isEnded(session.state.status) && held?.id === attemptId && held.fence === fence
    perform({ type: 'REPORT', executionId, attemptId, fence, report: given, jitter: chance }, allowed)
  }
  const tick = (ms: number): void => {
    const due = nextTick(session.state)
    session.wait(ms)
    const { now } = session
    act(() => session.happen({ type: 'TICK' }), !isEnded(session.state.status))
    // The alarm neither rings in vain nor too late.
    equal(session.last.events.length > 0, due !== undefined && now >= due, 'a tick at nextTick does something')
  }
  const waitUntilDue = (): void => tick(Math.max(0, (nextTick(session.state) ?? session.now) - session.now))
  const held = (): Made[] =>
    executionsOf(session.state).flatMap((execution) => {
      const attempt = heldAttempt(execution)
      return attempt ? [{ executionId: execution.id, attemptId: attempt.id, fence: attempt.fence }] : []
    })
  const makePlan = (): void => {
    act(() => session.plan(carried), session.state.status === 'QUEUED')
  }

  const obey = (command: Command): void => {
    if (command.do === 'PLAN') makePlan()
    if (command.do === 'CANCEL') {
      const allowed = !isEnded(session.state.status) && session.state.status !== 'CANCELING'
      perform({ type: 'CANCEL', reason: 'chance' }, allowed)
    }
    if (command.do === 'WAIT') tick(command.ms)
    if (command.do === 'WAIT_UNTIL_DUE') waitUntilDue()
    if (command.do === 'CLAIM') {
      const all = executionsOf(session.state)
      const ready = all.filter(({ status }) => status === 'READY')
      // Mostly what can be claimed, now and then what cannot.
      const chosen = choose(command.pick % 5 > 0 && ready.length > 0 ? ready : all, command.pick)
      if (chosen) claim(chosen, command.leaseMs)
    }
    if (command.do === 'REPORT') {
      const chosen = choose(held(), command.pick)
      if (chosen) report(chosen, command.report, command.jitter)
    }
    if (command.do === 'REPEAT') {
      const chosen = choose(made, command.pick)
      if (chosen) report({ ...chosen, fence: chosen.fence + command.fence }, command.report, 0.5)
    }
  }

  return Object.assign(Object.create(session) as Driven, {
    obey,
    work(reports: readonly Report[]) {
      if (session.state.status === 'QUEUED') makePlan()
      const most = plan.nodes.reduce((sum, { retry }) => sum + 4 * (retry.maxAttempts + MAX_LOST), 2)
      for (let turn = 0; !isEnded(session.state.status); turn++) {
        holds(turn < most, 'the session comes to its end')
        const ready = executionsOf(session.state).filter(({ status }) => status === 'READY')
        for (const execution of ready) claim(execution, 600_000)
        const running = held()
        for (const attempt of running) report(attempt, choose(reports, turn) as Report, 0.5)
        if (running.length === 0) waitUntilDue()
      }
      checkEnd(session)
    },
    letTimePass() {
      if (session.state.status === 'QUEUED') makePlan()
      const most = plan.nodes.reduce((sum, { retry }) => sum + 4 * (retry.maxAttempts + MAX_LOST), 2)
      for (let turn = 0; !isEnded(session.state.status); turn++) {
        holds(turn < most, 'the session comes to its end')
        waitUntilDue()
      }
      checkEnd(session)
    },
  })
}

/** Rule 5, said once more. */
function hasRoom(state: SessionState, { position }: ExecutionState): boolean {
  const held = executionsOf(state).filter((execution) => heldAttempt(execution))
  const groupAt = (at: number): string => (state.plan.nodes[at] as Plan['nodes'][number]).group
  const group = state.plan.groups.find(({ key }) => key === groupAt(position)) as Plan['groups'][number]
  const inGroup = held.filter((execution) => groupAt(execution.position) === group.key)
  return held.length < state.limits.concurrency && inGroup.length < group.concurrency
}

function choose<T>(among: readonly T[], number: number): T | undefined {
  return among.length > 0 ? among[number % among.length] : undefined
}
