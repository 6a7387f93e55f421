import { describe, expect, it } from 'vitest'
import type { AgentProfile } from '../../src/core/agent.ts'
import type { Report } from '../../src/core/attempt.ts'
import { MAX_VERDICT_TEXT } from '../../src/core/gate.ts'
import type { Json } from '../../src/core/json.ts'
import type { Manager } from '../../src/core/plan.ts'
import { answers, begun, childEnds, claims, does, type Given, lastAsked, reports, using } from './drive.ts'
import { CANCELED, error, ok, planOf } from './sessions.ts'

const MANAGER: Manager = { maxRounds: 5, maxReplans: 1, maxStalls: 1, maxChildren: 4 }
const FATAL = error('VALIDATION', 'it does not fit')
type Begun = ReturnType<typeof begun>
const status = (session: Begun) => Object.fromEntries(session.statuses())

const managed = (change: Partial<Manager> = {}): Begun =>
  begun(planOf('HIERARCHICAL', ['hint'], { manager: { ...MANAGER, ...change } }))

/** A manager's ledger that delegates these. */
function ledger(next: readonly (string | Json)[], change: { [key: string]: Json } = {}): Report {
  const parts = next.map((one) => (typeof one === 'string' ? { key: one, title: `Do ${one}`, description: '' } : one))
  const entry = {
    satisfied: false,
    looping: false,
    progressing: true,
    next: parts,
    instruction: 'go on',
    reasons: ['so'],
  }
  return ok({ ...entry, ...change })
}
const SATISFIED = ledger([], { satisfied: true })
const STALLED = { progressing: false }

const AGENT: AgentProfile = {
  id: 'agent',
  name: 'agent',
  type: 'GENERAL',
  description: '',
  capabilities: [],
  status: 'ONLINE',
  slots: 1,
}

/** The manager's round ends with this. */
function manages(session: Begun, round: number, report: Report): void {
  const key = `manage-${round}`
  claims(session, key)
  const { id: attemptId, fence } = session.attempt(key)
  const executionId = session.execution(key).id
  session.happen({ type: 'REPORT', executionId, attemptId, fence, report, jitter: 0.5, agents: [AGENT] })
}

