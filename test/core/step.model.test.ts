import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Command, anyCommands, anyLimits, world } from './model.ts'
import { anyPlan } from './plans.ts'
import './seed.ts'
import { CANCELED, error, LOST, OK } from './sessions.ts'

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

const EVERYTHING = [
  'SESSION_SUCCEEDED',
  'SESSION_PARTIAL',
  'SESSION_FAILED',
  'SESSION_CANCELED',
  'SESSION_TIMED_OUT',
  'EXECUTION_SKIPPED',
  'EXECUTION_CANCELED',
  'EXECUTION_WAITING',
  'ATTEMPT_LATE',
]

describe('a session, whatever happens to it in whatever order,', () => {
  it('E1, E2, E3, E100, E101: keeps every rule at every step and ends when its work is done', () => {
    const { note, seen } = tally()
    fc.assert(
      fc.property(anyPlan, anyLimits, anyCommands, (plan, limits, commands: Command[]) => {
        const session = world(plan, limits)
        for (const command of commands) session.obey(command)
        session.work([OK])
        note(new Set(session.events.map(({ type }) => type)))
      }),
      { numRuns: 400 },
    )
    expect([...seen.keys()]).toEqual(expect.arrayContaining(EVERYTHING))
  })

  it('E35: ends when time alone goes on and nobody reports any more', () => {
    const { note, seen } = tally()
    fc.assert(
      fc.property(anyPlan, anyLimits, anyCommands, (plan, limits, commands: Command[]) => {
        const session = world(plan, limits)
        for (const command of commands) session.obey(command)
        session.letTimePass()
        note([session.state.status])
      }),
      { numRuns: 200 },
    )
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['FAILED', 'CANCELED', 'TIMED_OUT']))
  })

  it('ends when every attempt goes wrong, each in another way', () => {
    const wrongs = [LOST, error('AGENT'), CANCELED, { ...OK, output: '' } as typeof OK, error('AUTH'), error('LOST')]
    fc.assert(
      fc.property(anyPlan, anyLimits, fc.shuffledSubarray(wrongs, { minLength: 1 }), (plan, limits, reports) => {
        const session = world(plan, limits)
        session.work(reports)
        expect(session.state.status).not.toBe('SUCCEEDED')
      }),
      { numRuns: 100 },
    )
  })

  it('SUCCEEDED when every attempt goes well', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const session = world(plan, { concurrency: 5, totalMs: 60_000, cancelGraceMs: 1_000 })
        session.work([OK])
        expect(session.state.status).toBe('SUCCEEDED')
        expect(session.events.filter(({ type }) => type === 'ATTEMPT_STARTED').length).toBe(
          plan.nodes.filter(({ kind }) => kind === 'TASK').length,
        )
      }),
    )
  })
  it('E71: goes on from what an earlier session of its plan has accepted, and does none of it again', () => {
    const { note, seen } = tally()
    fc.assert(
      fc.property(anyPlan, anyLimits, anyCommands, (plan, limits, commands: Command[]) => {
        const earlier = world(plan, limits)
        for (const command of commands) earlier.obey(command)
        earlier.letTimePass()
        const stands = new Set<string>()
        for (const { key, after } of plan.nodes) {
          const accepted = earlier.statuses().some(([name, status]) => name === key && status === 'ACCEPTED')
          if (accepted && after.every((before) => stands.has(before))) stands.add(key)
        }
        const session = world(plan, { ...limits, totalMs: 3_600_000 }, earlier.state.executions)
        session.work([OK])
        expect(session.state.status).toBe('SUCCEEDED')
        for (const { key, kind } of plan.nodes) {
          const { attempt, carriedId } = session.execution(key)
          expect([key, attempt, carriedId !== undefined]).toEqual([
            key,
            stands.has(key) || kind === 'COLLECT' ? 0 : 1,
            stands.has(key),
          ])
        }
        note([stands.size === 0 ? 'nothing' : stands.size < plan.nodes.length ? 'some' : 'all'])
      }),
      { numRuns: 200 },
    )
    expect(seen.get('some')).toBeGreaterThan(10)
  })
})
