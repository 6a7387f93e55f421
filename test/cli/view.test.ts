import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyActivity, applyEvent, type EventFact, type SessionView } from '../../src/cli/view.ts'
import { eventsFrom, planned, START } from './session.ts'

const follow = (view: SessionView, events: readonly EventFact[]): SessionView => events.reduce(applyEvent, view)

/** Attempts that fail and are tried again, a failure for good, one that is skipped for it, and the end. */
function aSession(): EventFact[] {
  const event = eventsFrom(10)
  return [
    event(100, 'EXECUTION_ASSIGNED', 'test', { agentId: 'a' }, 'tester'),
    event(100, 'ATTEMPT_STARTED', 'test', { number: 1 }, 'tester'),
    event(100, 'EXECUTION_RUNNING', 'test', {}, 'tester'),
    event(900, 'ATTEMPT_ENDED', 'test', { status: 'ERROR', error: { class: 'CRASH', message: 'it fell over' } }),
    event(900, 'EXECUTION_WAITING', 'test', { resumeAt: new Date(START + 1_900).toISOString() }),
    event(1_900, 'EXECUTION_READY', 'test'),
    event(2_000, 'ATTEMPT_STARTED', 'test', { number: 2 }, 'tester'),
    event(2_000, 'EXECUTION_RUNNING', 'test', {}, 'tester'),
    event(3_000, 'EXECUTION_VALIDATING', 'test'),
    event(3_000, 'EXECUTION_ACCEPTED', 'test', { summary: '12 tests passed' }),
    event(3_000, 'CHECKPOINT_MADE', 'test', { accepted: 1 }),
    event(3_100, 'EXECUTION_FAILED', 'review', { error: { class: 'CRASH', message: 'no linter' } }),
    event(3_100, 'EXECUTION_SKIPPED', 'document', { causeId: 'id-review' }),
    event(3_200, 'SESSION_FAILED', null, { reason: 'review failed: no linter' }),
  ]
}

describe('the view of a session', () => {
  it('keeps what each execution came to', () => {
    const { executions } = follow(planned('test', 'review', 'document'), aSession())
    expect(executions).toMatchObject([
      { status: 'ACCEPTED', agent: 'tester', attempts: 2, summary: '12 tests passed', error: null },
      { status: 'FAILED', error: 'no linter', endedAt: START + 3_100 },
      { status: 'SKIPPED', cause: 'review' },
    ])
  })

  it('counts the time of an execution from its first attempt', () => {
    const [test] = follow(planned('test'), aSession()).executions
    expect([test?.startedAt, test?.endedAt]).toEqual([START + 100, START + 3_000])
  })

  it('knows until when an execution waits to be tried again, and why', () => {
    const [test] = follow(planned('test'), aSession().slice(0, 5)).executions
    expect(test).toMatchObject({ status: 'WAITING', resumeAt: START + 1_900, error: 'it fell over', endedAt: null })
  })

  it('knows how and why the session ended', () => {
    const view = follow(planned('test', 'review', 'document'), aSession())
    expect(view).toMatchObject({ status: 'FAILED', endedAt: START + 3_200, reason: 'review failed: no linter' })
  })

  it('is the same however often a stream is taken up again', () => {
    const events = aSession()
    const once = follow(planned('test', 'review', 'document'), events)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(events.length), fc.nat(events.length)), { maxLength: 5 }), (pieces) => {
        // Each connection breaks off somewhere; the next one begins at or before that place.
        let reached = 0
        let view = planned('test', 'review', 'document')
        for (const [from, to] of [...pieces, [0, events.length] as const]) {
          view = follow(view, events.slice(Math.min(from, reached), Math.max(to, reached)))
          reached = Math.max(to, reached)
        }
        expect(view).toEqual(once)
      }),
    )
  })

  it('shows the last line of what an agent shows, until the next attempt', () => {
    const event = eventsFrom(10)
    const shown = applyActivity(planned('test'), {
      executionId: 'id-test',
      attempt: 1,
      at: START,
      text: 'first\n\u001B[31msecond\u001B[0m\u0007\n\n',
    })
    expect(shown.executions[0]?.line).toBe('second')
    expect(applyEvent(shown, event(0, 'ATTEMPT_STARTED', 'test', { number: 2 })).executions[0]?.line).toBeNull()
  })

  it('takes no harm from events of unknown types, unknown executions and without the usual data', () => {
    const event = eventsFrom(10)
    const before = planned('test')
    const odd = [
      event(1, 'SOMETHING_NEW', null),
      event(2, 'EXECUTION_ACCEPTED', 'nobody'),
      { ...event(3, 'ATTEMPT_ENDED', 'test'), data: 'text' },
      { ...event(4, 'EXECUTION_WAITING', 'test'), data: null },
    ]
    const { executions } = follow(before, odd)
    expect(executions).toEqual([{ ...before.executions[0], status: 'WAITING' }])
  })

  it('names the cause of what was skipped, as the API and as the event call it', () => {
    const planning = planned('test', 'document')
    const view = {
      ...planning,
      executions: planning.executions.map((one) => ({ ...one, id: `Execution:${one.id}` })),
    }
    const skipped = {
      ...eventsFrom(10)(1_000, 'EXECUTION_SKIPPED', null, { causeId: 'id-test' }),
      executionId: 'Execution:id-document',
    }
    expect(applyEvent(view, skipped).executions[1]).toMatchObject({ status: 'SKIPPED', cause: 'test' })
  })
})
