import { describe, expect, it } from 'vitest'
import type { Plan, SubTask } from '../../src/core/plan.ts'
import { answers, begun, child, childEnds, claims, does, type Given, lastAsked, reports } from './drive.ts'
import { CANCELED, error, ok, part, planOf, types } from './sessions.ts'

const FATAL = error('VALIDATION', 'it does not fit')
type Begun = ReturnType<typeof begun>
const status = (session: Begun) => Object.fromEntries(session.statuses())

const undone = (key: string, change: Partial<SubTask> = {}): SubTask =>
  part(key, { compensation: { title: `Undo ${key}` }, input: { for: key }, ...change })
const plan: Plan = planOf('PARALLEL', [undone('a'), undone('b'), part('c'), undone('d')])

/** `b` is done first, then `a`, then `c`. */
function done(given: Given = {}, commit?: string): Begun {
  const session = begun(plan, given, commit)
  for (const key of ['b', 'a', 'c']) {
    claims(session, key)
    reports(session, key, { ...ok({ by: key }), ...(commit !== undefined && { commit: `commit of ${key}` }) } as never)
  }
  return session
}
function rollsBack(session: Begun, toSeq = 0, keep: readonly string[] = [], commit?: string) {
  return session.happen({ type: 'ROLL_BACK', reason: 'it was wrong', toSeq, keep, ...(commit !== undefined && { commit }) }) // prettier-ignore
}