describe('a managed session', () => {
  it('E87: begins with the first round, and grows by what that delegates and by the next one', () => {
    const session = managed()
    expect(status(session)).toEqual({ 'manage-1': 'READY' })
    expect(session.execution('manage-1').input?.data).toMatchObject({ round: 1, parts: [{ key: 'hint' }] })
    manages(session, 1, ledger(['a', 'b']))
    expect(status(session)).toEqual({ 'manage-1': 'ACCEPTED', a: 'READY', b: 'READY', 'manage-2': 'BLOCKED' })
    expect(session.state).toMatchObject({
      planVersion: 2,
      ledger: { round: 1, stalls: 0, replans: 0, satisfied: false },
    })
    const told = session.last.events.filter(({ type }) => type === 'ROUND_JUDGED' || type === 'PLAN_CHANGED')
    expect(told.map(({ data }) => data)).toEqual([
      { round: 1, course: 'GO_ON', stalls: 0, replans: 0, reasons: ['so'] },
      { version: 2, added: ['a', 'b', 'manage-2'], why: 'round 1' },
    ])
    expect(session.last.effects).toMatchObject([{ type: 'ENQUEUE' }, { type: 'ENQUEUE' }])
  })

  it('E87: tells as many reasons as there is room for', () => {
    const session = managed()
    const reasons = Array.from({ length: 22 }, (_, index) => `${index + 1} `.repeat(index === 0 ? 1_000 : 1))
    manages(session, 1, ledger(['a'], { reasons }))
    const told = session.last.events.find(({ type }) => type === 'ROUND_JUDGED')?.data['reasons'] as string[]
    expect(told[0]).toMatch(/^(1 )+ … \(1040 more characters\)$/)
    expect(told.slice(1)).toEqual([...reasons.slice(1, 20), '… (2 more)'])
  })

  it('E86: is told in as few words as a verdict what is wrong with a ledger', () => {
    const session = managed()
    manages(session, 1, ledger([{ key: 'a', title: 'a', description: '', dependsOn: ['x'.repeat(20_000)] }]))
    const { text = '' } = session.execution('manage-1').feedback?.[0] ?? {}
    expect(text.length).toBeLessThanOrEqual(MAX_VERDICT_TEXT)
    expect(text).toMatch(/more characters\)$/)
  })

  it('E87: goes on with the next round once all of that has settled, failures included', () => {
    const session = managed()
    manages(session, 1, ledger(['a', 'b']))
    does(session, 'a', FATAL)
    expect(session.execution('manage-2').status).toBe('BLOCKED')
    does(session, 'b')
    expect(session.execution('manage-2')).toMatchObject({
      status: 'READY',
      input: {
        data: { round: 2, replan: false, instruction: 'go on' },
        upstream: [
          { key: 'a', status: 'FAILED' },
          { key: 'b', status: 'ACCEPTED' },
        ],
      },
    })
  })

  it('E89: collects what was delegated once the manager is satisfied, missing parts named', () => {
    const session = managed()
    manages(session, 1, ledger(['a', 'b']))
    does(session, 'a', FATAL)
    does(session, 'b', ok('b is done'))
    manages(session, 2, SATISFIED)
    expect(session.state).toMatchObject({
      status: 'PARTIAL',
      reason: 'a failed: it does not fit',
      ledger: { round: 2, satisfied: true },
      output: [
        { branch: 'a', status: 'FAILED' },
        { branch: 'b', output: 'b is done' },
      ],
    })
  })

  it('E49: SUCCEEDED when all that was delegated was accepted, or nothing had to be', () => {
    const session = managed()
    manages(session, 1, ledger(['a']))
    does(session, 'a')
    manages(session, 2, SATISFIED)
    expect(session.state.status).toBe('SUCCEEDED')
    const content = managed()
    manages(content, 1, SATISFIED)
    expect(content.state).toMatchObject({ status: 'SUCCEEDED', planVersion: 1 })
  })

  it('E11: parts of a round wait for each other and for those of earlier rounds', () => {
    const session = managed()
    manages(session, 1, ledger(['a', { key: 'b', title: 'b', description: '', dependsOn: ['a'] }]))
    expect(status(session)).toMatchObject({ a: 'READY', b: 'BLOCKED' })
    does(session, 'a', FATAL)
    expect(status(session)).toMatchObject({ b: 'SKIPPED', 'manage-2': 'READY' })
    manages(session, 2, ledger([{ key: 'c', title: 'c', description: '', dependsOn: ['a'] }, 'd']))
    expect(status(session)).toMatchObject({ c: 'SKIPPED', d: 'READY' })
  })

  it('E90: may delegate to sessions of their own', () => {
    const session = managed()
    const parts = [{ key: 'x', title: 'x', description: '' }]
    manages(session, 1, ledger([{ key: 'a', title: 'a', description: '', session: { pattern: 'SEQUENTIAL', parts } }]))
    expect(session.execution('a').status).toBe('RUNNING')
    childEnds(session, 'a')
    manages(session, 2, SATISFIED)
    expect(session.state.status).toBe('SUCCEEDED')
  })
})

describe('a manager that makes no progress', () => {
  it('E88: plans anew after too many stalls', () => {
    const session = managed({ maxStalls: 0 })
    manages(session, 1, ledger(['a'], STALLED))
    expect(session.state.ledger).toMatchObject({ stalls: 0, replans: 1 })
    does(session, 'a')
    expect(session.execution('manage-2').input?.data).toMatchObject({ replan: true })
  })

  it('E88: ends after too many of that, PARTIAL if anything was accepted', () => {
    const session = managed({ maxStalls: 0, maxReplans: 0 })
    manages(session, 1, ledger(['a']))
    does(session, 'a')
    manages(session, 2, ledger(['b'], STALLED))
    const limit = 'the manager makes no progress after 0 replans, which is its limit'
    expect(session.state).toMatchObject({ status: 'PARTIAL', reason: limit, ledger: { limit, satisfied: false } })
    expect(session.state.output).toMatchObject([{ branch: 'a', status: 'ACCEPTED' }])
  })

  it('E88: ends FAILED if nothing was, with the reasons', () => {
    const session = managed({ maxRounds: 2 })
    manages(session, 1, ledger(['a']))
    does(session, 'a', FATAL)
    manages(session, 2, ledger(['b']))
    const reason = 'the manager is not satisfied after 2 rounds, which is its limit; a failed: it does not fit'
    expect(session.state).toMatchObject({ status: 'FAILED', reason })
  })

  it('E88: ends FAILED after a single round that is all there is', () => {
    const session = managed({ maxRounds: 1 })
    manages(session, 1, ledger(['a']))
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'the manager is not satisfied after 1 round, which is its limit' }) // prettier-ignore
  })

  it('E97: is rolled back where the policy says so', () => {
    const plan = planOf('HIERARCHICAL', ['hint'], { manager: { ...MANAGER, maxRounds: 1 } })
    const session = begun(plan, { policy: { rollback: true } })
    manages(session, 1, ledger(['a']))
    expect(session.state.status).toBe('ROLLED_BACK')
  })
})

