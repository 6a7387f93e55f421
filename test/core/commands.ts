import fc from 'fast-check'
import type { Report } from '../../src/core/attempt.ts'
import { budgetOf, type Budget } from '../../src/core/budget.ts'
import type { Verdict } from '../../src/core/gate.ts'
import { ERROR_CLASSES } from '../../src/core/retry.ts'
import type { SessionStatus } from '../../src/core/session.ts'
import { INPUT_POLICIES, type SessionLimits, type SessionPolicy } from '../../src/core/state.ts'
import { CANCELED, error, LOST, ok } from './sessions.ts'

/** What a manager puts out. */
export type LedgerCommand = 'NONSENSE' | 'SATISFIED' | 'DELEGATE' | 'CHILD' | 'STALLED'

/** What a random world does to a session. `pick` chooses among what there is. */
export type Command =
  | { do: 'CLAIM'; pick: number; leaseMs: number }
  /** `uses`: how much of what was put aside; 1 is all of it. */
  | { do: 'REPORT'; pick: number; report: Report; jitter: number; uses: number; ledger: LedgerCommand }
  /** Somebody reports an attempt of any age, with the right fence or a wrong one. */
  | { do: 'REPEAT'; pick: number; report: Report; fence: number }
  /** By how much gate and errors are wrong, and whether the attempt is. */
  | { do: 'VERDICT'; pick: number; verdict: Verdict; gate: number; errors: number; attempt: boolean }
  | { do: 'ANSWER'; pick: number; choice: number; role: 'RIGHT' | 'ADMIN' | 'WRONG'; shown: 'RIGHT' | 'WRONG' | 'NONE' }
  | { do: 'CHILD'; pick: number; status: SessionStatus; uses: number; wrong: boolean }
  | { do: 'WAIT'; ms: number }
  | { do: 'WAIT_UNTIL_DUE' }
  | { do: 'CANCEL'; reason: string }
  | { do: 'PLAN' }
  | { do: 'PAUSE' }
  | { do: 'RESUME' }
  | { do: 'INPUT' }
  | { do: 'EDIT' }
  | { do: 'ROLL_BACK'; pick: number }
  | { do: 'RESTORED'; error: boolean }

const anyReport: fc.Arbitrary<Report> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(ok({ a: 1 }), ok({ a: 1 }), ok({ b: 1 }), ok({ a: 2 }), ok('done')) },
  { weight: 3, arbitrary: fc.constantFrom(...ERROR_CLASSES).map((errorClass) => error(errorClass)) },
  { weight: 1, arbitrary: fc.constant(ok(null)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('ATTEMPT' as const, 'IDLE' as const).map((timeout) => {
      return { kind: 'TIMEOUT' as const, timeout, usage: {} }
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('QUESTION' as const, 'AUTH' as const).map((kind) => {
      return { kind: 'ASK' as const, ask: { kind, question: 'What now?', shown: null }, usage: {} }
    }),
  },
  { weight: 1, arbitrary: fc.constant(CANCELED) },
  { weight: 2, arbitrary: fc.constantFrom<Report>(LOST, LOST, { kind: 'LOST', meant: true }) },
)
const anyVerdict: fc.Arbitrary<Verdict> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Verdict>({ kind: 'ACCEPT' }) },
  { weight: 3, arbitrary: fc.constant<Verdict>({ kind: 'REJECT', feedback: 'not like this' }) },
  { weight: 3, arbitrary: fc.constant<Verdict>({ kind: 'ERROR', message: 'it could not look' }) },
)

const pick = fc.nat(1_000)
const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const uses = fc.constantFrom(0, 0.3, 0.5, 0.9, 1, 1, 1.5)
/** Mostly none. */
const off = fc.constantFrom(0, 0, 0, 0, 0, 0, 1, -1)
const seldom = fc.nat(9).map((n) => n === 0)
const ledger = fc.constantFrom<LedgerCommand>('DELEGATE', 'DELEGATE', 'CHILD', 'STALLED', 'STALLED', 'SATISFIED', 'NONSENSE') // prettier-ignore
const ends = fc.constantFrom<SessionStatus>('SUCCEEDED', 'SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELED', 'ROLLED_BACK')
const once = (name: string): { weight: number; arbitrary: fc.Arbitrary<unknown> } => {
  return { weight: 1, arbitrary: fc.constant({ do: name }) }
}
const does = <T>(name: Command['do'], members: fc.Arbitrary<T>): fc.Arbitrary<T & { do: string }> =>
  members.map((drawn) => ({ do: name, ...drawn }))