describe('a rollback', () => {
  it('E93: stops everything, and undoes what was accepted in the reverse order of completion', () => {
    const session = done()
    claims(session, 'd')
    rollsBack(session)
    expect(session.state).toMatchObject({ status: 'ROLLING_BACK', rollback: { phase: 'STOPPING', toSeq: 0, keep: [] } })
    expect(session.last.effects).toMatchObject([{ type: 'ABORT', reason: 'it was wrong' }])
    reports(session, 'd', ok('too late'))
    expect(status(session)).toMatchObject({ d: 'CANCELED', 'undo-a': 'READY', 'undo-b': 'BLOCKED' })
    expect(session.state.plan.nodes.slice(-2).map(({ key }) => key)).toEqual(['undo-a', 'undo-b'])
    does(session, 'undo-a')
    expect(status(session)).toMatchObject({ a: 'COMPENSATED', b: 'ACCEPTED', 'undo-b': 'READY' })
    does(session, 'undo-b')
    expect(status(session)).toMatchObject({ a: 'COMPENSATED', b: 'COMPENSATED', c: 'ACCEPTED', d: 'CANCELED' })
    expect(session.state).toMatchObject({ status: 'ROLLED_BACK', reason: 'it was wrong', endedAt: session.now })
  })

  it('E94: hands a compensation what it undoes', () => {
    const compensation = {
      title: 'Put it back',
      description: 'As it was.',
      capabilities: ['repair'],
      agent: 'ben',
      input: { careful: true },
    }
    const session = begun(planOf('SEQUENTIAL', [undone('a', { compensation }), 'b']))
    does(session, 'a', ok({ n: 1 }))
    rollsBack(session)
    expect(session.state.plan.nodes.at(-1)).toMatchObject({
      key: 'undo-a',
      kind: 'UNDO',
      undoes: 'a',
      title: 'Put it back',
      description: 'As it was.',
      capabilities: ['repair'],
      agent: 'ben',
    })
    expect(session.execution('undo-a').input?.data).toEqual({
      input: { careful: true },
      of: { key: 'a', input: { for: 'a' }, output: { n: 1 } },
    })
    does(session, 'undo-a')
    const { id: by } = session.execution('undo-a')
    const told = session.last.events.find(({ type }) => type === 'EXECUTION_COMPENSATED')
    expect(told).toMatchObject({ executionId: session.execution('a').id, data: { key: 'a', by } })
  })

  it('E102: makes a new version of the plan, with keys of its own', () => {
    const session = begun(planOf('PARALLEL', [undone('a', { input: null }), part('undo-a')]))
    does(session, 'a')
    rollsBack(session)
    expect(session.state.planVersion).toBe(2)
    const told = session.events.find(({ type }) => type === 'PLAN_CHANGED')
    expect(told?.data).toEqual({ version: 2, added: ['undo-a-'], why: 'rollback' })
  })

  it('E93: leaves alone what had been accepted by its checkpoint', () => {
    const session = done()
    rollsBack(session, 9, [session.execution('b').id])
    does(session, 'undo-a')
    expect(status(session)).toMatchObject({ a: 'COMPENSATED', b: 'ACCEPTED', d: 'CANCELED' })
    expect(session.state.status).toBe('ROLLED_BACK')
  })

  it('E98: ends at once where there is nothing to undo', () => {
    const session = begun(planOf('SEQUENTIAL', ['a', 'b']))
    does(session, 'a')
    rollsBack(session)
    expect(types(session.last)).toEqual(['SESSION_ROLLING_BACK', 'EXECUTION_CANCELED', 'SESSION_ROLLED_BACK'])
    expect(session.state.planVersion).toBe(1)
  })

  it('E98: begins from RUNNING, INTERRUPTED and PAUSED alone', () => {
    const gates = [{ kind: 'PERSON', question: 'Is it good?' }] as const
    const asked = planOf('SEQUENTIAL', [part('a', { gates })])
    const interrupted = begun(asked)
    does(interrupted, 'a')
    expect(interrupted.state.status).toBe('INTERRUPTED')
    rollsBack(interrupted)
    expect(interrupted.state).toMatchObject({ status: 'ROLLED_BACK', interrupts: [{ status: 'VOID' }] })
    const paused = begun(asked)
    paused.happen({ type: 'PAUSE', reason: 'wait' })
    rollsBack(paused)
    expect(paused.state.status).toBe('ROLLED_BACK')
    const reviewed = begun(asked, { policy: { review: true } })
    expect(rollsBack(reviewed).refused).toBe('a session that is AWAITING_APPROVAL cannot be rolled back')
    const stopping = done()
    claims(stopping, 'd')
    stopping.cancel()
    expect(rollsBack(stopping).refused).toBe('a session that is CANCELING cannot be rolled back')
    reports(stopping, 'd', CANCELED)
    expect(rollsBack(stopping).refused).toBe('the session has ended: CANCELED')
  })

  it('E20, E78: is neither canceled, paused nor rolled back again, and nothing but compensations is claimed', () => {
    const session = done()
    rollsBack(session)
    expect(session.cancel().refused).toMatch('the session is being rolled back')
    expect(rollsBack(session).refused).toBe('a session that is ROLLING_BACK cannot be rolled back')
    expect(session.happen({ type: 'PAUSE', reason: 'wait' }).refused).toMatch('ROLLING_BACK')
    expect(claims(session, 'd').refused).toBe('the session takes no claims: ROLLING_BACK')
    expect(claims(session, 'undo-b').refused).toBe('the execution is not READY: BLOCKED')
    expect(claims(session, 'undo-a').refused).toBeUndefined()
  })

  it('E92: waits for the children that it closes', () => {
    const session = begun(planOf('PARALLEL', [child('a'), undone('b')]))
    does(session, 'b')
    rollsBack(session)
    expect(session.last.effects).toMatchObject([{ type: 'CLOSE_CHILD' }])
    childEnds(session, 'a', 'SUCCEEDED')
    expect(status(session)).toMatchObject({ a: 'CANCELED', 'undo-b': 'READY' })
  })

  it('E33: is not ended by the session’s time', () => {
    const session = begun(plan, { limits: { totalMs: 60_000 } })
    does(session, 'a')
    rollsBack(session)
    session.after(120_000)
    expect(session.state.status).toBe('ROLLING_BACK')
    does(session, 'undo-a')
    expect(session.state.status).toBe('ROLLED_BACK')
  })

  it('E99: undoes whatever the budget', () => {
    const session = begun(plan, { budget: { EXECUTIONS: { hard: 1 }, TOKENS: { hard: 10 } } })
    claims(session, 'a')
    reports(session, 'a', { ...ok('x'), usage: { inputTokens: 10 } } as never)
    expect(session.state.status).toBe('FAILED')
    const another = begun(planOf('PARALLEL', [undone('a'), 'b']), { budget: { EXECUTIONS: { hard: 2 } } })
    claims(another, 'b')
    does(another, 'a')
    expect(another.state.budget.EXECUTIONS.used).toBe(2)
    rollsBack(another)
    reports(another, 'b', CANCELED)
    does(another, 'undo-a')
    expect(another.state).toMatchObject({ status: 'ROLLED_BACK', budget: { EXECUTIONS: { used: 2 } } })
  })
})

