import { describe, expect, it } from 'vitest'
import { noColours } from '../../src/cli/render/paint.ts'
import { plainRenderer } from '../../src/cli/render/plain.ts'
import { applyActivity, applyEvent, type EventFact, type SessionView } from '../../src/cli/view.ts'
import { eventsFrom, planned, START } from './session.ts'

function render(view: SessionView, facts: readonly (EventFact | { text: string; at: number })[]): string[] {
  const lines: string[] = []
  const renderer = plainRenderer(
    (line) => lines.push(line),
    noColours,
    () => START,
  )
  renderer.begin(view)
  for (const fact of facts) {
    if ('seq' in fact) {
      view = applyEvent(view, fact)
      renderer.event(fact, view)
    } else {
      const activity = { executionId: 'id-test', attempt: 1, ...fact }
      view = applyActivity(view, activity)
      renderer.activity(activity, view)
    }
  }
  renderer.end()
  return lines
}

describe('a session as plain lines', () => {
  it('begins with what was planned and why', () => {
    expect(render(planned('test', 'review', 'document'), [])).toEqual([
      'Audit the shop',
      'HIERARCHICAL, complexity 4.3 of 10, 3 executions',
      'session 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f',
      '  3 parts.',
      '  The longest chain has 2 steps.',
    ])
  })

  it('tells each step with the time since the start', () => {
    const event = eventsFrom(10)
    const lines = render(planned('test', 'review', 'document'), [
      event(40, 'EXECUTION_ASSIGNED', 'test', {}, 'tester'),
      event(40, 'ATTEMPT_STARTED', 'test', { number: 1 }, 'tester'),
      event(40, 'EXECUTION_RUNNING', 'test', {}, 'tester'),
      event(900, 'ATTEMPT_ENDED', 'test', { error: { message: 'it fell\nover' } }),
      event(900, 'EXECUTION_WAITING', 'test', { resumeAt: new Date(START + 1_900).toISOString() }),
      event(2_000, 'ATTEMPT_STARTED', 'test', { number: 2 }),
      event(2_000, 'EXECUTION_RUNNING', 'test'),
      event(62_040, 'EXECUTION_ACCEPTED', 'test', { summary: '12 tests passed' }),
      event(62_100, 'EXECUTION_FAILED', 'review', { error: { message: 'no linter' } }),
      event(62_100, 'EXECUTION_SKIPPED', 'document', { causeId: 'id-review' }),
      event(62_200, 'SESSION_FAILED', null, { reason: 'review failed' }),
    ])
    expect(lines.slice(5)).toEqual([
      '+0.0s   test starts with tester: Do test',
      '+0.9s   test attempt 1 failed: it fell over',
      '+0.9s   test is tried again in 1.0 s',
      '+2.0s   test attempt 2 starts with tester: Do test',
      '+62.0s  test accepted in 1 m 02 s: 12 tests passed',
      '+62.1s  review failed: no linter',
      '+62.1s  document skipped because of review',
      '+62.2s  session failed in 1 m 02 s',
    ])
  })

  it('tells that a session is being stopped, and why', () => {
    const event = eventsFrom(10)
    const lines = render(planned('test'), [
      event(1_000, 'SESSION_CANCELING', null, { reason: 'Ctrl-C' }),
      event(1_500, 'EXECUTION_CANCELED', 'test', { reason: 'Ctrl-C' }),
      event(1_500, 'SESSION_CANCELED', null, { reason: 'Ctrl-C' }),
    ])
    expect(lines.slice(5)).toEqual([
      '+1.0s   stopping: Ctrl-C',
      '+1.5s   test canceled: Ctrl-C',
      '+1.5s   session canceled in 1.5 s',
    ])
  })

  it('shows what an agent shows, but not more often than every five seconds', () => {
    const facts = [0, 100, 4_900, 5_000, 5_100].map((ms) => ({ text: `line at ${ms}\n`, at: START + ms }))
    expect(render(planned('test'), facts).slice(5)).toEqual(['+0.0s   test | line at 0', '+5.0s   test | line at 5000'])
  })
})
