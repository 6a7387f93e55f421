import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/core/gate.ts'
import type { Json } from '../../src/core/json.ts'
import { pendingEffects } from '../../src/core/pending.ts'
import type { SubTask } from '../../src/core/plan.ts'
import { askedOf } from '../../src/core/verdict.ts'
import { answers, begun, child, childEnds, claims, does, type Given, judges, reports, using } from './drive.ts'
import { ACCEPT, COMMAND, errs, JUDGE, MINUTE, part, PERSON, planOf, rejects } from './sessions.ts'

type Begun = ReturnType<typeof begun>
const judged = (key: string, change: Partial<SubTask> = {}): SubTask => part(key, { gates: [JUDGE], ...change })
const tokens = (hard: number): Given => ({ budget: { TOKENS: { hard } } })
const tokensOf = ({ state }: Begun) => state.budget.TOKENS
const judgeOf = (session: Begun, key: string) => session.execution(key).candidate?.judge
const effectsOf = (session: Begun) => session.last.effects.map(({ type }) => type)
const says = (session: Begun, key: string, verdict: Verdict, usage: Json) =>
  session.happen({ type: 'VERDICT', ...askedOf(session.execution(key)), verdict, evidence: null, usage })
const loses = (session: Begun, key: string, usage?: Json) =>
  session.happen({ type: 'JUDGE_LOST', ...askedOf(session.execution(key)), ...(usage !== undefined && { usage }) })

