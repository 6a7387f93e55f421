import { describe, expect, it } from 'vitest'
import { MAX_QUESTIONS } from '../../src/core/attempt.ts'
import { budgetOf } from '../../src/core/budget.ts'
import { MAX_REJECTIONS } from '../../src/core/gate.ts'
import { nextTick } from '../../src/core/tick.ts'
import {
  ACCEPT,
  asking,
  asks,
  BEGIN,
  type Driven,
  error,
  idOf,
  JUDGE,
  MINUTE,
  OK,
  ok,
  overSoft,
  part,
  planOf,
  queued,
  running,
  types,
} from './sessions.ts'

const DAY = 86_400_000

describe('a session that waits for people', () => {
  it('E59: is INTERRUPTED once nothing is left to do but to wait', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.do('a', asks())
    expect(session.state.status).toBe('RUNNING')
    session.do('b', error('AGENT'))
    expect(session.state.status).toBe('RUNNING')
    session.after(MINUTE)
    session.claim('b')
    session.report('b', OK)
    expect(session.state.status).toBe('INTERRUPTED')
    expect(session.last.events.at(-1)).toMatchObject({
      type: 'SESSION_INTERRUPTED',
      data: { interrupts: [session.asked.id] },
    })
  })

  it('E59: is not while a gate is looked at', () => {
    const session = running(planOf('PARALLEL', [part('a'), part('b', { gates: [JUDGE] })]))
    session.do('b')
    session.do('a', asks())
    expect(session.state.status).toBe('RUNNING')
    session.verdict('b', ACCEPT)
    expect(session.state.status).toBe('INTERRUPTED')
  })

  it('E59: runs again with the answer, and offers what is READY', () => {
    const session = asking()
    expect(session.state).toMatchObject({ status: 'INTERRUPTED', waitingSince: BEGIN })
    session.wait(50)
    session.answer('ANSWER')
    expect(types(session.last)).toEqual(['INTERRUPT_ANSWERED', 'EXECUTION_READY', 'SESSION_RUNNING'])
    expect(session.state).toMatchObject({ status: 'RUNNING', waitedMs: 50 })
    expect(session.state).not.toHaveProperty('waitingSince')
    expect(session.last.effects).toContainEqual({ type: 'ENQUEUE', executionId: idOf('a') })
  })

  it('E59: waits on while somebody else has not answered', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.do('a', asks())
    const { id: interruptId } = session.asked
    session.do('b', asks())
    expect(session.state.status).toBe('INTERRUPTED')
    session.answer('REJECT', {}, { interruptId })
    expect(session.state.status).toBe('INTERRUPTED')
    session.answer('ANSWER')
    expect(session.state.status).toBe('RUNNING')
  })

  it('E8: does not run out of time meanwhile', () => {
    const plan = planOf('PARALLEL', ['a', part('b', { timeouts: { queueMs: 1_000 } })])
    const session = running(plan, { totalMs: 10_000 }, { budget: budgetOf({ TOKENS: { soft: 1 } }) })
    session.wait(900)
    session.do('a', { ...OK, usage: { inputTokens: 1 } } as typeof OK)
    expect(session.state.status).toBe('INTERRUPTED')
    session.after(DAY / 4)
    expect(session.statuses()).toEqual([['a', 'ACCEPTED'], ['b', 'READY']]) // prettier-ignore
    session.answer('APPROVE')
    expect(session.state.waitedMs).toBe(DAY / 4)
    expect(nextTick(session.state)).toBe(session.now + 1_000)
    session.after(999)
    expect(session.execution('b').status).toBe('READY')
    session.do('b', error('AGENT'))
    session.after(500)
    session.claim('b')
    session.after(10_000 - 900 - 999 - 500 - 1)
    expect(session.state.status).toBe('RUNNING')
    session.after(1)
    expect(session.state.status).toBe('CANCELING')
  })

  it('E8: takes no claims', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']), {}, { budget: budgetOf({ TOKENS: { soft: 1 } }) })
    session.do('a', { ...OK, usage: { inputTokens: 1 } } as typeof OK)
    expect(session.claim('b').refused).toBe('the session takes no claims: INTERRUPTED')
  })
})

