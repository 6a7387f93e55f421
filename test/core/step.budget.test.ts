import { describe, expect, it } from 'vitest'
import { openInterrupts } from '../../src/core/raise.ts'
import { amountsOf } from '../../src/core/spend.ts'
import { nextTick } from '../../src/core/tick.ts'
import { answers, begun, claims, does, lastAsked, reports, using } from './drive.ts'
import { BEGIN, CANCELED, error, failing, LOST, MINUTE, OK, part, planOf, types } from './sessions.ts'

const two = planOf('PARALLEL', ['a', 'b'])
const FATAL = error('VALIDATION', 'it does not fit')
const tokensOf = ({ state }: ReturnType<typeof begun>) => state.budget.TOKENS

describe('what an attempt may use', () => {
  it('E62: is put aside before it begins, and given back with its end for what it used (E64)', () => {
    const parts = [part('a', { reserve: { tokens: 30, cost: 0.25 } }), 'b']
    const session = begun(planOf('PARALLEL', parts), { budget: { TOKENS: { hard: 100 }, COST: { hard: 1 } } })
    claims(session, 'a')
    expect(session.attempt('a').reserved).toEqual({ tokens: 30, cost: 0.25, executions: 0 })
    expect(session.state.budget).toMatchObject({ TOKENS: { used: 0, reserved: 30 }, COST: { reserved: 0.25 } })
    claims(session, 'b')
    expect(session.attempt('b').reserved).toEqual({ tokens: 50, cost: 0.5, executions: 0 })
    reports(session, 'a', using(12, 0.1))
    expect(session.state.budget).toMatchObject({
      TOKENS: { used: 12, reserved: 50 },
      COST: { used: 0.1, reserved: 0.5 },
      EXECUTIONS: { used: 2, reserved: 0 },
    })
  })

  it('E62: is nothing where there is no hard limit, and what was used is counted all the same', () => {
    const session = begun(two)
    claims(session, 'a')
    expect(session.attempt('a').reserved).toBeUndefined()
    reports(session, 'a', using(12, 0.1))
    expect(session.state.budget).toMatchObject({ TOKENS: { used: 12 }, COST: { used: 0.1 }, EXECUTIONS: { used: 1 } })
  })

  it('E64: is charged to the full when it vanishes without a word or is fenced off', () => {
    const session = begun(two, { budget: { TOKENS: { hard: 100 } } })
    claims(session, 'a')
    reports(session, 'a', LOST)
    expect(tokensOf(session)).toMatchObject({ used: 50, reserved: 0 })
    claims(session, 'b')
    session.cancel()
    session.after(30_000)
    expect(session.state.status).toBe('CANCELED')
    expect(tokensOf(session)).toMatchObject({ used: 100, reserved: 0 })
  })

  it.each([
    ['that a server hands back in order', { kind: 'LOST', meant: true, usage: { inputTokens: 3, outputTokens: 4 } }],
    ['that nobody wished to be canceled', { kind: 'CANCELED', usage: { inputTokens: 3, outputTokens: 4 } }],
  ] as const)('E64: is charged what its runtime has told of one %s', (_, report) => {
    const session = begun(two, { budget: { TOKENS: { hard: 100 } } })
    does(session, 'a', report)
    expect(session.execution('a')).toMatchObject({ status: 'READY', counted: 0 })
    expect(session.attempt('a')).toMatchObject({ status: 'LOST', usage: report.usage })
    expect(tokensOf(session)).toMatchObject({ used: 7, reserved: 0 })
  })

  it('E64: is charged to the full when it is handed back without a word', () => {
    const session = begun(two, { budget: { TOKENS: { hard: 100 } } })
    does(session, 'a', { kind: 'LOST', meant: true })
    expect(session.attempt('a')).not.toHaveProperty('usage')
    expect(tokensOf(session)).toMatchObject({ used: 50, reserved: 0 })
  })

  it('E64: is charged however it ends', () => {
    const session = begun(planOf('PARALLEL', ['a', 'b', 'c', 'd']), { budget: { TOKENS: { hard: 100 } } })
    const usage = { inputTokens: 1, outputTokens: 2 }
    does(session, 'a', { kind: 'ERROR', error: { class: 'VALIDATION', message: '' }, evidence: [], usage })
    does(session, 'b', { kind: 'TIMEOUT', timeout: 'IDLE', usage })
    does(session, 'c', { kind: 'ASK', ask: { kind: 'QUESTION', question: 'What?', shown: null }, usage })
    claims(session, 'd')
    session.cancel()
    reports(session, 'd', { ...CANCELED, usage } as never)
    expect(tokensOf(session)).toMatchObject({ used: 12, reserved: 0 })
  })

  it('E63: begins an execution once, whatever its attempts', () => {
    const session = begun(two, { budget: { EXECUTIONS: { hard: 1 } } })
    does(session, 'a', LOST)
    expect(claims(session, 'b').refused).toBe('BUDGET: nothing is left for it now')
    expect(claims(session, 'a').refused).toBeUndefined()
    expect(session.state.budget.EXECUTIONS).toMatchObject({ used: 1, reserved: 0 })
  })

  it('E63: is refused while nothing is left, and E90 there again once somebody gives some back', () => {
    const parts = [part('a', { reserve: { tokens: 100 } }), 'b']
    const session = begun(planOf('PARALLEL', parts), { budget: { TOKENS: { hard: 100 } } })
    claims(session, 'a')
    expect(claims(session, 'b').refused).toBe('BUDGET: nothing is left for it now')
    expect(session.state.status).toBe('RUNNING')
    reports(session, 'a', using(99))
    expect(claims(session, 'b').refused).toBeUndefined()
    expect(session.attempt('b').reserved).toMatchObject({ tokens: 1 })
  })

  it.each([
    [null, 0, 0],
    [{}, 0, 0],
    [{ inputTokens: 'many', outputTokens: -5, cost: [1] }, 0, 0],
    [{ inputTokens: 1, outputTokens: 2, cost: 0.5 }, 3, 0.5],
    // Whatever an agent claims, the sums stay numbers that can be stored.
    [{ inputTokens: 1e308, outputTokens: 1e308, cost: 1e308 }, 2e9, 1e9],
  ])('E64: is what its runtime knows of: %j', (usage, tokens, cost) => {
    expect(amountsOf(usage)).toEqual({ tokens, cost, executions: 0 })
  })
})

