import { describe, expect, it } from 'vitest'
import { ERROR_CLASSES } from '../../src/core/retry.ts'
import { MAX_LOST, type Report } from '../../src/core/attempt.ts'
import { BEGIN, CANCELED, error, idOf, LOST, MINUTE, OK, ok, part, planOf, running, types } from './sessions.ts'

const one = () => running(planOf('SEQUENTIAL', ['a']))

describe('a result', () => {
  it('E36: is accepted with its output, summary and evidence', () => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b']))
    const evidence = [{ name: 'tests', passed: true }]
    session.claim('a')
    session.wait(4)
    session.report('a', { ...OK, output: { n: 1 }, summary: 'Found it', evidence, usage: { cpuMs: 12 } } as Report)
    expect(session.execution('a')).toMatchObject({
      status: 'ACCEPTED',
      output: { n: 1 },
      summary: 'Found it',
      evidence,
      counted: 0,
      endedAt: BEGIN + 4,
      current: { status: 'OK', usage: { cpuMs: 12 }, endedAt: BEGIN + 4 },
    })
    expect(Object.keys(session.attempt('a'))).not.toContain('error')
    expect(session.last.events.slice(0, 4)).toMatchObject([
      { type: 'ATTEMPT_ENDED', attemptId: 'attempt-1', data: { key: 'a', number: 1, status: 'OK' } },
      { type: 'EXECUTION_VALIDATING' },
      { type: 'EXECUTION_ACCEPTED', data: { key: 'a', summary: 'Found it' } },
      { type: 'CHECKPOINT_MADE' },
    ])
  })

  it.each([null, '', ' \n\t', [], {}])('E22: that is empty is nothing: %j', (output) => {
    const session = one()
    session.do('a', ok(output))
    const text = 'it says that it is done, but it left no output and no artifacts'
    expect(session.execution('a')).toMatchObject({
      status: 'READY',
      current: { status: 'OK' },
      feedback: [{ attempt: 1, gate: 'EVIDENCE', text }],
    })
  })

  it.each([0, false, 'x', [null], { a: null }])('E22: that says anything at all is none: %j', (output) => {
    const session = one()
    session.do('a', ok(output))
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', output })
  })

  it('E22: may consist of artifacts alone', () => {
    const session = one()
    session.do('a', { ...OK, output: null, artifacts: 1 } as Report)
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', output: null })
  })
})

describe('E24, E25: a failed attempt', () => {
  it('waits for its pause, then is READY again', () => {
    const session = one()
    session.claim('a')
    session.report('a', error('AGENT', 'oops'), 0.5)
    const resumeAt = BEGIN + 500
    expect(session.execution('a')).toMatchObject({
      status: 'WAITING',
      resumeAt,
      counted: 1,
      evidence: [],
      current: { status: 'ERROR', retryable: true, error: { class: 'AGENT', message: 'oops' }, usage: {} },
    })
    expect(session.last.events).toMatchObject([
      { type: 'ATTEMPT_ENDED', data: { status: 'ERROR', retryable: true, error: { class: 'AGENT', message: 'oops' } } },
      { type: 'EXECUTION_WAITING', data: { resumeAt: new Date(resumeAt).toISOString() } },
    ])
    expect(session.after(499).events).toEqual([])
    expect(types(session.after(1))).toEqual(['EXECUTION_READY'])
    expect(session.execution('a').readyAt).toBe(resumeAt)
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
  })

  it('waits up to twice as long after each further one, and fails after the third', () => {
    const session = one()
    session.do('a', error('AGENT'))
    session.after(1_000)
    session.claim('a')
    session.report('a', error('CRASH'), 0.75)
    expect(session.execution('a').resumeAt).toBe(session.now + 1_500)
    session.after(2_000)
    session.do('a', error('AGENT', 'the last straw'))
    expect(session.execution('a')).toMatchObject({
      status: 'FAILED',
      attempt: 3,
      counted: 3,
      error: { class: 'AGENT', message: 'the last straw' },
      endedAt: session.now,
      current: { retryable: false },
    })
    expect(session.last.events).toMatchObject([
      { type: 'ATTEMPT_ENDED', data: { retryable: false } },
      { type: 'EXECUTION_FAILED', data: { key: 'a', error: { class: 'AGENT', message: 'the last straw' } } },
      { type: 'SESSION_FAILED' },
    ])
  })

  it.each(ERROR_CLASSES)('of class %s is retried by its class alone', (errorClass) => {
    const session = one()
    session.do('a', error(errorClass))
    const never = ['VALIDATION', 'BUDGET', 'AUTH', 'TOO_LARGE', 'REJECTED', 'CHILD'].includes(errorClass)
    expect(session.execution('a').status).toBe(never ? 'FAILED' : 'WAITING')
  })

  it('can’t go on for ever by calling itself LOST', () => {
    const session = one()
    for (let attempt = 1; attempt <= 3; attempt++) {
      session.do('a', error('LOST'))
      session.after(MINUTE)
    }
    expect(session.execution('a')).toMatchObject({ status: 'FAILED', attempt: 3, counted: 3 })
  })

  it('that succeeds at last leaves no trace of failure in the execution', () => {
    const session = one()
    session.do('a', error('AGENT'))
    session.after(MINUTE)
    session.do('a')
    expect(session.execution('a').error).toBeUndefined()
    expect(session.state.status).toBe('SUCCEEDED')
  })
})