describe('the quorum of a managed session', () => {
  const wanting = (quorum: number, change: Partial<Manager> = {}, given: Given = {}): Begun =>
    begun(planOf('HIERARCHICAL', ['hint'], { manager: { ...MANAGER, ...change }, onFailure: 'QUORUM', quorum }), given)

  it('E50: is not made of its rounds', () => {
    const session = wanting(2)
    manages(session, 1, ledger(['a', 'b']))
    does(session, 'a')
    does(session, 'b', FATAL)
    manages(session, 2, SATISFIED)
    const reason = 'accepted of what was delegated: 1, the quorum is 2; b failed: it does not fit'
    expect(session.state).toMatchObject({ status: 'FAILED', reason })
    expect(session.state.output).toMatchObject([{ branch: 'a', status: 'ACCEPTED' }, { branch: 'b', status: 'FAILED' }]) // prettier-ignore
  })

  it('E50: is reached by what was delegated, and then nothing is required', () => {
    const session = wanting(2)
    manages(session, 1, ledger(['a', 'b', { key: 'c', title: 'c', description: '', optional: false }]))
    for (const key of ['a', 'b']) does(session, key)
    does(session, 'c', FATAL)
    manages(session, 2, SATISFIED)
    expect(session.state).toMatchObject({ status: 'PARTIAL', reason: 'c failed: it does not fit' })
  })

  it('E50: is missed by a manager that is satisfied with less, though all of that was accepted', () => {
    const session = wanting(2)
    manages(session, 1, ledger(['a']))
    does(session, 'a')
    manages(session, 2, SATISFIED)
    expect(session.state).toMatchObject({
      status: 'FAILED',
      reason: 'accepted of what was delegated: 1, the quorum is 2',
    })
    const idle = wanting(1)
    manages(idle, 1, SATISFIED)
    expect(idle.state).toMatchObject({ status: 'FAILED', reason: 'accepted of what was delegated: 0, the quorum is 1' })
  })

  it.each([
    [1, 'PARTIAL'],
    [2, 'FAILED'],
  ] as const)('E88, E50: of %i decides how a session ends that hits a limit: %s', (quorum, end) => {
    const session = wanting(quorum, { maxRounds: 2 })
    manages(session, 1, ledger(['a']))
    does(session, 'a')
    manages(session, 2, ledger(['b']))
    expect(session.state.status).toBe(end)
    expect(session.state.reason).toMatch(/^the manager is not satisfied after 2 rounds, which is its limit/)
    const stopped = wanting(quorum, {}, { budget: { TOKENS: { hard: 10 } } })
    manages(stopped, 1, ledger(['a']))
    does(stopped, 'a', using(20))
    expect(stopped.state).toMatchObject({ status: end, reason: 'BUDGET TOKENS: 20 of 10 are used' })
  })
})

