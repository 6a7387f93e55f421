import { describe, expect, it } from 'vitest'
import { type Report } from '../../src/core/attempt.ts'
import { nextTick } from '../../src/core/tick.ts'
import { BEGIN, CANCELED, error, idOf, LOST, MINUTE, OK, ok, part, planOf, queued, running, types } from './sessions.ts'

const HOUR = 60 * MINUTE
const one = () => running(planOf('SEQUENTIAL', ['a']))
const timeout = (kind: 'ATTEMPT' | 'IDLE'): Report => ({ kind: 'TIMEOUT', timeout: kind, usage: { cpuMs: 5 } })

describe('limits in time', () => {
  it('E31: QUEUE: an execution that no agent takes fails', () => {
    const session = running(planOf('SEQUENTIAL', [part('a', { timeouts: { queueMs: 5_000 } })]))
    expect(session.after(4_999).events).toEqual([])
    session.after(1)
    const failure = { class: 'TIMEOUT', message: 'TIMEOUT QUEUE: no agent took it within 5000 ms' }
    expect(session.execution('a')).toMatchObject({ status: 'FAILED', error: failure, attempt: 0 })
    expect(session.state.status).toBe('FAILED')
  })

  it('E31: QUEUE: counts anew with each retry', () => {
    const session = running(planOf('SEQUENTIAL', [part('a', { timeouts: { queueMs: 5_000 } })]))
    session.wait(4_999)
    session.do('a', LOST)
    session.after(4_999)
    expect(session.execution('a').status).toBe('READY')
    session.after(1)
    expect(session.execution('a').status).toBe('FAILED')
  })

  it.each([
    ['ATTEMPT', 'attempt 1 took too long'],
    ['IDLE', 'attempt 1 showed no activity for too long'],
  ] as const)('E32: %s: the attempt fails and is tried again', (kind, message) => {
    const session = one()
    session.do('a', timeout(kind))
    expect(session.execution('a')).toMatchObject({
      status: 'WAITING',
      counted: 1,
      current: {
        status: 'TIMEOUT',
        timeout: kind,
        retryable: true,
        error: { class: 'TIMEOUT', message },
        usage: { cpuMs: 5 },
      },
    })
  })

  it('E33: TOTAL: the session is stopped and ends TIMED_OUT', () => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b']), { totalMs: 60_000 })
    session.claim('a')
    session.after(59_999)
    expect(session.state.status).toBe('RUNNING')
    session.after(1)
    const reason = 'TIMEOUT TOTAL: the session took longer than 60000 ms'
    expect(session.state).toMatchObject({ status: 'CANCELING', ending: { move: 'TIME_OUT', reason } })
    expect(session.last.effects).toEqual([{ type: 'ABORT', executionId: idOf('a'), attemptId: 'attempt-1', reason }])
    session.report('a', CANCELED)
    expect(session.state).toMatchObject({ status: 'TIMED_OUT', reason })
    expect(session.statuses()).toEqual([['a', 'CANCELED'], ['b', 'CANCELED']]) // prettier-ignore
  })

  it('E34: TOTAL: comes before everything else that is due at the same time', () => {
    const session = running(planOf('SEQUENTIAL', [part('a', { timeouts: { queueMs: 60_000 } })]), { totalMs: 60_000 })
    session.after(60_000)
    expect(session.state.status).toBe('TIMED_OUT')
    expect(session.execution('a').status).toBe('CANCELED')
  })

  it('E33: TOTAL: counts from the start, not from when it was queued', () => {
    const session = queued(planOf('SEQUENTIAL', ['a']), { totalMs: 60_000 })
    expect(session.after(HOUR)).toMatchObject({ events: [], state: { status: 'QUEUED' } })
    session.plan()
    session.after(59_999)
    expect(session.state.status).toBe('RUNNING')
  })

  it('E35: are let pass without an event when nothing is due', () => {
    const session = one()
    const { state } = session
    expect(session.after(1)).toEqual({ state, events: [], verdicts: [], effects: [] })
  })
})

