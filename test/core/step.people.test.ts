import { describe, expect, it } from 'vitest'
import { nextTick } from '../../src/core/tick.ts'
import {
  ACCEPT,
  asking,
  asks,
  BEGIN,
  COMMAND,
  type Driven,
  error,
  gated,
  idOf,
  MINUTE,
  OK,
  ok,
  part,
  planOf,
  queued,
  running,
  types,
  withPolicy,
} from './sessions.ts'

const DAY = 86_400_000

describe('a session that is PAUSED', () => {
  it('E73: lets what runs go on, and nothing new begin', () => {
    const session = running(planOf('PARALLEL', ['a', 'b', part('c', { gates: [COMMAND] })]))
    session.claim('a')
    session.do('c')
    expect(session.pause('lunch')).toMatchObject({ events: [{ type: 'SESSION_PAUSED', data: { reason: 'lunch' } }] })
    expect(session.last.effects).toEqual([])
    expect(session.claim('b').refused).toBe('the session takes no claims: PAUSED')
    session.report('a', OK)
    session.verdict('c', ACCEPT)
    expect(session.statuses().map(([, status]) => status)).toEqual(['ACCEPTED', 'READY', 'ACCEPTED'])
    expect(session.state.status).toBe('PAUSED')
  })

  it('E73: offers again what is READY once it is resumed, in the order of the plan', () => {
    const session = running(planOf('PARALLEL', ['b', 'a']))
    session.wait(10)
    session.pause()
    session.wait(20)
    expect(session.resume().events.map(({ type }) => type)).toEqual(['SESSION_RUNNING'])
    expect(session.last.effects).toEqual([
      { type: 'ENQUEUE', executionId: idOf('b') },
      { type: 'ENQUEUE', executionId: idOf('a') },
    ])
    expect(session.execution('a').readyAt).toBe(BEGIN + 30)
    expect(session.state).toMatchObject({ waitedMs: 20 })
  })

  it('E8: does not run out of time, nor does what waits for an agent', () => {
    const session = running(planOf('SEQUENTIAL', [part('a', { timeouts: { queueMs: 1_000 } })]), { totalMs: 5_000 })
    session.wait(400)
    session.pause()
    expect(nextTick(session.state)).toBeUndefined()
    expect(session.after(DAY).events).toEqual([])
    session.resume()
    expect(nextTick(session.state)).toBe(session.now + 1_000)
    session.claim('a', DAY)
    session.after(4_599)
    expect(session.state.status).toBe('RUNNING')
    session.after(1)
    expect(session.state.status).toBe('CANCELING')
  })

  it('E73: keeps answers and retries until it is resumed', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.do('a', asks())
    session.do('b', error('AGENT'))
    session.pause()
    session.answer('ANSWER')
    session.after(MINUTE)
    expect(session.statuses().map(([, status]) => status)).toEqual(['READY', 'READY'])
    expect(session.state.status).toBe('PAUSED')
    session.resume()
    expect(session.last.effects).toHaveLength(2)
  })

  it('E59: waits for people once it is resumed if nothing else is left to do', () => {
    const session = asking()
    session.pause()
    expect(session.state.status).toBe('PAUSED')
    expect(types(session.resume())).toEqual(['SESSION_RUNNING', 'SESSION_INTERRUPTED'])
    expect(session.state.waitedMs).toBe(0)
  })

  it('E7: ends once nothing is left to do, and runs again for that', () => {
    const session = running(planOf('SEQUENTIAL', ['a']))
    session.claim('a')
    session.pause()
    session.wait(5)
    session.report('a', OK)
    expect(types(session.last).slice(-2)).toEqual(['SESSION_RUNNING', 'SESSION_SUCCEEDED'])
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', endedAt: BEGIN + 5, waitedMs: 5 })
  })
})