describe('an agent that asks', () => {
  it.each(['QUESTION', 'AUTH'] as const)('E60: %s: waits, and its next attempt is handed the answer', (kind) => {
    const session = asking(kind)
    expect(session.asked).toMatchObject({
      kind,
      executionId: idOf('a'),
      question: 'Which one?',
      shown: { options: ['x', 'y'] },
      about: {},
      onExpiry: { choice: 'REJECT', text: 'nobody answered in time' },
    })
    expect(session.execution('a')).toMatchObject({
      status: 'WAITING',
      interruptId: session.asked.id,
      counted: 0,
      current: { status: 'OK', usage: {} },
    })
    expect(session.attempt('a')).not.toHaveProperty('error')
    session.wait(2)
    session.answer('ANSWER', { text: 'x', data: { token: 1 } })
    expect(session.execution('a')).toMatchObject({
      status: 'READY',
      readyAt: BEGIN + 2,
      counted: 0,
      replies: [{ question: 'Which one?', text: 'x', data: { token: 1 }, shown: { options: ['x', 'y'] } }],
    })
    expect(session.execution('a')).not.toHaveProperty('interruptId')
    session.do('a', asks(kind, 'And now?'))
    session.answer('ANSWER')
    expect(session.execution('a').replies?.[1]).toMatchObject({ question: 'And now?', text: '', data: null })
    expect(session.do('a').state.status).toBe('SUCCEEDED')
  })

  it.each([
    ['QUESTION', 'REJECTED'],
    ['AUTH', 'AUTH'],
  ] as const)('E60: %s: is given up as %s with REJECT, and if nobody answers', (kind, errorClass) => {
    const rejected = asking(kind)
    rejected.answer('REJECT', { text: 'no' })
    const failure = { class: errorClass, message: 'Which one? no' }
    expect(rejected.execution('a')).toMatchObject({ status: 'FAILED', error: failure })
    expect(rejected.state.status).toBe('FAILED')
    const silent = asking(kind)
    silent.answer('REJECT')
    expect(silent.execution('a').error?.message).toBe('Which one? REJECT')
    const expired = asking(kind)
    expired.after(DAY)
    expect(expired.execution('a').error).toEqual({ class: errorClass, message: 'Which one? nobody answered in time' })
  })

  it.each(['QUESTION', 'AUTH'] as const)('E27: %s: another agent has its turn if it is rejected', (kind) => {
    const session = asking(kind, { fallback: ['other'] })
    session.answer('REJECT')
    expect(session.execution('a')).toMatchObject({ status: 'READY', fallbacks: 1 })
    expect(session.state.status).toBe('RUNNING')
  })

  it(`E61: has ${MAX_QUESTIONS} answers; one question more is a failure`, () => {
    const session = running(planOf('SEQUENTIAL', ['a']))
    for (let question = 1; question <= MAX_QUESTIONS; question++) {
      session.do('a', asks())
      expect(session.execution('a').status).toBe('WAITING')
      session.answer('ANSWER')
    }
    session.do('a', asks())
    expect(session.execution('a')).toMatchObject({
      status: 'WAITING',
      counted: 1,
      current: { status: 'ERROR', error: { class: 'AGENT', message: 'it asked more than 20 questions' } },
    })
    expect(session.execution('a').resumeAt).toBe(BEGIN + 500)
    expect(session.state.interrupts).toHaveLength(MAX_QUESTIONS)
  })

  it('E29: is not heard once it was told to stop', () => {
    const session = queued(planOf('SEQUENTIAL', ['a']))
    session.plan()
    session.claim('a')
    session.cancel()
    session.report('a', asks())
    expect(session.state).toMatchObject({ status: 'CANCELED', interrupts: [] })
  })
})

describe('an agent that undoes something and asks', () => {
  const undoing = (): Driven => {
    const session = running(planOf('SEQUENTIAL', [part('a', { compensation: { title: 'Undo a' } }), part('b')]))
    session.do('a')
    session.happen({ type: 'ROLL_BACK', reason: 'wrong', toSeq: 0, keep: [] })
    const { id: executionId } = session.execution('undo-a')
    const attempt = { id: 'undoing', agentId: 'agent', agentVersion: 1, owner: 'server', leaseUntil: BEGIN + MINUTE }
    session.happen({ type: 'CLAIM', executionId, attempt, selection: null })
    session.happen({ type: 'REPORT', executionId, attemptId: 'undoing', fence: 1, report: asks(), jitter: 0 })
    return session
  }

  it.each([
    ['is rejected', (session: Driven) => session.answer('REJECT')],
    ['is not answered', (session: Driven) => session.after(DAY)],
  ])('E95: makes a person be asked what is to become of it if it %s', (_, happens) => {
    const session = undoing()
    expect(session.execution('undo-a').status).toBe('WAITING')
    happens(session)
    expect(session.state.status).toBe('ROLLING_BACK')
    expect(session.asked).toMatchObject({ status: 'OPEN', choices: ['RETRY', 'SKIP', 'STOP'], about: { undo: 'a' } })
    expect(session.execution('undo-a')).toMatchObject({ status: 'WAITING', interruptId: session.asked.id })
    session.answer('RETRY')
    expect(session.execution('undo-a')).toMatchObject({ status: 'READY', readyAt: session.now, counted: 0 })
    expect(session.execution('undo-a')).not.toHaveProperty('interruptId')
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: session.execution('undo-a').id }])
    session.after(60 * MINUTE)
    expect(session.asked).toMatchObject({ status: 'OPEN', about: { undo: 'a' } })
    session.answer('SKIP')
    expect(session.state.status).toBe('ROLLED_BACK')
  })
})