describe('E76: cancel', () => {
  it('ends a session in which nothing runs at once', () => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b']))
    session.do('a', ok('kept'))
    session.cancel('enough')
    expect(types(session.last)).toEqual(['SESSION_CANCELING', 'EXECUTION_CANCELED', 'SESSION_CANCELED'])
    expect(session.state).toMatchObject({ status: 'CANCELED', reason: 'enough', endedAt: BEGIN })
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', output: 'kept' })
    expect(session.execution('b')).toMatchObject({ status: 'CANCELED', endedAt: BEGIN })
    expect(session.last.events[1]?.data).toEqual({ key: 'b', reason: 'enough' })
  })

  it('reaches what runs, and waits for it to stop', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.claim('a')
    session.cancel('enough')
    expect(session.state).toMatchObject({
      status: 'CANCELING',
      ending: { move: 'CANCEL', reason: 'enough', graceUntil: BEGIN + 30_000 },
    })
    expect(session.statuses()).toEqual([['a', 'RUNNING'], ['b', 'CANCELED']]) // prettier-ignore
    expect(session.last.effects).toEqual([
      { type: 'ABORT', executionId: idOf('a'), attemptId: 'attempt-1', reason: 'enough' },
    ])
    session.report('a', CANCELED)
    expect(session.execution('a')).toMatchObject({
      status: 'CANCELED',
      current: { status: 'CANCELED' },
    })
    expect(Object.keys(session.attempt('a'))).not.toContain('error')
    expect(session.state.status).toBe('CANCELED')
  })

  it.each([OK, LOST, error('AGENT'), timeout('ATTEMPT')])(
    'E29: never retries, whatever is reported: $kind',
    (report) => {
      const session = one()
      session.claim('a')
      session.cancel()
      session.report('a', report)
      expect(session.execution('a')).toMatchObject({ status: 'CANCELED', current: { status: report.kind } })
      expect(session.state.status).toBe('CANCELED')
      expect(session.effects.filter(({ type }) => type === 'ENQUEUE')).toHaveLength(1)
    },
  )

  it('E77: fences off after the grace what has not stopped', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.claim('a', HOUR)
    session.cancel()
    expect(session.after(29_999).events).toEqual([])
    expect(types(session.after(1))).toEqual(['ATTEMPT_ENDED', 'EXECUTION_CANCELED', 'SESSION_CANCELED'])
    const reason = 'did not stop within the grace and was fenced off'
    expect(session.execution('a')).toMatchObject({
      status: 'CANCELED',
      fence: 2,
      endedAt: BEGIN + 30_000,
      current: { status: 'CANCELED', fence: 1, endedAt: BEGIN + 30_000, error: { class: 'LOST', message: reason } },
    })
    expect(session.last.events).toMatchObject([
      { attemptId: 'attempt-1', data: { key: 'a', number: 1, status: 'CANCELED' } },
      { data: { key: 'a', reason } },
      {},
    ])
    expect(session.state.status).toBe('CANCELED')
  })

  it('E77: does not wait longer than the lease that it finds', () => {
    const session = one()
    session.claim('a', 1_000)
    session.cancel()
    session.after(1_000)
    expect(session.state.status).toBe('CANCELED')
  })

  it('E78: happens once', () => {
    const session = one()
    session.claim('a')
    session.cancel('first')
    expect(session.cancel('second')).toMatchObject({ refused: 'the session is being stopped already', events: [] })
    expect(session.state.ending?.reason).toBe('first')
  })

  it('does not tell twice what was told to stop already', () => {
    const plan = planOf('PARALLEL', ['a', 'b'])
    const session = running({ ...plan, groups: plan.groups.map((g) => ({ ...g, onFailure: 'FAIL_FAST' as const })) })
    session.claim('b')
    session.do('a', error('AUTH'))
    expect(session.cancel().effects).toEqual([])
    session.report('b', CANCELED)
    expect(session.state.status).toBe('CANCELED')
  })

  it('E5: takes a late result for what it is: nothing of it changes the session', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']), { cancelGraceMs: 10 })
    session.claim('a')
    session.cancel()
    session.after(10)
    const { state } = session
    expect(session.report('a', OK)).toMatchObject({ state, refused: 'the session has ended: CANCELED', events: [] })
  })
})

describe('E35: when time next matters to a session', () => {
  it('never, before it begins and after it has ended', () => {
    const session = queued(planOf('SEQUENTIAL', ['a']))
    expect(nextTick(session.state)).toBeUndefined()
    session.plan()
    session.do('a')
    expect(nextTick(session.state)).toBeUndefined()
  })

  it('when the QUEUE limit of what is READY is reached', () => {
    const session = running(planOf('SEQUENTIAL', [part('a', { timeouts: { queueMs: 5_000 } })]))
    expect(nextTick(session.state)).toBe(BEGIN + 5_000)
  })

  it('when a lease runs out', () => {
    const session = one()
    session.claim('a', 7_000)
    expect(nextTick(session.state)).toBe(BEGIN + 7_000)
  })

  it('when a pause is over', () => {
    const session = one()
    session.do('a', error('AGENT'))
    expect(nextTick(session.state)).toBe(BEGIN + 500)
  })

  it('when the TOTAL limit is reached, if nothing else comes before', () => {
    const session = running(planOf('SEQUENTIAL', ['a']), { totalMs: 60_000 })
    expect(nextTick(session.state)).toBe(BEGIN + 60_000)
  })

  it('E77: when the grace of what is being stopped is over', () => {
    const session = running(planOf('SEQUENTIAL', ['a']), { totalMs: 60_000 })
    session.claim('a', HOUR)
    session.wait(50_000)
    session.cancel()
    expect(nextTick(session.state)).toBe(BEGIN + 80_000)
  })
})