describe('a managed session whose manager does not come to its end', () => {
  const budget = { TOKENS: { hard: 10 } }
  const poor = (): Begun => begun(planOf('HIERARCHICAL', ['hint'], { manager: MANAGER }), { budget })

  it('E67, E89: hands on what was accepted when its budget is used up, missing parts named', () => {
    const session = poor()
    manages(session, 1, ledger(['a', 'b', 'c']))
    does(session, 'a', FATAL)
    claims(session, 'c')
    does(session, 'b', using(20))
    // What runs is waited for.
    expect(session.state).toMatchObject({ status: 'CANCELING', planVersion: 2 })
    reports(session, 'c', CANCELED)
    expect(session.state).toMatchObject({ status: 'PARTIAL', reason: 'BUDGET TOKENS: 20 of 10 are used' })
    expect(session.state.output).toMatchObject([
      { branch: 'a', status: 'FAILED', error: { class: 'VALIDATION' } },
      { branch: 'b', status: 'ACCEPTED', output: 'done' },
      { branch: 'c', status: 'CANCELED' },
    ])
    const changed = session.events.findLast(({ type }) => type === 'PLAN_CHANGED')
    expect(changed?.data).toEqual({ version: 3, added: ['collect'], why: 'BUDGET TOKENS: 20 of 10 are used' })
  })

  it('E67: ends FAILED when nothing that was delegated was accepted', () => {
    const session = poor()
    manages(session, 1, ledger(['a', 'b']))
    does(session, 'a', { ...FATAL, usage: { inputTokens: 20 } } as Report)
    expect(session.state).toMatchObject({ status: 'FAILED', output: [{ status: 'FAILED' }, { status: 'CANCELED' }] })
  })

  it('E67: has nothing to collect before anything was delegated', () => {
    const session = poor()
    claims(session, 'manage-1')
    reports(session, 'manage-1', { ...error('AGENT'), usage: { inputTokens: 20 } } as Report)
    expect(session.state).toMatchObject({ status: 'FAILED', planVersion: 1 })
    expect(session.statuses()).toEqual([['manage-1', 'CANCELED']])
  })

  it.each(['CANCEL', 'TOTAL'] as const)('E76: collects nothing when it is stopped by %s', (how) => {
    const session = managed()
    manages(session, 1, ledger(['a', 'b']))
    does(session, 'a')
    if (how === 'CANCEL') session.cancel()
    else session.after(3_600_000)
    expect(session.state).toMatchObject({ status: how === 'CANCEL' ? 'CANCELED' : 'TIMED_OUT', planVersion: 2 })
  })

  it('E89: collects what was accepted when a round has failed', () => {
    const session = managed()
    manages(session, 1, ledger(['a', 'b']))
    does(session, 'a')
    does(session, 'b')
    does(session, 'manage-2', error('AUTH'))
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'manage-2 failed: it is AUTH' })
    expect(session.state.output).toMatchObject([{ branch: 'a' }, { branch: 'b' }])
    const changed = session.events.findLast(({ type }) => type === 'PLAN_CHANGED')
    expect(changed?.data).toMatchObject({ added: ['collect'], why: 'its manager has failed' })
  })
})

describe('a ledger', () => {
  it.each<[string, Report, RegExp]>([
    ['that cannot be read', ok('I will do it'), /must be an object/],
    ['that delegates nothing', ledger([]), /delegate something/],
    ['that delegates too much', ledger(['a', 'b', 'c', 'd', 'e']), /only 4 may still be delegated/],
    ['that delegates to nobody', ledger([{ key: 'a', title: 'a', description: '', agent: 'zoe' }]), /zoe/],
    ['that uses a key twice', ledger(['manage-1']), /taken/],
  ])('E86: %s is rejected with what is wrong', (_, report, wrong) => {
    const session = managed()
    manages(session, 1, report)
    const { status: is, feedback = [] } = session.execution('manage-1')
    expect(is).toBe('READY')
    expect(feedback).toMatchObject([{ attempt: 1, gate: 'LEDGER', text: expect.stringMatching(wrong) }])
    manages(session, 1, ledger(['a']))
    expect(session.execution('a').status).toBe('READY')
  })

  const rejected = (): Begun => {
    const session = managed()
    for (let time = 0; time < 4; time++) manages(session, 1, ok('nonsense'))
    return session
  }

  it('E86: that was rejected too often makes a person be asked', () => {
    const session = rejected()
    expect(session.execution('manage-1').status).toBe('WAITING')
    expect(session.state.status).toBe('INTERRUPTED')
    expect(lastAsked(session)).toMatchObject({ kind: 'QUESTION', choices: ['RETRY', 'STOP'] })
  })

  it('E86: RETRY begins anew', () => {
    const session = rejected()
    answers(session, 'RETRY')
    expect(session.execution('manage-1').feedback).toBeUndefined()
    manages(session, 1, ok('nonsense'))
    expect(session.execution('manage-1').status).toBe('READY')
    manages(session, 1, SATISFIED)
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it.each(['STOP', 'expiry'] as const)('E86: %s gives it up', (how) => {
    const session = rejected()
    if (how === 'STOP') answers(session, 'STOP')
    else session.after(86_400_000)
    expect(session.execution('manage-1')).toMatchObject({ status: 'FAILED', error: { class: 'REJECTED' } })
    expect(session.state.status).toBe('FAILED')
  })

  it('E29: that comes when its manager was told to stop changes nothing', () => {
    const session = managed()
    claims(session, 'manage-1')
    session.cancel()
    const { id: attemptId, fence } = session.attempt('manage-1')
    const executionId = session.execution('manage-1').id
    session.happen({ type: 'REPORT', executionId, attemptId, fence, report: ledger(['a']), jitter: 0 })
    expect(session.state).toMatchObject({ status: 'CANCELED', planVersion: 1 })
  })
})