describe('a plan under review', () => {
  const reviewed = (parts = ['a', 'b']) => running(planOf('SEQUENTIAL', parts), {}, withPolicy({ review: true }))

  it('E72: is shown to a person before anything begins', () => {
    const session = reviewed()
    expect(types(session.last)).toEqual([
      'SESSION_ANALYZING',
      'PLAN_MADE',
      'SESSION_AWAITING_APPROVAL',
      'INTERRUPT_RAISED',
    ])
    expect(session.state.executions).toEqual({})
    expect(session.state).not.toHaveProperty('startedAt')
    expect(session.last.effects).toEqual([])
    expect(session.asked).toMatchObject({
      kind: 'PLAN',
      question: 'Is this plan of 2 executions to be carried out?',
      shown: { version: 1, plan: session.state.plan },
      choices: ['APPROVE', 'REJECT'],
      onExpiry: { choice: 'REJECT', text: 'nobody approved it in time' },
    })
    expect(session.asked).not.toHaveProperty('executionId')
    expect(session.claim('a').refused).toBe('no such execution in this session')
  })

  it('E72: begins with APPROVE; what it took to be approved is not its time', () => {
    const session = reviewed()
    session.wait(60 * MINUTE)
    session.answer('APPROVE')
    expect(types(session.last)).toEqual([
      'INTERRUPT_ANSWERED',
      'SESSION_RUNNING',
      'EXECUTION_READY',
      'EXECUTION_BLOCKED',
    ])
    expect(session.state).toMatchObject({ status: 'RUNNING', startedAt: session.now })
    session.after(60 * MINUTE - 1)
    expect(session.state.status).toBe('RUNNING')
    session.after(1)
    expect(session.state.status).toBe('TIMED_OUT')
  })

  it.each([
    ['REJECT', (session: Driven) => session.answer('REJECT', { text: 'too dear' }), 'ada: too dear'],
    ['REJECT without a word', (session: Driven) => session.answer('REJECT'), 'ada: no reason given'],
    ['no answer', (session: Driven) => session.after(DAY), 'expiry: nobody approved it in time'],
  ])('E72: ends the session before anything has begun with %s', (_, happens, why) => {
    const session = reviewed()
    happens(session)
    const reason = `the plan was rejected by ${why}`
    expect(session.state).toMatchObject({ status: 'CANCELED', reason, endedAt: session.now, executions: {} })
    expect(session.last.events.at(-1)).toMatchObject({ type: 'SESSION_CANCELED', data: { reason } })
  })

  it('E71: takes over what an earlier session has accepted once it is approved', () => {
    const earlier = running(planOf('SEQUENTIAL', ['a', 'b']))
    earlier.do('a', ok(1))
    const session = reviewed()
    session.answer('APPROVE', {}, { carried: earlier.state.executions })
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', output: 1, carriedId: idOf('a') })
    expect(session.execution('b').status).toBe('READY')
  })

  const earlier = (): Driven => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b', 'c', 'd']))
    for (const key of ['a', 'b', 'c']) session.do(key, ok(key))
    return session
  }
  /** A plan that is reviewed though it takes something over. */
  const goesOn = (carried = earlier().state.executions): Driven => {
    const session = queued(planOf('SEQUENTIAL', ['a', 'b', 'c', 'd']), {}, withPolicy({ review: true }))
    session.plan(carried)
    return session
  }
  const carriedBy = ({ asked }: Driven): unknown => (asked.shown as { carried?: unknown }).carried

  it('E72: shows what it takes over, and only that', () => {
    expect(carriedBy(goesOn())).toEqual({ a: idOf('a'), b: idOf('b'), c: idOf('c') })
    const { b: _, ...rest } = earlier().state.executions
    expect(carriedBy(goesOn(rest))).toEqual({ a: idOf('a') })
    expect(goesOn({}).asked.shown).not.toHaveProperty('carried')
    expect(goesOn().asked.shownHash).not.toBe(goesOn({}).asked.shownHash)
  })

  it('E72: needs no second approval where it was approved before', () => {
    const session = queued(planOf('SEQUENTIAL', ['a']), {}, withPolicy({ review: true }))
    session.happen({ type: 'PLAN', executionIds: {}, approved: true })
    expect(session.state).toMatchObject({ status: 'RUNNING', policy: { review: true }, interrupts: [] })
  })

  it('E71: shows after an edit what is still taken over: neither what was changed nor what was made from it', () => {
    const session = goesOn()
    const { plan } = session.state
    const change = (key: string) => plan.nodes.map((node) => (node.key === key ? { ...node, title: 'new' } : node))
    session.happen({ type: 'EDIT', plan: { ...plan, nodes: change('d') }, version: 1, by: 'bob' })
    expect(carriedBy(session)).toEqual({ a: idOf('a'), b: idOf('b'), c: idOf('c') })
    session.happen({ type: 'EDIT', plan: { ...plan, nodes: change('b') }, version: 2, by: 'bob' })
    expect(carriedBy(session)).toEqual({ a: idOf('a') })
    // What has been given up does not come back.
    session.happen({ type: 'EDIT', plan, version: 3, by: 'bob' })
    expect(carriedBy(session)).toEqual({ a: idOf('a') })
  })

  it('E103: can be edited: the question about the old version is VOID, the new one is asked about', () => {
    const session = reviewed()
    const { asked: old } = session
    const plan = planOf('SEQUENTIAL', ['a', 'b', 'c'])
    session.happen({ type: 'EDIT', plan, version: 1, by: 'bob' })
    expect(session.last.events).toMatchObject([
      { type: 'INTERRUPT_VOID', data: { interruptId: old.id, why: 'the plan was edited by bob' } },
      { type: 'PLAN_CHANGED', data: { version: 2, added: [], why: 'edited by bob' } },
      { type: 'INTERRUPT_RAISED' },
    ])
    expect(session.state).toMatchObject({ status: 'AWAITING_APPROVAL', planVersion: 2, plan })
    expect(session.asked).toMatchObject({ status: 'OPEN', shown: { version: 2, plan } })
    expect(session.asked.shownHash).not.toBe(old.shownHash)
    session.happen({ type: 'EDIT', plan: planOf('SEQUENTIAL', ['d']), version: 1, by: 'eve' })
    expect(session.last.refused).toBe('version 1 of the plan was edited, but it is at version 2 now')
    expect(session.answer('APPROVE', {}, { interruptId: old.id }).refused).toBe('the interrupt is VOID')
    expect(session.answer('APPROVE', {}, { shownHash: old.shownHash }).refused).toContain('VOID')
    session.answer('APPROVE')
    expect(session.statuses().map(([key]) => key)).toEqual(['a', 'b', 'c'])
  })

  it('E103: cannot be edited once it has as many versions as its session may have', () => {
    const plan = planOf('SEQUENTIAL', ['a'])
    const session = running(plan, { planVersions: 3 }, withPolicy({ review: true }))
    const edit = (version: number) => session.happen({ type: 'EDIT', plan, version, by: 'bob' }).refused
    expect([edit(1), edit(2)]).toEqual([undefined, undefined])
    const full = 'LIMIT: the plan has 3 versions, which is the limit of its session: approve the last one, or reject it'
    expect(edit(3)).toBe(full)
    expect(session.last.events).toEqual([])
    expect(session.state).toMatchObject({ planVersion: 3, interrupts: [{}, {}, { status: 'OPEN' }] })
    session.answer('APPROVE')
    expect(session.state.status).toBe('RUNNING')
  })

  it('E76: is no longer asked about once the session is canceled', () => {
    const session = reviewed()
    session.cancel('enough')
    expect(types(session.last)).toEqual(['INTERRUPT_VOID', 'SESSION_CANCELED'])
  })
})

describe('a session that is canceled', () => {
  it('E76: while it is PAUSED or waits for people stops all that is left', () => {
    const session = running(planOf('PARALLEL', ['a', 'b', part('c', { gates: [COMMAND] }), 'd']))
    session.do('a', asks())
    session.do('b', error('AGENT'))
    session.do('c')
    session.pause()
    session.cancel('enough')
    expect(types(session.last)).toEqual([
      'SESSION_CANCELING',
      'INTERRUPT_VOID',
      ...[1, 2, 3, 4].map(() => 'EXECUTION_CANCELED'),
      'SESSION_CANCELED',
    ])
  })

  it('E78: ignores verdicts and answers for what was stopped', () => {
    const session = gated([COMMAND])
    session.do('a')
    session.cancel()
    expect(session.verdict('a', ACCEPT).refused).toBe('the session has ended: CANCELED')
  })
})
