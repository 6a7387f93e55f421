import { checkpointAt } from '../../src/core/checkpoint.ts'
import type { Event } from '../../src/core/event.ts'
import { describe, expect, it } from 'vitest'
import type { ExecutionState } from '../../src/core/execution.ts'
import { BEGIN, error, idOf, LOST, MINUTE, OK, ok, planOf, queued, running, types } from './sessions.ts'

const HOUR = 60 * MINUTE
const one = () => running(planOf('SEQUENTIAL', ['a']))

describe('opening a session', () => {
  it('E6: makes it QUEUED with the first event', () => {
    const session = queued(planOf('PIPELINE', ['a']), {}, { priority: 7, retryOfId: 'earlier' })
    expect(session.state).toMatchObject({
      status: 'QUEUED',
      pattern: 'PIPELINE',
      priority: 7,
      retryOfId: 'earlier',
      version: 1,
      seq: 1,
      planVersion: 1,
      executions: {},
      createdAt: BEGIN,
    })
    expect(session.events).toEqual([
      { seq: 1, type: 'SESSION_QUEUED', data: { pattern: 'PIPELINE', taskId: 'task' }, at: BEGIN },
    ])
  })
})

describe('planning a session', () => {
  it('E6: makes it RUNNING with an execution for each node and begins with what waits for nothing', () => {
    const session = queued(planOf('SEQUENTIAL', ['a', 'b']))
    session.wait(3)
    expect(types(session.plan())).toEqual([
      'SESSION_ANALYZING',
      'PLAN_MADE',
      'SESSION_RUNNING',
      'EXECUTION_READY',
      'EXECUTION_BLOCKED',
    ])
    expect(session.state).toMatchObject({ status: 'RUNNING', startedAt: BEGIN + 3, createdAt: BEGIN, version: 2 })
    expect(session.execution('b')).toMatchObject({ id: idOf('b'), position: 1 })
    expect(session.events[2]?.data).toEqual({ version: 1, pattern: 'SEQUENTIAL', nodes: ['a', 'b'] })
  })

  it('E6: happens once', () => {
    const session = one()
    const { state, last } = session
    expect(session.plan()).toEqual({
      state,
      events: [],
      verdicts: [],
      effects: [],
      refused: 'the session has its plan: RUNNING',
    })
    expect(last.refused).toBeUndefined()
  })
})

describe('E71: a session that tries an earlier one again', () => {
  const earlier = (change: Partial<ExecutionState>): ExecutionState => {
    return {
      id: 'old',
      key: 'a',
      position: 0,
      status: 'ACCEPTED',
      attempt: 1,
      counted: 1,
      lost: 0,
      fence: 1,
      ...change,
    }
  }

  it('takes over what was accepted, sets checkpoints after it, and goes on behind it', () => {
    const session = queued(planOf('SEQUENTIAL', ['a', 'b']))
    const result = { output: { n: 1 }, summary: 'Found it', evidence: [{ passed: true }], agentId: 'finder' }
    session.plan({ a: earlier(result) })
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', carriedId: 'old', attempt: 0, ...result })
    expect(session.execution('b')).toMatchObject({
      status: 'READY',
      input: { upstream: [{ key: 'a', executionId: idOf('a'), status: 'ACCEPTED' }] },
    })
    const { seq } = session.events.findLast(({ type }) => type === 'CHECKPOINT_MADE') as Event
    expect(checkpointAt(session.state, seq)).toEqual({ accepted: [idOf('a')] })
    expect(session.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('b') }])
  })

  it('takes over a result that consists of files alone', () => {
    const session = queued(planOf('SEQUENTIAL', ['a', 'b']))
    session.plan({ a: earlier({}) })
    const { id, status, carriedId, endedAt } = session.execution('a')
    expect([id, status, carriedId, endedAt]).toEqual([idOf('a'), 'ACCEPTED', 'old', BEGIN])
    expect(Object.keys(session.execution('a'))).not.toContain('output')
  })

  it('names the execution that did the work, however often it was carried', () => {
    const session = queued(planOf('SEQUENTIAL', ['a']))
    session.plan({ a: earlier({ carriedId: 'oldest' }) })
    expect(session.execution('a').carriedId).toBe('oldest')
  })

  it.each(['FAILED', 'SKIPPED', 'CANCELED', 'RUNNING'] as const)('tries again what was %s', (status) => {
    const session = queued(planOf('SEQUENTIAL', ['a']))
    session.plan({ a: earlier({ status }) })
    expect(session.execution('a').status).toBe('READY')
    expect(session.execution('a').carriedId).toBeUndefined()
  })

  it('writes a report on failed branches anew, though it was accepted', () => {
    const plan = planOf('PARALLEL', ['a', 'b'], { aggregate: 'COLLECT' })
    const first = running(plan)
    first.do('a', ok(1))
    first.do('b', error('AUTH'))
    expect(first.execution('collect').status).toBe('ACCEPTED')
    const second = queued(plan)
    second.plan(first.state.executions)
    expect(second.statuses()).toEqual([['a', 'ACCEPTED'], ['b', 'READY'], ['collect', 'BLOCKED']]) // prettier-ignore
    second.do('b', ok(2))
    expect(second.state.status).toBe('SUCCEEDED')
    expect(second.state.output).toMatchObject([{ output: 1 }, { output: 2 }])
  })

  it('passes over keys that its plan does not have', () => {
    const session = queued(planOf('SEQUENTIAL', ['a']))
    session.plan({ z: earlier({ key: 'z' }) })
    expect(session.statuses()).toEqual([['a', 'READY']])
  })

  it('ends at once if everything was accepted', () => {
    const session = queued(planOf('SEQUENTIAL', ['a']))
    session.plan({ a: earlier({ output: 1 }) })
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', output: 1 })
  })
})