describe('a session that would end FAILED', () => {
  it('E97: is rolled back to its beginning where its policy says so', () => {
    const session = begun(plan, { policy: { rollback: true } })
    does(session, 'a')
    for (const key of ['b', 'c', 'd']) does(session, key, FATAL)
    expect(session.state).toMatchObject({
      status: 'ROLLING_BACK',
      rollback: { phase: 'COMPENSATING', toSeq: 0, keep: [] },
    })
    does(session, 'undo-a')
    expect(session.state).toMatchObject({
      status: 'ROLLED_BACK',
      reason: 'FAILED: b failed: it does not fit; c failed: it does not fit; d failed: it does not fit',
    })
  })

  it('E97: not if it is PARTIAL', () => {
    const session = begun(planOf('PARALLEL', [undone('a'), part('b', { optional: true })]), { policy: { rollback: true } }) // prettier-ignore
    does(session, 'a')
    does(session, 'b', FATAL)
    expect(session.state.status).toBe('PARTIAL')
  })
})

describe('a compensation', () => {
  const session = (): Begun => {
    const s = done()
    rollsBack(s)
    return s
  }

  it('E24: is tried again like any other execution', () => {
    const s = session()
    does(s, 'undo-a', error('AGENT'))
    expect(s.execution('undo-a').status).toBe('WAITING')
    s.after(1_000)
    does(s, 'undo-a')
    expect(status(s)).toMatchObject({ a: 'COMPENSATED' })
  })

  it('E95: that fails is told, and a person is asked', () => {
    const s = session()
    does(s, 'undo-a', FATAL)
    const { id: executionId } = s.execution('undo-a')
    const failure = { class: 'VALIDATION', message: 'it does not fit' }
    const told = s.last.events.find(({ type }) => type === 'COMPENSATION_FAILED')
    expect(told).toMatchObject({ executionId, data: { key: 'a', error: failure } })
    expect(lastAsked(s)).toMatchObject({
      kind: 'QUESTION',
      status: 'OPEN',
      executionId,
      choices: ['RETRY', 'SKIP', 'STOP'],
      shown: { key: 'a', error: failure },
      question: 'What "a" did could not be undone: it does not fit. Shall it be tried again?',
    })
    expect(s.execution('undo-a').status).toBe('WAITING')
    expect(s.state.status).toBe('ROLLING_BACK')
  })

  it('E95: RETRY begins anew, with attempts of its own', () => {
    const s = session()
    does(s, 'undo-a', FATAL)
    answers(s, 'RETRY')
    expect(s.execution('undo-a')).toMatchObject({ status: 'READY', counted: 0, lost: 0 })
    expect(s.last.effects).toEqual([{ type: 'ENQUEUE', executionId: s.execution('undo-a').id }])
    does(s, 'undo-a')
    expect(s.execution('undo-a')).toMatchObject({ status: 'ACCEPTED' })
    expect(s.execution('undo-a').error).toBeUndefined()
    expect(status(s)).toMatchObject({ a: 'COMPENSATED', 'undo-b': 'READY' })
  })

  it('E95: SKIP goes on with the next one', () => {
    const s = session()
    does(s, 'undo-a', FATAL)
    answers(s, 'SKIP')
    expect(status(s)).toMatchObject({ a: 'ACCEPTED', 'undo-a': 'FAILED', 'undo-b': 'READY' })
    expect(s.execution('undo-a').error).toEqual({ class: 'VALIDATION', message: 'it does not fit' })
    does(s, 'undo-b')
    expect(s.state.status).toBe('ROLLED_BACK')
  })

  it('E95: is skipped when nobody answers', () => {
    const s = session()
    does(s, 'undo-a', FATAL)
    s.after(86_400_000)
    expect(status(s)).toMatchObject({ a: 'ACCEPTED', 'undo-a': 'FAILED', 'undo-b': 'READY' })
  })

  it('E95: STOP gives the rollback up', () => {
    const s = session()
    does(s, 'undo-a', FATAL)
    answers(s, 'STOP')
    expect(status(s)).toMatchObject({ a: 'ACCEPTED', b: 'ACCEPTED', 'undo-a': 'FAILED', 'undo-b': 'CANCELED' })
    expect(s.state).toMatchObject({ status: 'FAILED', reason: 'the rollback was given up: it was wrong' })
  })

  it('E95: that nobody takes in time has failed too', () => {
    const s = session()
    s.after(3_600_000)
    expect(lastAsked(s)).toMatchObject({ status: 'OPEN', about: { undo: 'a' } })
  })

  it('E60: may ask a person, and E95 is not given up by itself when that one refuses', () => {
    const s = session()
    does(s, 'undo-a', { kind: 'ASK', ask: { kind: 'QUESTION', question: 'Which one?', shown: null }, usage: {} })
    answers(s, 'ANSWER', { text: 'that one' })
    does(s, 'undo-a', { kind: 'ASK', ask: { kind: 'QUESTION', question: 'Really?', shown: null }, usage: {} })
    answers(s, 'REJECT', { text: 'no' })
    expect(s.execution('undo-a')).toMatchObject({ status: 'WAITING', error: { class: 'REJECTED' } })
    expect(lastAsked(s)).toMatchObject({ status: 'OPEN', about: { undo: 'a' } })
    answers(s, 'SKIP')
    expect(status(s)).toMatchObject({ 'undo-a': 'FAILED', 'undo-b': 'READY' })
  })
})