describe('a hard limit', () => {
  it('E67: that is passed stops the session with what is there', () => {
    const session = begun(two, { budget: { TOKENS: { hard: 100 } } })
    claims(session, 'b')
    does(session, 'a', using(101))
    const reason = 'BUDGET TOKENS: 101 of 100 are used'
    expect(session.state).toMatchObject({ status: 'CANCELING', ending: { move: 'LIMIT', reason } })
    expect(session.last.effects).toMatchObject([{ type: 'ABORT', reason }])
    const told = session.last.events.find(({ type }) => type === 'BUDGET_REACHED')
    expect(told?.data).toEqual({ unit: 'TOKENS', limit: 'hard', used: 101, hard: 100 })
    reports(session, 'b', CANCELED)
    expect(session.state).toMatchObject({ status: 'FAILED', reason })
    expect(session.execution('a').status).toBe('ACCEPTED')
  })

  it('E67: ends PARTIAL if every required execution was accepted', () => {
    const session = begun(planOf('PARALLEL', ['a', part('b', { optional: true })]), { budget: { COST: { hard: 1 } } })
    does(session, 'a', using(0, 1.000_001))
    expect(session.state).toMatchObject({ status: 'PARTIAL', reason: 'BUDGET COST: 1.000001 of 1 are used' })
  })

  it('E67: that is used up stops it once nothing can begin and nothing runs', () => {
    const session = begun(planOf('SEQUENTIAL', ['a', 'b']), { budget: { TOKENS: { hard: 10 } } })
    does(session, 'a', using(10))
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET TOKENS: 10 of 10 are used' })
    expect(session.execution('b').status).toBe('CANCELED')
  })

  it('E67: not while something runs that could give some back', () => {
    const session = begun(planOf('PARALLEL', ['a', 'b', 'c']), { budget: { EXECUTIONS: { hard: 2 } } })
    claims(session, 'b')
    does(session, 'a')
    expect(session.state.status).toBe('RUNNING')
    reports(session, 'b', error('AGENT'))
    expect([session.execution('b').status, session.state.status]).toEqual(['WAITING', 'RUNNING'])
    session.after(1_000)
    does(session, 'b')
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET EXECUTIONS: 2 of 2 are used' })
  })

  it('E68: that is reached with the last execution neither stops nor asks', () => {
    const session = begun(two, { budget: { TOKENS: { soft: 1, hard: 100 } } })
    does(session, 'a')
    does(session, 'b', using(1_000))
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', interrupts: [] })
    expect(session.events.filter(({ type }) => type === 'BUDGET_REACHED')).toEqual([])
    expect(tokensOf(session)).toMatchObject({ used: 1_000 })
  })

  it('E63: keeps agents from beginning what would have to be stopped at once', () => {
    const session = begun(two, { budget: { WALL_TIME: { hard: 5 * MINUTE } } })
    session.wait(5 * MINUTE - 1)
    expect(claims(session, 'a').refused).toBeUndefined()
    session.wait(1)
    expect(claims(session, 'b').refused).toBe('BUDGET: nothing is left for it now')
  })

  it('E67: ends with what there is, brought together by the coordinator', () => {
    const parts = ['a', 'b', 'c'].map((key) => part(key, { optional: true }))
    const session = begun(planOf('PARALLEL', parts, { aggregate: 'COLLECT' }), { budget: { EXECUTIONS: { hard: 1 } } })
    does(session, 'a')
    expect(session.state).toMatchObject({ status: 'PARTIAL', reason: 'BUDGET EXECUTIONS: 1 of 1 are used' })
    expect(session.state.output).toMatchObject([
      { branch: 'a', status: 'ACCEPTED', output: 'done' },
      { branch: 'b', status: 'CANCELED' },
      { branch: 'c', status: 'CANCELED' },
    ])
    expect(session.execution('collect').status).toBe('ACCEPTED')
  })

  it('E64: is charged what a judge has used, too', () => {
    const gates = [{ kind: 'JUDGE' as const, criteria: 'it is good' }]
    const session = begun(planOf('SEQUENTIAL', [part('a', { gates })]), { budget: { TOKENS: { hard: 1_000 } } })
    does(session, 'a', using(100))
    const { id: executionId, current } = session.execution('a')
    const verdict = { executionId, attemptId: current?.id as string, gate: 0, errors: 0, evidence: null } as const
    session.happen({
      type: 'VERDICT',
      ...verdict,
      verdict: { kind: 'ACCEPT' },
      usage: { inputTokens: 7, outputTokens: 5 },
    })
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', budget: { TOKENS: { used: 112, reserved: 0 } } })
  })

  it('E69: of time is up when it is up, and the machine knows when', () => {
    const session = begun(two, { budget: { WALL_TIME: { hard: 5 * MINUTE } } })
    expect(nextTick(session.state)).toBe(BEGIN + 5 * MINUTE)
    session.after(5 * MINUTE - 1)
    expect(session.state.status).toBe('RUNNING')
    session.after(1)
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET WALL_TIME: 300000 of 300000 are used' })
  })

  it('E8: of time does not count while the session waits for people', () => {
    const session = begun(two, { budget: { WALL_TIME: { hard: 5 * MINUTE } } })
    session.wait(MINUTE)
    session.happen({ type: 'PAUSE', reason: 'wait' })
    expect(nextTick(session.state)).toBeUndefined()
    session.after(60 * MINUTE)
    session.happen({ type: 'RESUME' })
    expect(nextTick(session.state)).toBe(session.now + 4 * MINUTE)
    expect(session.state.budget.WALL_TIME.used).toBe(MINUTE)
    session.after(4 * MINUTE)
    expect(session.state.status).toBe('FAILED')
  })

  it('E67: stops a session that is PAUSED or INTERRUPTED too', () => {
    for (const type of ['PAUSE', 'INTERRUPT'] as const) {
      const gates = [{ kind: 'PERSON', question: 'Is it good?' }] as const
      const session = begun(planOf('PARALLEL', ['a', part('b', { gates })]), { budget: { TOKENS: { soft: 1, hard: 10 } } }) // prettier-ignore
      claims(session, 'a')
      if (type === 'PAUSE') session.happen({ type, reason: 'wait' })
      else does(session, 'b', using(2))
      expect(session.state.status).toBe(type === 'PAUSE' ? 'PAUSED' : 'INTERRUPTED')
      reports(session, 'a', using(11))
      expect(session.state).toMatchObject({ status: 'FAILED', reason: expect.stringMatching('BUDGET TOKENS') })
      expect(openInterrupts(session)).toEqual([])
    }
  })

  it('E97: is no failure by itself: a session that is stopped for it is not rolled back', () => {
    const session = begun(planOf('SEQUENTIAL', ['a', 'b']), { policy: { rollback: true }, budget: { TOKENS: { hard: 1 } } }) // prettier-ignore
    does(session, 'a', using(2))
    expect(session.state.status).toBe('FAILED')
  })
})