describe('claiming an execution', () => {
  it('E19: gives it to an agent with a lease and a fence', () => {
    const session = one()
    session.wait(9)
    session.claim('a', 5_000)
    expect(session.execution('a')).toMatchObject({
      status: 'RUNNING',
      agentId: 'agent',
      selection: { score: 1 },
      attempt: 1,
      fence: 1,
      startedAt: BEGIN + 9,
      current: {
        id: 'attempt-1',
        number: 1,
        status: 'RUNNING',
        agentId: 'agent',
        agentVersion: 1,
        fence: 1,
        owner: 'server',
        leaseUntil: BEGIN + 5_009,
        startedAt: BEGIN + 9,
      },
    })
    expect(
      session.last.events.map(({ type, executionId, attemptId, data }) => [type, executionId, attemptId, data]),
    ).toEqual([
      ['EXECUTION_ASSIGNED', idOf('a'), undefined, { key: 'a', agentId: 'agent', selection: { score: 1 } }],
      ['ATTEMPT_STARTED', idOf('a'), 'attempt-1', { key: 'a', number: 1, agentId: 'agent' }],
      ['EXECUTION_RUNNING', idOf('a'), undefined, { key: 'a' }],
    ])
  })

  it('E19: keeps when it first began, and grows number and fence, with the next attempt', () => {
    const session = one()
    session.do('a', LOST)
    session.wait(8)
    session.claim('a')
    expect(session.execution('a')).toMatchObject({
      startedAt: BEGIN,
      attempt: 2,
      fence: 2,
      current: { number: 2, fence: 2, startedAt: BEGIN + 8 },
    })
  })

  it('E20: is refused for an execution that is not READY', () => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b']))
    expect(session.claim('b')).toMatchObject({ refused: 'the execution is not READY: BLOCKED', events: [] })
    session.claim('a')
    expect(session.claim('a')).toMatchObject({ refused: 'the execution is not READY: RUNNING', events: [] })
    session.report('a', OK)
    expect(session.claim('a').refused).toBe('the execution is not READY: ACCEPTED')
  })

  it('E20: is refused for an execution of another session', () => {
    expect(one().claim('z')).toMatchObject({ refused: 'no such execution in this session', events: [] })
  })

  it('E20: is refused while the session is being stopped', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.claim('a')
    session.cancel()
    expect(session.claim('b')).toMatchObject({ refused: 'the session takes no claims: CANCELING', events: [] })
  })
})

describe('E2, E21: a report that comes late or twice', () => {
  const STALE = 'STALE_LEASE: the attempt is no longer the current one'

  it.each([
    ['another attempt', { attemptId: 'forged' }],
    ['an older fence', { fence: 0 }],
    ['a fence that was never given', { fence: 2 }],
  ])('is refused when it names %s, and leaves nothing but an event', (_, change) => {
    const session = one()
    session.claim('a')
    const { executions } = session.state
    const report = {
      type: 'REPORT',
      executionId: idOf('a'),
      attemptId: 'attempt-1',
      fence: 1,
      report: OK,
      jitter: 0,
    } as const
    const late = session.happen({ ...report, ...change })
    expect(late).toMatchObject({ refused: STALE, effects: [] })
    expect(late.events).toMatchObject([
      {
        type: 'ATTEMPT_LATE',
        executionId: idOf('a'),
        attemptId: 'attempt-1',
        data: { key: 'a', kind: 'OK' },
        ...('attemptId' in change && change),
      },
    ])
    expect(session.state.executions).toEqual(executions)
    expect(session.state.version).toBe(4)
  })

  it('is refused the second time: the first one counts', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.do('a', ok('first'))
    expect(session.report('a', ok('second')).refused).toBe(STALE)
    expect(session.execution('a').output).toBe('first')
  })

  it('is refused from whoever lost the lease, also while the execution waits for somebody else', () => {
    const session = one()
    session.claim('a', 1_000)
    const { fence } = session.attempt('a')
    session.after(1_000)
    const stale = {
      type: 'REPORT',
      executionId: idOf('a'),
      attemptId: 'attempt-1',
      fence,
      report: OK,
      jitter: 0,
    } as const
    expect(session.happen(stale).refused).toBe(STALE)
    session.claim('a')
    expect(session.happen(stale).refused).toBe(STALE)
    expect(session.execution('a')).toMatchObject({ status: 'RUNNING', attempt: 2 })
  })

  it('is refused without an event when there never was such an attempt', () => {
    const session = one()
    const report = { type: 'REPORT', attemptId: 'attempt-1', fence: 1, report: OK, jitter: 0 } as const
    const nothing = { refused: 'no such attempt in this session', events: [] }
    expect(session.happen({ ...report, executionId: idOf('a') })).toMatchObject(nothing)
    expect(session.happen({ ...report, executionId: 'unknown' })).toMatchObject(nothing)
  })
})

describe('E5: a session that has ended', () => {
  it('refuses everything and stays as it is', () => {
    const session = one()
    session.do('a')
    const { state } = session
    const refusal = {
      state,
      refused: 'the session has ended: SUCCEEDED',
      events: [],
      effects: [],
      verdicts: [],
    }
    expect(session.plan()).toEqual(refusal)
    expect(session.claim('a')).toEqual(refusal)
    expect(session.report('a', OK)).toEqual(refusal)
    expect(session.after(HOUR)).toEqual(refusal)
    expect(session.cancel()).toEqual(refusal)
  })
})
