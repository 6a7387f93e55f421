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
    (args) => `tutti ${args}`,
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

  it('tells what people are asked, with the command that answers it, and what came of it', () => {
    const event = eventsFrom(10)
    const [interruptId, other] = ['3fa1b2c4-0000-8000-8000-000000000000', '5fa1b2c4-0000-8000-8000-000000000000']
    const lines = render(planned('test'), [
      event(100, 'INTERRUPT_RAISED', 'test', { interruptId, kind: 'QUESTION', question: 'Which\none?' }),
      event(100, 'EXECUTION_WAITING', 'test', { interruptId }),
      event(100, 'SESSION_INTERRUPTED', null, { interrupts: [interruptId] }),
      event(200, 'INTERRUPT_ESCALATED', 'test', { interruptId, question: 'Which one?' }),
      event(300, 'INTERRUPT_ANSWERED', 'test', { interruptId, choice: 'ANSWER', by: 'ada' }),
      event(300, 'SESSION_RUNNING', null),
      event(400, 'INTERRUPT_RAISED', null, { interruptId: other, kind: 'BUDGET', question: 'Shall it go on?' }),
      event(500, 'INTERRUPT_EXPIRED', null, { interruptId: other, choice: 'STOP' }),
      event(600, 'INTERRUPT_VOID', null, { interruptId: other, why: 'the session is stopped' }),
    ])
    expect(lines.slice(5)).toEqual([
      '+0.1s   test waits for you: Which one? Answer with: tutti approve 3fa1b2c4',
      '+0.1s   nothing is left to do but to wait for 1 answer',
      '+0.2s   test still waits for you: Which one? Answer with: tutti approve 3fa1b2c4',
      '+0.3s   test answered by ada: answer',
      '+0.3s   it goes on',
      '+0.4s   waits for you: Shall it go on? Answer with: tutti approve 5fa1b2c4',
      '+0.5s   nobody answered in time, which means: stop',
      '+0.6s   needs no answer any more: the session is stopped',
    ])
  })

  it('tells why results are rejected, budgets, rounds, children, pauses and rollback', () => {
    const event = eventsFrom(10)
    const childId = '0a000000-0000-8000-8000-000000000000'
    const lines = render(planned('test', 'child'), [
      event(0, 'SESSION_AWAITING_APPROVAL', null),
      event(0, 'SESSION_RUNNING', null, { totalMs: 1_000 }),
      event(100, 'VERDICT_GIVEN', 'test', { kind: 'COMMAND', verdict: 'REJECT', text: '1 test\nfails' }),
      event(100, 'VERDICT_GIVEN', 'test', { gate: -1, kind: 'EVIDENCE', verdict: 'REJECT', text: 'it did nothing' }),
      event(100, 'VERDICT_GIVEN', 'test', { kind: 'JUDGE', verdict: 'ERROR', text: 'no judge' }),
      event(100, 'VERDICT_GIVEN', 'test', { kind: 'FILES', verdict: 'ACCEPT' }),
      event(200, 'BUDGET_REACHED', null, { unit: 'TOKENS', limit: 'soft', used: 900, soft: 800 }),
      event(200, 'BUDGET_RAISED', null, { unit: 'TOKENS', by: 'ada' }),
      event(300, 'ROUND_JUDGED', 'test', { round: 2, course: 'GO_ON', reasons: ['One is missing.'] }),
      event(300, 'PLAN_CHANGED', null, { version: 2, added: ['a', 'b'], why: 'round 2' }),
      event(400, 'EXECUTION_ASSIGNED', 'child', { childId }),
      event(400, 'EXECUTION_RUNNING', 'child'),
      event(500, 'CHILD_ENDED', 'child', { childId, status: 'PARTIAL' }),
      event(600, 'SESSION_PAUSED', null, { reason: 'lunch' }),
      event(700, 'INPUT_RECEIVED', null, { by: 'ada', text: 'hurry' }),
      event(800, 'SESSION_ROLLING_BACK', null, { reason: 'wrong branch', toSeq: 0 }),
      event(900, 'EXECUTION_COMPENSATED', 'test'),
      event(900, 'COMPENSATION_FAILED', 'child', { key: 'child', error: { message: 'gone' } }),
      event(900, 'WORKSPACE_RESTORED', null, { commit: 'abc' }),
      event(1_000, 'SESSION_ROLLED_BACK', null),
    ])
    expect(lines.slice(5)).toEqual([
      '+0.0s   the plan waits for approval before anything begins',
      '+0.1s   test rejected by its gate COMMAND: 1 test fails',
      '+0.1s   test rejected: it did nothing',
      '+0.1s   test has no verdict of its gate JUDGE: no judge',
      '+0.2s   soft limit reached: 900 of 800 TOKENS are used',
      '+0.2s   the budget of TOKENS was changed by ada',
      '+0.3s   test judged round 2: it goes on. One is missing.',
      '+0.3s   the plan grows by a, b: round 2',
      `+0.4s   child is done by a session of its own, ${childId}: Do child`,
      `+0.5s   child is through with its session: partial. Show it with: tutti watch ${childId}`,
      '+0.6s   paused: lunch. Go on with: tutti resume 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f',
      '+0.7s   ada says: hurry',
      '+0.8s   rolling back: wrong branch',
      '+0.9s   test undone',
      '+0.9s   child could not be undone: gone',
      '+0.9s   the workspace is as it was at abc',
      '+1.0s   session rolled back in 1.0 s',
    ])
  })

  it('shows what an agent shows, but not more often than every five seconds', () => {
    const facts = [0, 100, 4_900, 5_000, 5_100].map((ms) => ({ text: `line at ${ms}\n`, at: START + ms }))
    expect(render(planned('test'), facts).slice(5)).toEqual(['+0.0s   test | line at 0', '+5.0s   test | line at 5000'])
  })
})