describe('a manager whose ledger cannot be used', () => {
  it('E86: makes a person be asked after the last try', () => {
    const manager = { maxRounds: 5, maxReplans: 1, maxStalls: 3, maxChildren: 5 }
    const session = running(planOf('HIERARCHICAL', ['a'], { manager }))
    for (let time = 0; time <= MAX_REJECTIONS; time++) session.do('manage-1', ok('I have no plan'))
    expect(session.asked).toMatchObject({
      kind: 'QUESTION',
      executionId: idOf('manage-1'),
      question: "The manager's ledger could not be used 4 times. Shall it try again?",
      shown: { key: 'manage-1', problem: 'the ledger must be an object' },
      choices: ['RETRY', 'STOP'],
      onExpiry: { choice: 'STOP', text: 'nobody answered in time' },
    })
    session.answer('RETRY')
    expect(session.execution('manage-1').status).toBe('READY')
    expect(session.execution('manage-1')).not.toHaveProperty('feedback')
    session.do('manage-1', ok('still none'))
    expect(session.execution('manage-1').status).toBe('READY')
  })
})

describe('RAISE', () => {
  it.each([
    [undefined, 'data has to give limits by unit'],
    [null, 'data has to give limits by unit'],
    ['TOKENS', 'data has to give limits by unit'],
    [[], 'data has to give limits by unit'],
    [{}, 'data has to give limits by unit'],
    [{ MONEY: { hard: 5 } }, 'there is no unit MONEY'],
    [{ toString: { hard: 5 } }, 'there is no unit toString'],
    [{ TOKENS: 500 }, 'TOKENS takes an object with soft and hard'],
    [{ TOKENS: [500] }, 'TOKENS takes an object with soft and hard'],
    [{ TOKENS: null }, 'TOKENS takes an object with soft and hard'],
    [{ TOKENS: { used: 0 } }, 'TOKENS takes soft and hard, not used'],
    [{ TOKENS: { hard: '500' } }, 'limits of TOKENS are numbers above 0'],
    [{ TOKENS: { soft: 0 } }, 'limits of TOKENS are numbers above 0'],
    [{ TOKENS: { soft: -1, hard: 50 } }, 'limits of TOKENS are numbers above 0'],
    [{ TOKENS: { hard: null } }, 'limits of TOKENS are numbers above 0'],
    [{ TOKENS: { hard: 4 } }, 'TOKENS: 5 are used or reserved'],
    [{ COST: { hard: 1 }, TOKENS: { hard: 4.9 } }, 'TOKENS: 5 are used or reserved'],
  ])('E66: %j is INVALID', (data, why) => {
    const session = overSoft()
    const more = data === undefined ? {} : { data }
    expect(session.answer('RAISE', more)).toMatchObject({ refused: `INVALID: ${why}`, events: [] })
    expect(session.asked.status).toBe('OPEN')
  })

  it('E66: leaves hard limits of a child session to its parent', () => {
    const budget = budgetOf({ TOKENS: { soft: 5, hard: 100 } })
    const session = running(planOf('SEQUENTIAL', ['a', 'b']), {}, { budget, parentSessionId: 'parent' })
    session.do('a', { ...OK, usage: { inputTokens: 5 } } as typeof OK)
    expect(session.answer('RAISE', { data: { TOKENS: { hard: 200 } } }).refused).toBe(
      'INVALID: TOKENS: hard limits of a child session are set by its parent',
    )
    expect(session.answer('RAISE', { data: { TOKENS: { soft: 50 } } }).refused).toBeUndefined()
    expect(session.state.budget.TOKENS).toMatchObject({ soft: 50, hard: 100 })
  })

  it('E65: sets the limits that it names, and the one that was reached is gone unless it is among them', () => {
    const session = overSoft()
    session.answer('RAISE', { data: { TOKENS: { hard: 5 }, COST: { soft: 1 } } })
    expect(session.state.budget).toMatchObject({ TOKENS: { hard: 5, used: 5 }, COST: { soft: 1 } })
    expect(session.state.budget.TOKENS).not.toHaveProperty('soft')
    expect(session.last.events).toMatchObject([
      { type: 'INTERRUPT_ANSWERED' },
      {
        type: 'BUDGET_RAISED',
        data: { unit: 'TOKENS', by: 'ada', limits: { TOKENS: { hard: 5 }, COST: { soft: 1 } } },
      },
      { type: 'SESSION_RUNNING' },
      // Nothing is left that the second part could use.
      { type: 'BUDGET_REACHED' },
      { type: 'SESSION_CANCELING' },
      {},
      { type: 'SESSION_FAILED' },
    ])
  })

  it('E65: goes on without the limit with APPROVE, and stops with STOP', () => {
    const approved = overSoft()
    approved.answer('APPROVE')
    expect(approved.state.budget.TOKENS).toEqual({ hard: 100, used: 5, reserved: 0 })
    expect(approved.last.events[1]?.data).toEqual({ unit: 'TOKENS', by: 'ada', limits: null })
    expect(approved.state.status).toBe('RUNNING')
    const stopped = overSoft()
    stopped.answer('STOP')
    expect(stopped.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET TOKENS: stopped by ada' })
    expect(types(stopped.last)).not.toContain('BUDGET_RAISED')
  })
})