describe('a soft limit', () => {
  const asked = (change: { hard?: number } = {}) => {
    const session = begun(planOf('PARALLEL', ['a', 'b', 'c']), { budget: { TOKENS: { soft: 10, ...change } } })
    does(session, 'a', using(10))
    return session
  }

  it('E65: asks a person, once, and E59 the session waits at once', () => {
    const session = asked({ hard: 50 })
    expect(types(session.last).slice(-3)).toEqual(['BUDGET_REACHED', 'INTERRUPT_RAISED', 'SESSION_INTERRUPTED'])
    expect(lastAsked(session)).toMatchObject({
      kind: 'BUDGET',
      question: '10 of TOKENS are used, the soft limit is 10. Shall it go on?',
      shown: { unit: 'TOKENS', used: 10, soft: 10, hard: 50 },
      choices: ['APPROVE', 'RAISE', 'STOP'],
    })
    expect(claims(session, 'b').refused).toBe('the session takes no claims: INTERRUPTED')
    session.after(1)
    expect(session.state.interrupts).toHaveLength(1)
  })

  it('E59: waits at once though something runs, which may end', () => {
    const session = begun(two, { budget: { TOKENS: { soft: 10 } } })
    claims(session, 'b')
    does(session, 'a', using(10))
    expect(session.state.status).toBe('INTERRUPTED')
    reports(session, 'b', using(1))
    // E7: nothing is left to ask about.
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', interrupts: [{ status: 'VOID' }] })
  })

  it('E65: APPROVE goes on without it', () => {
    const session = asked()
    answers(session, 'APPROVE')
    expect(types(session.last)).toEqual(['INTERRUPT_ANSWERED', 'BUDGET_RAISED', 'SESSION_RUNNING'])
    expect(session.last.events[1]?.data).toEqual({ unit: 'TOKENS', by: 'ada', limits: null })
    expect(session.last.effects).toMatchObject([{ type: 'ENQUEUE' }, { type: 'ENQUEUE' }])
    expect(tokensOf(session)).toEqual({ used: 10, reserved: 0 })
    does(session, 'b', using(100))
    does(session, 'c', using(100))
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it('E65: RAISE sets new limits, of any unit', () => {
    const session = asked({ hard: 20 })
    const data = { TOKENS: { soft: 15, hard: 40 }, COST: { hard: 2.5 } }
    answers(session, 'RAISE', { data })
    expect(session.last.events[1]?.data).toEqual({ unit: 'TOKENS', by: 'ada', limits: data })
    expect(session.state.budget).toMatchObject({ TOKENS: { soft: 15, hard: 40 }, COST: { hard: 2.5 } })
    does(session, 'b', using(5))
    expect(session.state.status).toBe('INTERRUPTED')
    expect(lastAsked(session).shown).toEqual({ unit: 'TOKENS', used: 15, soft: 15, hard: 40 })
  })

  it.each(['STOP', 'expiry'] as const)('E65: %s stops with what is there', (how) => {
    const session = asked()
    if (how === 'STOP') answers(session, 'STOP')
    else session.after(86_400_000)
    const by = how === 'STOP' ? 'ada' : 'expiry'
    expect(session.state).toMatchObject({ status: 'FAILED', reason: `BUDGET TOKENS: stopped by ${by}` })
    expect(session.execution('a').status).toBe('ACCEPTED')
  })

  it.each([
    [undefined, 'data has to give limits by unit'],
    [null, 'data has to give limits by unit'],
    [[], 'data has to give limits by unit'],
    [{}, 'data has to give limits by unit'],
    [{ COST: null }, 'COST takes an object with soft and hard'],
    [{ MONEY: { hard: 1 } }, 'there is no unit MONEY'],
    [{ TOKENS: { firm: 1 } }, 'TOKENS takes soft and hard, not firm'],
    [{ TOKENS: { soft: 0 } }, 'limits of TOKENS are numbers above 0'],
    [{ TOKENS: { hard: 'all' } }, 'limits of TOKENS are numbers above 0'],
    [{ TOKENS: { hard: 9 } }, 'TOKENS: 10 are used or reserved'],
  ])('E66: RAISE to %j is refused', (data, why) => {
    const session = asked({ hard: 20 })
    expect(answers(session, 'RAISE', data === undefined ? {} : { data: data as never }).refused).toBe(`INVALID: ${why}`)
    expect(openInterrupts(session)).toHaveLength(1)
  })

  it('E66: the hard limits of a child are its parent’s to set', () => {
    const opening = { parentSessionId: 'parent', depth: 2 }
    const session = begun(two, { budget: { TOKENS: { soft: 10, hard: 20 } }, opening })
    does(session, 'a', using(10))
    const more = { data: { TOKENS: { hard: 30 } } }
    expect(answers(session, 'RAISE', more).refused).toBe(
      'INVALID: TOKENS: hard limits of a child session are set by its parent',
    )
    expect(answers(session, 'RAISE', { data: { TOKENS: { soft: 15 } } }).refused).toBeUndefined()
  })

  it('E65: asks about each unit by itself', () => {
    const session = begun(planOf('PARALLEL', ['a', 'b']), { budget: { TOKENS: { soft: 10 }, COST: { soft: 1 } } })
    does(session, 'a', using(10, 1))
    expect(openInterrupts(session).map(({ about }) => about.unit)).toEqual(['TOKENS', 'COST'])
    answers(session, 'APPROVE')
    expect(session.state.status).toBe('INTERRUPTED')
    const [{ id: interruptId } = { id: '' }] = openInterrupts(session)
    session.happen({ type: 'ANSWER', interruptId, answer: { choice: 'APPROVE' }, by: 'ben', roles: ['ADMIN'] })
    expect(session.state.status).toBe('RUNNING')
  })

  it('E65: of time asks when it is reached', () => {
    const session = begun(two, { budget: { WALL_TIME: { soft: MINUTE } } })
    expect(nextTick(session.state)).toBe(BEGIN + MINUTE)
    session.after(MINUTE)
    expect(lastAsked(session)).toMatchObject({ kind: 'BUDGET', about: { unit: 'WALL_TIME' } })
    answers(session, 'APPROVE')
    for (const key of ['a', 'b']) does(session, key)
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it('E73: asks a session that is PAUSED too, which waits for the answer once it is resumed', () => {
    const session = begun(two, { budget: { TOKENS: { soft: 10 } } })
    claims(session, 'a')
    session.happen({ type: 'PAUSE', reason: 'wait' })
    reports(session, 'a', using(10))
    expect(session.state.status).toBe('PAUSED')
    expect(openInterrupts(session)).toHaveLength(1)
    session.happen({ type: 'RESUME' })
    expect(session.state.status).toBe('INTERRUPTED')
  })
})

it('E29: what was told to stop for another’s sake gives back what it put aside', () => {
  const session = begun(failing(two, 'FAIL_FAST'), { budget: { TOKENS: { hard: 100 } } })
  claims(session, 'a')
  does(session, 'b', FATAL)
  reports(session, 'a', OK)
  expect(session.state).toMatchObject({ status: 'FAILED', budget: { TOKENS: { used: 0, reserved: 0 } } })
})