describe('the workspace', () => {
  it('E96: goes back to how the session found it where a checkpoint has no commit', () => {
    const session = done({}, 'begin')
    rollsBack(session, 9, [session.execution('a').id])
    expect(session.state.rollback).toMatchObject({ toSeq: 9, commit: 'begin' })
  })

  it('E96: is brought back to its commit after the compensations', () => {
    const session = done({}, 'begin')
    expect(session.state.baseCommit).toBe('begin')
    rollsBack(session)
    does(session, 'undo-a')
    does(session, 'undo-b')
    expect(session.state).toMatchObject({ status: 'ROLLING_BACK', rollback: { phase: 'RESTORING', commit: 'begin' } })
    expect(session.last.effects).toEqual([{ type: 'RESTORE' }])
    session.happen({ type: 'RESTORED' })
    expect(session.last.events).toMatchObject([
      { type: 'WORKSPACE_RESTORED', data: { commit: 'begin' } },
      { type: 'SESSION_ROLLED_BACK' },
    ])
    expect(session.state.status).toBe('ROLLED_BACK')
  })

  it('E96: is brought back to that of a checkpoint', () => {
    const session = done({}, 'begin')
    const { id } = session.execution('b')
    rollsBack(session, 9, [id, session.execution('a').id], 'commit of a')
    expect(session.state.rollback).toMatchObject({ phase: 'RESTORING', commit: 'commit of a' })
  })

  it('E2: is not brought back when nobody asked for it', () => {
    const session = done({}, 'begin')
    expect(session.happen({ type: 'RESTORED' }).refused).toBe('no workspace is being restored')
    rollsBack(session)
    expect(session.happen({ type: 'RESTORED' }).refused).toBe('no workspace is being restored')
  })

  const restoring = (): Begun => {
    const session = begun(planOf('SEQUENTIAL', ['a', 'b']), {}, 'begin')
    rollsBack(session)
    session.happen({ type: 'RESTORED', error: 'it is locked' })
    return session
  }

  it('E96: that could not be brought back makes a person be asked, once', () => {
    const session = restoring()
    expect(types(session.last)).toEqual(['COMPENSATION_FAILED', 'INTERRUPT_RAISED'])
    expect(lastAsked(session)).toMatchObject({
      kind: 'QUESTION',
      question: 'The workspace could not be brought back: it is locked. Shall it be tried again?',
      shown: { commit: 'begin', error: 'it is locked' },
    })
    expect(session.happen({ type: 'RESTORED' }).refused).toBe('a person has been asked already')
  })

  it('E96: is tried again with RETRY', () => {
    const session = restoring()
    expect(answers(session, 'RETRY').effects).toEqual([{ type: 'RESTORE' }])
    session.happen({ type: 'RESTORED' })
    expect(session.state.status).toBe('ROLLED_BACK')
  })

  it.each(['SKIP', 'expiry'] as const)('E96: stays as it is after %s', (how) => {
    const session = restoring()
    if (how === 'SKIP') answers(session, 'SKIP')
    else session.after(86_400_000)
    expect(session.state.status).toBe('ROLLED_BACK')
  })

  it('E96: stays as it is with STOP, and the session has FAILED', () => {
    const session = restoring()
    answers(session, 'STOP')
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'the rollback was given up: it was wrong' })
  })
})
