import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Report } from '../../src/core/attempt.ts'
import { EXECUTION_TABLE, type ExecutionStatus } from '../../src/core/execution.ts'
import { SESSION_TABLE, type SessionStatus } from '../../src/core/session.ts'
import { DEFAULT_LIMITS } from '../../src/core/state.ts'
import { anyBudget, anyCommands, anyLimits, anyPolicy, type Command } from './commands.ts'
import { type Beginning, type World, world } from './model.ts'
import { anyFullPlan, anyPlan, anyWildPlan } from './plans.ts'
import './seed.ts'
import { asks, CANCELED, error, failing, LOST, nothing, OK, ok, part, planOf } from './sessions.ts'
import { endsFrom } from './table.ts'

/** Moves that sessions and executions have made in all of these worlds. */
const moves = new Set<string>()
function noteMoves({ facts }: World): void {
  for (const move of facts.moves) moves.add(move)
}

/** Counts what random worlds have come to, so that a test that never gets anywhere is found out. */
function tally(): { note(types: Iterable<string>): void; seen: Map<string, number> } {
  const seen = new Map<string, number>()
  return {
    seen,
    note(types) {
      for (const type of types) seen.set(type, (seen.get(type) ?? 0) + 1)
    },
  }
}

const anyBeginning: fc.Arbitrary<Beginning> = fc
  .record({
    limits: anyLimits,
    policy: anyPolicy,
    budget: anyBudget,
    commit: fc.constantFrom(undefined, 'begin'),
    parent: fc.constantFrom(undefined, undefined, 'parent'),
  })
  .map(({ commit, parent, ...given }) => ({
    ...given,
    ...(commit !== undefined && { commit }),
    ...(parent !== undefined && { parentSessionId: parent }),
  }))

/** One attempt at what can be claimed first. */
function performs(session: World, report: Report, ledger: 'DELEGATE' | 'SATISFIED' = 'SATISFIED'): void {
  session.obey({ do: 'CLAIM', pick: 1, leaseMs: 600_000 })
  session.obey({ do: 'REPORT', pick: 0, report, uses: 0.5, jitter: 0.5, ledger })
}

const EVERYTHING = [
  'SESSION_SUCCEEDED',
  'SESSION_PARTIAL',
  'SESSION_FAILED',
  'SESSION_CANCELED',
  'SESSION_TIMED_OUT',
  'SESSION_ROLLED_BACK',
  'ATTEMPT_LATE',
  'VERDICT_GIVEN',
  'INTERRUPT_ANSWERED',
  'INTERRUPT_EXPIRED',
  'INTERRUPT_ESCALATED',
  'INTERRUPT_VOID',
  'BUDGET_REACHED',
  'BUDGET_RAISED',
  'INPUT_RECEIVED',
  'ROUND_JUDGED',
  'PLAN_CHANGED',
  'CHILD_ENDED',
  'WORKSPACE_RESTORED',
]