describe('E26: an attempt that is LOST', () => {
  it('does not count and is READY again at once', () => {
    const session = one()
    session.do('a', LOST)
    expect(session.execution('a')).toMatchObject({
      status: 'READY',
      attempt: 1,
      counted: 0,
      readyAt: BEGIN,
      current: {
        status: 'LOST',
        retryable: true,
        error: { class: 'LOST', message: 'attempt 1 was lost with the server that drove it' },
      },
    })
    expect(Object.keys(session.attempt('a'))).not.toContain('usage')
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
  })

  it('leaves all attempts of the policy to the agent', () => {
    const session = one()
    session.do('a', LOST)
    session.do('a', error('AGENT'))
    session.after(MINUTE)
    session.do('a', LOST)
    session.do('a', error('AGENT'))
    session.after(MINUTE)
    session.do('a')
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', attempt: 5, counted: 2, lost: 2 })
  })

  it(`ends the execution the ${MAX_LOST}th time: a task that kills its server must end`, () => {
    const session = one()
    for (let time = 1; time < MAX_LOST; time++) session.do('a', LOST)
    expect(session.execution('a').status).toBe('READY')
    session.do('a', LOST)
    expect(session.execution('a')).toMatchObject({
      status: 'FAILED',
      attempt: MAX_LOST,
      error: { class: 'LOST', message: 'attempt 5 was lost with the server that drove it' },
    })
  })

  it('E23: is one that an agent says was canceled though nobody wished it', () => {
    const session = one()
    session.do('a', CANCELED)
    expect(session.execution('a')).toMatchObject({ status: 'READY', counted: 0, current: { status: 'LOST' } })
  })

  it('E23: is one whose lease has run out', () => {
    const session = one()
    session.claim('a', 5_000)
    expect(session.after(4_999).events).toEqual([])
    expect(types(session.after(1))).toEqual(['ATTEMPT_ENDED', 'EXECUTION_READY'])
    expect(session.execution('a')).toMatchObject({ status: 'READY', counted: 0, current: { status: 'LOST' } })
  })

  it('ends the session in the same tick when it was the last that could be lost', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.do('b')
    for (let time = 1; time < MAX_LOST; time++) session.do('a', LOST)
    session.claim('a', 5_000)
    session.after(5_000)
    expect(session.state.status).toBe('FAILED')
    expect(session.events.filter(({ type }) => type === 'SESSION_FAILED')).toHaveLength(1)
  })

  it('stops a group that fails fast in the same tick, whatever else was due in it', () => {
    const plan = planOf('PARALLEL', [part('a'), part('b', { timeouts: { queueMs: 5_000 } })])
    const session = running({ ...plan, groups: plan.groups.map((g) => ({ ...g, onFailure: 'FAIL_FAST' as const })) })
    for (let time = 1; time < MAX_LOST; time++) session.do('a', LOST)
    session.claim('a', 5_000)
    session.after(5_000)
    expect(session.statuses()).toEqual([['a', 'FAILED'], ['b', 'FAILED']]) // prettier-ignore
    expect(session.state.status).toBe('FAILED')
  })
})