const anyCommand = fc.oneof(
  {
    weight: 40,
    arbitrary: does('CLAIM', fc.record({ pick, leaseMs: fc.constantFrom(2_000, 600_000, 600_000) })),
  },
  { weight: 40, arbitrary: does('REPORT', fc.record({ pick, report: anyReport, jitter, uses, ledger })) },
  { weight: 5, arbitrary: does('REPEAT', fc.record({ pick, report: anyReport, fence: fc.constantFrom(-1, 0, 0, 1) })) },
  {
    weight: 12,
    arbitrary: does('VERDICT', fc.record({ pick, verdict: anyVerdict, gate: off, errors: off, attempt: seldom })),
  },
  {
    weight: 10,
    arbitrary: does(
      'ANSWER',
      fc.record({
        pick,
        choice: fc.nat(20),
        role: fc.constantFrom('RIGHT', 'RIGHT', 'RIGHT', 'ADMIN', 'WRONG'),
        shown: fc.constantFrom('NONE', 'RIGHT', 'RIGHT', 'RIGHT', 'WRONG'),
      }),
    ),
  },
  { weight: 6, arbitrary: does('CHILD', fc.record({ pick, status: ends, uses, wrong: seldom })) },
  { weight: 8, arbitrary: does('WAIT', fc.record({ ms: fc.nat(4_000) })) },
  { weight: 8, arbitrary: fc.constant({ do: 'WAIT_UNTIL_DUE' }) },
  { weight: 1, arbitrary: does('CANCEL', fc.record({ reason: fc.constantFrom('chance', 'there is new input') })) },
  { weight: 2, arbitrary: does('RESTORED', fc.record({ error: fc.boolean() })) },
  { weight: 1, arbitrary: does('ROLL_BACK', fc.record({ pick })) },
  { weight: 3, arbitrary: fc.constant({ do: 'RESUME' }) },
  { weight: 2, arbitrary: fc.constant({ do: 'PAUSE' }) },
  { weight: 2, arbitrary: fc.constant({ do: 'INPUT' }) },
  once('EDIT'),
  once('PLAN'),
) as unknown as fc.Arbitrary<Command>

/** What a random world does: at first it mostly lets the session be planned. */
export const anyCommands: fc.Arbitrary<Command[]> = fc
  .tuple(fc.boolean(), fc.array(anyCommand, { maxLength: 60, size: 'max' }))
  .map(([unplanned, commands]) => (unplanned && commands.length % 8 === 0 ? commands : [{ do: 'PLAN' }, ...commands]))

export const anyLimits: fc.Arbitrary<SessionLimits> = fc
  .record({
    concurrency: fc.constantFrom(1, 2, 5, 5),
    totalMs: fc.constantFrom(60_000, 3_600_000, 7_200_000),
    cancelGraceMs: fc.constantFrom(0, 1_000, 30_000),
  })
  .map((limits) => ({ ...limits, planVersions: limits.concurrency }))

export const anyPolicy: fc.Arbitrary<SessionPolicy> = fc.record({
  input: fc.constantFrom(...INPUT_POLICIES),
  review: fc.constantFrom(false, false, false, true),
  rollback: fc.boolean(),
  snapshots: fc.boolean(),
  close: fc.constantFrom('CANCEL_CHILDREN' as const, 'WAIT' as const, 'ABANDON' as const),
  interruptMs: fc.constantFrom(1_001, 30_000, 86_400_000),
  // What merges is not the machine's to know: see step.merge.test.ts.
  isolation: fc.constant('NONE' as const),
  onConflict: fc.constant('RETRY' as const),
})

const maybe = <T>(amount: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(amount, { nil: undefined, freq: 2 })
const limit = (amounts: readonly number[]) =>
  fc
    .record({ soft: maybe(fc.constantFrom(...amounts)), hard: maybe(fc.constantFrom(...amounts)) })
    .map(({ soft, hard }) => ({ ...(soft !== undefined && { soft }), ...(hard !== undefined && { hard }) }))

/** Every other one has no limits at all. */
export const anyBudget: fc.Arbitrary<Budget> = fc.oneof(
  fc.constant(budgetOf({})),
  fc
    .record({
      TOKENS: limit([1, 30, 100, 1_000]),
      COST: limit([0.000_001, 0.1, 1, 10]),
      WALL_TIME: limit([3_000, 50_000, 600_000]),
      EXECUTIONS: limit([1, 4, 20]),
    })
    .map(budgetOf),
)