describe('what a judge may use', () => {
  it('E107: is put aside before it is asked, as much as an attempt at its node may use', () => {
    const parts = [judged('a', { reserve: { tokens: 30, cost: 0.25 } }), judged('b')]
    const session = begun(planOf('PARALLEL', parts), { budget: { TOKENS: { hard: 100 }, COST: { hard: 1 } } })
    does(session, 'a', using(10))
    expect(judgeOf(session, 'a')).toEqual({ tokens: 30, cost: 0.25, executions: 0 })
    expect(effectsOf(session)).toEqual(['VALIDATE'])
    does(session, 'b', using(10))
    expect(judgeOf(session, 'b')).toEqual({ tokens: 50, cost: 0.5, executions: 0 })
    expect(session.state.budget).toMatchObject({
      TOKENS: { used: 20, reserved: 80 },
      COST: { reserved: 0.75 },
      EXECUTIONS: { used: 2, reserved: 0 },
    })
  })

  it('E107: is no more than is left, and never beyond the limit of the root', () => {
    const session = begun(planOf('SEQUENTIAL', [judged('a')]), tokens(100))
    does(session, 'a', using(70))
    expect(judgeOf(session, 'a')).toMatchObject({ tokens: 30 })
    expect(tokensOf(session)).toMatchObject({ used: 70, reserved: 30 })
  })

  it('E107: is given back with its verdict for what it has used', () => {
    const session = begun(planOf('SEQUENTIAL', [judged('a'), 'b']), tokens(100))
    does(session, 'a', using(10))
    says(session, 'a', ACCEPT, { inputTokens: 7, outputTokens: 5 })
    expect(tokensOf(session)).toMatchObject({ used: 22, reserved: 0 })
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED' })
    expect(session.execution('a')).not.toHaveProperty('candidate')
  })

  it('E107: is nothing of a verdict that does not say', () => {
    const session = begun(planOf('SEQUENTIAL', [judged('a'), 'b']), tokens(100))
    does(session, 'a', using(10))
    judges(session, 'a', rejects())
    expect(session.execution('a').status).toBe('READY')
    expect(tokensOf(session)).toMatchObject({ used: 10, reserved: 0 })
  })

  it('E107: is put aside anew for each judge: after an error, after another one, and once a person wants it', () => {
    const session = begun(planOf('SEQUENTIAL', [part('a', { gates: [JUDGE, JUDGE] })]), tokens(1_000))
    does(session, 'a', using(100))
    says(session, 'a', errs(), { inputTokens: 100 })
    expect([judgeOf(session, 'a')?.tokens, effectsOf(session)]).toEqual([800, ['VALIDATE']])
    says(session, 'a', ACCEPT, { inputTokens: 100 })
    expect([session.execution('a').gate, judgeOf(session, 'a')?.tokens]).toEqual([1, 700])
    for (let errors = 0; errors < 3; errors++) says(session, 'a', errs(), { inputTokens: 100 })
    expect(session.execution('a').status).toBe('WAITING')
    expect(session.execution('a').candidate).not.toHaveProperty('judge')
    expect(tokensOf(session)).toMatchObject({ used: 600, reserved: 0 })
    answers(session, 'RETRY')
    expect(judgeOf(session, 'a')?.tokens).toBe(400)
  })

  it('E107: is not put aside for other gates', () => {
    const session = begun(planOf('SEQUENTIAL', [part('a', { gates: [COMMAND] })]), tokens(100))
    does(session, 'a', using(100))
    expect(session.execution('a').candidate).not.toHaveProperty('judge')
    expect(effectsOf(session)).toEqual(['VALIDATE'])
    judges(session, 'a', ACCEPT)
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it('E107: counts as no execution that begins, of a child session’s result neither', () => {
    const plan = planOf('SEQUENTIAL', [child('s', { gates: [JUDGE] }), 'z'])
    const session = begun(plan, { budget: { EXECUTIONS: { hard: 2 } } })
    childEnds(session, 's', 'SUCCEEDED', { executions: 2 })
    expect(judgeOf(session, 's')).toEqual({ tokens: 0, cost: 0, executions: 0 })
    expect(session.state.budget.EXECUTIONS).toMatchObject({ used: 2, reserved: 0 })
  })

  it('E99, E107: is all that it had put aside once its result is no longer looked at', () => {
    const session = begun(planOf('PARALLEL', [judged('a'), 'b']), tokens(100))
    claims(session, 'b')
    does(session, 'a', using(10))
    session.cancel()
    expect(session.execution('a').status).toBe('CANCELED')
    expect(session.execution('a').candidate).not.toHaveProperty('judge')
    expect(tokensOf(session)).toMatchObject({ used: 50, reserved: 50 })
  })
})

describe('a result for whose judge nothing is left', () => {
  /** `b` has put aside all that `a` has left. */
  const waiting = (): Begun => {
    const parts = [judged('a', { reserve: { tokens: 10 } }), part('b', { reserve: { tokens: 90 } }), 'c']
    const session = begun(planOf('PARALLEL', parts), { ...tokens(100), limits: { concurrency: 2 } })
    claims(session, 'a')
    claims(session, 'b')
    reports(session, 'a', using(10))
    return session
  }

  it('E107: waits, keeps its room, and nobody is asked', () => {
    const session = waiting()
    expect(session.execution('a')).toMatchObject({ status: 'VALIDATING', gate: 0 })
    expect(session.execution('a').candidate).not.toHaveProperty('judge')
    expect([effectsOf(session), pendingEffects(session.state).map(({ type }) => type)]).toEqual([[], ['ENQUEUE']])
    expect(claims(session, 'c').refused).toBe('the session has 2 at once, which is its limit')
    expect(session.state.status).toBe('RUNNING')
    session.after(1)
    expect(session.state.status).toBe('RUNNING')
  })

  it('E38, E107: has no verdict, and no judge that could be lost', () => {
    const session = waiting()
    const refused = 'no such verdict is awaited: nothing is left of the budget to ask a judge'
    expect(judges(session, 'a', ACCEPT).refused).toBe(refused)
    expect(loses(session, 'a').refused).toBe(refused)
  })

  it('E107: is looked at as soon as something is given back, before anything else begins', () => {
    const session = waiting()
    reports(session, 'b', using(85))
    expect(judgeOf(session, 'a')).toMatchObject({ tokens: 5 })
    const { id: executionId } = session.execution('a')
    expect(session.last.effects).toEqual([{ type: 'VALIDATE', executionId }])
    expect(claims(session, 'c').refused).toBe('BUDGET: nothing is left for it now')
    judges(session, 'a', ACCEPT)
    expect(session.execution('a').status).toBe('ACCEPTED')
  })

  it('E67, E107: ends the session once nothing runs that could give some back', () => {
    const session = waiting()
    reports(session, 'b', using(90))
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET TOKENS: 100 of 100 are used' })
    expect(session.execution('a').status).toBe('CANCELED')
    expect(tokensOf(session)).toMatchObject({ used: 100, reserved: 0 })
  })

  it('E67, E107: ends the session with what is there, though nothing else was to begin', () => {
    const session = begun(planOf('SEQUENTIAL', ['a', judged('b', { optional: true })]), tokens(10))
    does(session, 'a', using(5))
    does(session, 'b', using(5))
    expect(session.state).toMatchObject({ status: 'PARTIAL', reason: 'BUDGET TOKENS: 10 of 10 are used' })
  })

  it.each([
    [0, 'RUNNING'],
    [40, 'FAILED'],
  ])('E67, E107: waits for another judge, which may give some back: it has used %i, so %s', (uses, status) => {
    const parts = ['a', 'b'].map((key) => judged(key, { reserve: { tokens: 40 } }))
    const session = begun(planOf('PARALLEL', parts), tokens(80))
    for (const key of ['a', 'b']) claims(session, key)
    reports(session, 'a', using(40))
    reports(session, 'b', using(0))
    expect([judgeOf(session, 'a')?.tokens, judgeOf(session, 'b')?.tokens]).toEqual([undefined, 40])
    expect(session.state.status).toBe('RUNNING')
    says(session, 'b', ACCEPT, { inputTokens: uses })
    expect([judgeOf(session, 'a')?.tokens, session.state.status]).toEqual([uses === 0 ? 40 : undefined, status])
  })

  it('E67, E107: does not end the session while a person is asked', () => {
    const session = begun(planOf('PARALLEL', [judged('a'), part('b', { gates: [PERSON] })]), tokens(20))
    for (const key of ['a', 'b']) claims(session, key)
    for (const key of ['a', 'b']) reports(session, key, using(10))
    expect([session.execution('b').status, session.state.status]).toEqual(['WAITING', 'RUNNING'])
    answers(session, 'APPROVE')
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET TOKENS: 20 of 20 are used' })
  })

  it('E65, E107: is looked at once a person has raised the limit', () => {
    const budget = { TOKENS: { soft: 5, hard: 15 } }
    const session = begun(planOf('PARALLEL', [judged('a'), 'b', 'c']), { budget })
    for (const key of ['a', 'b', 'c']) claims(session, key)
    reports(session, 'a', using(5))
    expect([judgeOf(session, 'a'), session.state.status]).toEqual([undefined, 'INTERRUPTED'])
    answers(session, 'RAISE', { data: { TOKENS: { soft: 100, hard: 120 } } })
    expect(judgeOf(session, 'a')).toMatchObject({ tokens: 40 })
    expect(effectsOf(session)).toContain('VALIDATE')
  })

  it('E63, E107: is not looked at by a judge that would have to be stopped at once', () => {
    const session = begun(planOf('SEQUENTIAL', [judged('a')]), { budget: { WALL_TIME: { hard: MINUTE } } })
    claims(session, 'a')
    session.wait(MINUTE)
    reports(session, 'a', using(0))
    expect(session.effects.filter(({ type }) => type === 'VALIDATE')).toEqual([])
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET WALL_TIME: 60000 of 60000 are used' })
  })
})

describe('a judge that is lost', () => {
  const asked = (hard = 100): Begun => {
    const session = begun(planOf('SEQUENTIAL', [judged('a', { reserve: { tokens: 20 } }), 'b']), tokens(hard))
    does(session, 'a', using(10))
    return session
  }

  it('E108: with its server is charged all that it had put aside, and another one is asked', () => {
    const session = asked()
    loses(session, 'a')
    const { id: executionId } = session.execution('a')
    const told = { type: 'JUDGE_LOST', executionId, data: { key: 'a', gate: 0, meant: false } }
    expect(session.last.events).toMatchObject([told])
    expect(session.last.effects).toEqual([{ type: 'VALIDATE', executionId }])
    expect(tokensOf(session)).toMatchObject({ used: 30, reserved: 20 })
    expect(session.execution('a').gateErrors).toBeUndefined()
    says(session, 'a', ACCEPT, { inputTokens: 1 })
    expect(tokensOf(session)).toMatchObject({ used: 31, reserved: 0 })
  })

  it('E108: too often ends the session once nothing is left for another one', () => {
    const session = asked(30)
    loses(session, 'a')
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET TOKENS: 30 of 30 are used' })
  })

  it('E108: with a server that stops in order is charged what it has used; the next server asks another one', () => {
    const session = asked()
    loses(session, 'a', { inputTokens: 3, outputTokens: 4 })
    expect(session.last.events).toMatchObject([{ type: 'JUDGE_LOST', data: { key: 'a', gate: 0, meant: true } }])
    expect(effectsOf(session)).toEqual(['VALIDATE'])
    expect(tokensOf(session)).toMatchObject({ used: 17, reserved: 20 })
    // Nobody had asked that one yet.
    loses(session, 'a')
    expect(effectsOf(session)).toEqual(['VALIDATE'])
    expect(tokensOf(session)).toMatchObject({ used: 17, reserved: 20 })
    loses(session, 'a')
    expect(tokensOf(session)).toMatchObject({ used: 37, reserved: 20 })
  })

  it('E108: that was handed back is like any other once it has been asked', () => {
    const session = asked()
    loses(session, 'a', { inputTokens: 1 })
    judges(session, 'a', errs())
    expect(session.execution('a').candidate).not.toHaveProperty('handedBack')
    loses(session, 'a', { inputTokens: 1 })
    session.cancel()
    expect(session.execution('a').candidate).not.toHaveProperty('handedBack')
    expect(tokensOf(session)).toMatchObject({ used: 32, reserved: 0 })
  })

  it('E107, E108: that is handed back waits as well where nothing is left, and is asked after that like any other', () => {
    const parts = [judged('a'), part('b', { reserve: { tokens: 80 } })]
    const session = begun(planOf('PARALLEL', parts), tokens(100))
    claims(session, 'b')
    does(session, 'a', using(10))
    expect(judgeOf(session, 'a')).toMatchObject({ tokens: 10 })
    loses(session, 'a', { inputTokens: 10 })
    expect(session.execution('a').candidate).not.toHaveProperty('handedBack')
    reports(session, 'b', using(60))
    expect(judgeOf(session, 'a')).toMatchObject({ tokens: 20 })
    loses(session, 'a')
    expect(tokensOf(session)).toMatchObject({ used: 100 })
  })

  it('E108: is believed of the judge alone that was asked', () => {
    const session = asked()
    const { executionId, ...others } = askedOf(session.execution('a'))
    const lost = { type: 'JUDGE_LOST', executionId, ...others } as const
    expect(session.happen({ ...lost, executionId: 'none' }).refused).toBe('no such execution in this session')
    expect(session.happen({ ...lost, gate: 1 }).refused).toMatch('no such verdict is awaited')
    expect(session.happen({ ...lost, errors: 1 }).refused).toMatch('no such verdict is awaited')
    expect(session.happen({ ...lost, attemptId: 'none' }).refused).toMatch('STALE_LEASE')
    judges(session, 'a', ACCEPT)
    expect(session.happen(lost).refused).toBe('no such verdict is awaited: the execution is ACCEPTED')
  })

  it('E108: is none where the gate is no judge', () => {
    const session = begun(planOf('SEQUENTIAL', [part('a', { gates: [COMMAND] })]))
    does(session, 'a')
    expect(loses(session, 'a').refused).toBe('the gate is no judge: COMMAND')
  })
})