describe('a session, whatever happens to it in whatever order,', () => {
  it('keeps every rule at every step and ends when its work is done', () => {
    const { note, seen } = tally()
    fc.assert(
      fc.property(anyWildPlan, anyBeginning, anyCommands, (plan, beginning, commands: Command[]) => {
        const session = world(plan, beginning)
        for (const command of commands) session.obey(command)
        session.work([ok({ a: 1 })])
        noteMoves(session)
        note(new Set(session.events.map(({ type }) => type)))
      }),
      { numRuns: 300 },
    )
    expect([...seen.keys()]).toEqual(expect.arrayContaining(EVERYTHING))
  })

  it('ends when time alone goes on and nobody reports any more', () => {
    const { note, seen } = tally()
    fc.assert(
      fc.property(anyWildPlan, anyBeginning, anyCommands, (plan, beginning, commands: Command[]) => {
        const session = world(plan, beginning)
        for (const command of commands) session.obey(command)
        session.letTimePass()
        noteMoves(session)
        note([session.state.status])
      }),
      { numRuns: 200 },
    )
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['FAILED', 'CANCELED', 'TIMED_OUT', 'ROLLED_BACK']))
  })

  it('is rolled back whenever that is wanted, and undoes what it can', () => {
    const { note, seen } = tally()
    const ask: Report = { kind: 'ASK', ask: { kind: 'QUESTION', question: 'How?', shown: null }, usage: {} }
    const anyReports = fc.shuffledSubarray([ask, error('AUTH'), error('AGENT'), LOST], { minLength: 1 })
    fc.assert(
      fc.property(anyWildPlan, anyBeginning, anyCommands, anyReports, (plan, beginning, commands, reports) => {
        const session = world(plan, beginning)
        for (const command of commands) session.obey(command)
        session.obey({ do: 'ROLL_BACK', pick: commands.length })
        session.work([ok({ a: 1 }), ok({ a: 1 }), ...reports])
        noteMoves(session)
        note([session.state.status, ...session.facts.executions.values()])
      }),
      { numRuns: 250 },
    )
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['ROLLED_BACK', 'COMPENSATED']))
    expect(seen.get('ROLLED_BACK')).toBeGreaterThan(50)
  })

  it('E95: asks what becomes of a compensation whose own question nobody has answered', () => {
    const undone = part('a', { compensation: { title: 'Take it back' } })
    const session = world(planOf('SEQUENTIAL', [undone, part('b')]))
    session.obey({ do: 'PLAN' })
    performs(session, OK)
    session.obey({ do: 'ROLL_BACK', pick: 0 })
    performs(session, asks())
    session.letTimePass()
    noteMoves(session)
    expect(session.state).toMatchObject({
      status: 'ROLLED_BACK',
      interrupts: [{ about: {} }, { about: { undo: 'a' } }],
    })
  })

  it('E95: has FAILED once a person gives up undoing', () => {
    const session = world(planOf('SEQUENTIAL', [part('a', { compensation: { title: 'Take it back' } }), part('b')]))
    session.obey({ do: 'PLAN' })
    performs(session, OK)
    session.obey({ do: 'ROLL_BACK', pick: 0 })
    performs(session, error('VALIDATION'))
    expect(session.state.interrupts).toMatchObject([{ status: 'OPEN', choices: ['RETRY', 'SKIP', 'STOP'] }])
    session.obey({ do: 'ANSWER', pick: 1, choice: 2, role: 'RIGHT', shown: 'RIGHT' })
    noteMoves(session)
    expect(session.state).toMatchObject({ status: 'FAILED', interrupts: [{ answer: { choice: 'STOP' } }] })
  })

  it('E46: skips what waits for its next attempt once its group fails fast', () => {
    const session = world(failing(planOf('PARALLEL', ['a', 'b']), 'FAIL_FAST'))
    session.obey({ do: 'PLAN' })
    performs(session, error('CRASH'))
    performs(session, error('VALIDATION'))
    noteMoves(session)
    expect(session.state.executions).toMatchObject({ a: { status: 'FAILED' }, b: { status: 'SKIPPED', attempt: 1 } })
  })

  it('E46: skips what is being looked at once its group fails fast', () => {
    const looked = part('b', { gates: [{ kind: 'COMMAND', command: 'check' }] })
    const session = world(failing(planOf('PARALLEL', [part('a'), looked]), 'FAIL_FAST'))
    session.obey({ do: 'PLAN' })
    performs(session, OK)
    expect(session.state.executions).toMatchObject({ b: { status: 'VALIDATING' } })
    performs(session, error('VALIDATION'))
    noteMoves(session)
    expect(session.state.executions).toMatchObject({ a: { status: 'FAILED' }, b: { status: 'SKIPPED' } })
  })

  it('E95: asks what becomes of a compensation that nobody takes', () => {
    const session = world(planOf('SEQUENTIAL', [part('a', { compensation: { title: 'Take it back' } }), part('b')]))
    session.obey({ do: 'PLAN' })
    performs(session, OK)
    session.obey({ do: 'ROLL_BACK', pick: 0 })
    session.letTimePass()
    noteMoves(session)
    expect(session.state).toMatchObject({ status: 'ROLLED_BACK', interrupts: [{ about: { undo: 'a' } }] })
  })

  it('E14: skips at once what a manager delegates on top of what has failed', () => {
    const manager = { maxRounds: 3, maxReplans: 0, maxStalls: 3, maxChildren: 20 }
    const session = world(planOf('HIERARCHICAL', [part('a')], { aggregate: 'NONE', manager }))
    session.obey({ do: 'PLAN' })
    performs(session, OK, 'DELEGATE')
    while (session.state.executions['manage-2']?.status !== 'READY') performs(session, error('VALIDATION'))
    performs(session, OK, 'DELEGATE')
    noteMoves(session)
    expect([...session.facts.moves]).toContain('execution PENDING > SKIPPED')
  })

  it('ends when every attempt goes wrong, each in another way', () => {
    const wrongs = [LOST, error('AGENT'), CANCELED, ok(''), nothing(), error('AUTH'), error('LOST')]
    fc.assert(
      fc.property(anyPlan, anyLimits, fc.shuffledSubarray(wrongs, { minLength: 1 }), (plan, limits, reports) => {
        const session = world(plan, { limits })
        session.work(reports)
        noteMoves(session)
        expect(session.state.status).not.toBe('SUCCEEDED')
      }),
      { numRuns: 100 },
    )
  })

  it('SUCCEEDED when every attempt goes well', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const session = world(plan, { limits: { ...DEFAULT_LIMITS, totalMs: 60_000 } })
        session.work([OK])
        expect(session.state.status).toBe('SUCCEEDED')
        expect(session.events.filter(({ type }) => type === 'ATTEMPT_STARTED').length).toBe(
          plan.nodes.filter(({ kind }) => kind === 'TASK').length,
        )
      }),
    )
  })

  it('SUCCEEDED when all goes well, whatever was asked for', () => {
    fc.assert(
      fc.property(anyFullPlan, (plan) => {
        const session = world(plan)
        session.work([ok({ a: 1 })])
        // A manager that goes on delegating is ended by its own limits.
        expect(session.state.status).toBe(plan.manager ? 'PARTIAL' : 'SUCCEEDED')
      }),
      { numRuns: 60 },
    )
  })

  it('goes on from what an earlier session of its plan has accepted, and does none of it again', () => {
    const { note, seen } = tally()
    fc.assert(
      fc.property(anyPlan, anyLimits, anyCommands, (plan, limits, commands: Command[]) => {
        const earlier = world(plan, { limits })
        for (const command of commands) earlier.obey(command)
        earlier.letTimePass()
        const statusOf = (key: string): ExecutionStatus | undefined =>
          Object.hasOwn(earlier.state.executions, key) ? earlier.state.executions[key]?.status : undefined
        const stands = new Set<string>()
        for (const { key, after } of plan.nodes) {
          if (statusOf(key) === 'ACCEPTED' && after.every((before) => stands.has(before))) stands.add(key)
        }
        const session = world(plan, { limits: DEFAULT_LIMITS, carried: earlier.state.executions })
        session.work([OK])
        noteMoves(session)
        expect(session.state.status).toBe('SUCCEEDED')
        for (const { key, kind } of plan.nodes) {
          const { attempt = 0, carriedId } = session.state.executions[key] ?? {}
          expect([key, attempt, carriedId !== undefined]).toEqual([
            key,
            stands.has(key) || kind === 'COLLECT' ? 0 : 1,
            stands.has(key),
          ])
        }
        note([stands.size === 0 ? 'nothing' : stands.size < plan.nodes.length ? 'some' : 'all'])
      }),
      { numRuns: 120 },
    )
    expect(seen.get('some')).toBeGreaterThan(10)
  })
})

// It comes last: the worlds of all the tests before count.
it('E4, E9: makes every move of both tables, and no other', () => {
  const sessions = (Object.keys(SESSION_TABLE) as SessionStatus[]).flatMap((from) =>
    endsFrom(SESSION_TABLE, from).map((to) => `${from} > ${to}`),
  )
  const executions = (Object.keys(EXECUTION_TABLE) as ExecutionStatus[]).flatMap((from) =>
    endsFrom(EXECUTION_TABLE, from).map((to) => `execution ${from} > ${to}`),
  )
  expect([...moves].toSorted()).toEqual([...sessions, ...executions].toSorted())
})
