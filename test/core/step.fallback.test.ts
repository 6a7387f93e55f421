import { describe, expect, it } from 'vitest'
import { MAX_LOST, type Report } from '../../src/core/attempt.ts'
import type { SubTask } from '../../src/core/plan.ts'
import { ERROR_CLASSES, type ErrorClass } from '../../src/core/retry.ts'
import { BEGIN, type Driven, error, idOf, LOST, MINUTE, ok, part, planOf, running, types } from './sessions.ts'

/** A session of one part that other agents may try. */
const falling = (fallback: readonly string[], change: Partial<SubTask> = {}): Driven =>
  running(planOf('SEQUENTIAL', [part('a', { fallback, ...change })]))

/** Fails until the retry policy has given up. */
function failAll(session: Driven, errorClass: ErrorClass = 'AGENT'): void {
  for (let attempt = 1; attempt <= 3; attempt++) {
    session.do('a', error(errorClass, `no ${attempt}`))
    if (attempt < 3) session.after(MINUTE)
  }
}

describe('an execution that other agents may try', () => {
  it('E27: is theirs once the retry policy has given up, with attempts and losses of their own', () => {
    const session = falling(['second', 'third'])
    session.do('a', LOST)
    failAll(session)
    expect(session.execution('a')).toMatchObject({
      status: 'READY',
      fallbacks: 1,
      counted: 0,
      lost: 0,
      attempt: 4,
      readyAt: session.now,
    })
    expect(session.last.events).toMatchObject([
      { type: 'ATTEMPT_ENDED', data: { retryable: false } },
      { type: 'EXECUTION_READY', data: { fallback: 'second', error: { class: 'AGENT', message: 'no 3' } } },
    ])
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
    failAll(session)
    expect(session.execution('a')).toMatchObject({ status: 'READY', fallbacks: 2 })
    expect(session.last.events[1]?.data).toMatchObject({ fallback: 'third' })
    session.do('a')
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', attempt: 8 })
    expect(session.execution('a')).not.toHaveProperty('error')
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it('E28: has FAILED with its last error once there is no other agent left', () => {
    const session = falling(['second'])
    failAll(session)
    failAll(session, 'CRASH')
    expect(session.execution('a')).toMatchObject({
      status: 'FAILED',
      attempt: 6,
      fallbacks: 1,
      error: { class: 'CRASH', message: 'no 3' },
      endedAt: session.now,
    })
    expect(types(session.last)).toEqual(['ATTEMPT_ENDED', 'EXECUTION_FAILED', 'SESSION_FAILED'])
  })

  it('E28: leaves what its failure means to the policy of its group', () => {
    const session = running(planOf('PARALLEL', [part('a', { fallback: ['second'] }), 'b']))
    session.do('a', error('AUTH'))
    session.do('a', error('AUTH'))
    expect(session.statuses()).toEqual([['a', 'FAILED'], ['b', 'READY']]) // prettier-ignore
  })

  it.each(ERROR_CLASSES)('E27: is theirs for %s, if it is not BUDGET', (errorClass) => {
    const session = falling(['second'])
    failAllOf(session, errorClass)
    expect(session.execution('a')).toMatchObject(
      errorClass === 'BUDGET' ? { status: 'FAILED', error: { class: 'BUDGET' } } : { status: 'READY', fallbacks: 1 },
    )
  })

  it(`E26, E27: is theirs after ${MAX_LOST} losses`, () => {
    const session = falling(['second'])
    for (let time = 1; time <= MAX_LOST; time++) session.do('a', LOST)
    expect(session.execution('a')).toMatchObject({ status: 'READY', fallbacks: 1, lost: 0 })
    for (let time = 1; time < MAX_LOST; time++) session.do('a', LOST)
    expect(session.execution('a').status).toBe('READY')
    session.do('a', LOST)
    expect(session.execution('a').status).toBe('FAILED')
  })

  it('E27, E31: is theirs when no agent took it in time, and they have as long', () => {
    const session = falling(['second'], { timeouts: { queueMs: 1_000 } })
    session.after(1_000)
    expect(session.execution('a')).toMatchObject({ status: 'READY', fallbacks: 1, readyAt: BEGIN + 1_000 })
    expect(session.last.events).toMatchObject([
      { type: 'EXECUTION_READY', data: { fallback: 'second', error: { class: 'TIMEOUT' } } },
    ])
    session.after(999)
    expect(session.execution('a').status).toBe('READY')
    session.after(1)
    const message = 'TIMEOUT QUEUE: no agent took it within 1000 ms'
    expect(session.execution('a')).toMatchObject({ status: 'FAILED', error: { class: 'TIMEOUT', message }, attempt: 0 })
  })
})

function failAllOf(session: Driven, errorClass: ErrorClass): void {
  while (session.execution('a').fallbacks === undefined && session.execution('a').status === 'READY') {
    session.do('a', error(errorClass))
    if (session.execution('a').status === 'WAITING') session.after(MINUTE)
  }
}

describe('an attempt that a server hands back in order', () => {
  const HANDED_BACK: Report = { kind: 'LOST', meant: true }

  it('E26: is no loss, however often', () => {
    const session = running(planOf('SEQUENTIAL', ['a']))
    for (let time = 1; time <= MAX_LOST + 1; time++) session.do('a', HANDED_BACK)
    expect(session.execution('a')).toMatchObject({
      status: 'READY',
      counted: 0,
      lost: 0,
      attempt: MAX_LOST + 1,
      current: {
        status: 'LOST',
        retryable: true,
        error: { class: 'LOST', message: 'attempt 6 was handed back by the server that drove it' },
      },
    })
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
  })

  it('E26: does not save what has been lost too often', () => {
    const session = running(planOf('SEQUENTIAL', ['a']))
    for (let time = 1; time < MAX_LOST; time++) session.do('a', LOST)
    session.do('a', HANDED_BACK)
    expect(session.execution('a')).toMatchObject({ status: 'READY', lost: MAX_LOST - 1 })
    session.do('a', LOST)
    expect(session.execution('a').status).toBe('FAILED')
  })
})

describe('an attempt that fails', () => {
  it('E30: leaves its evidence, and says whether it is tried again', () => {
    const session = running(planOf('SEQUENTIAL', [part('a', { retry: { maxAttempts: 2 } })]))
    const failed = (message: string): Report => {
      const proof = [{ name: message, passed: false }]
      return { kind: 'ERROR', error: { class: 'AGENT', message }, evidence: proof, usage: { cpuMs: 1 } }
    }
    session.do('a', failed('first'))
    const told = { key: 'a', number: 1, status: 'ERROR', retryable: true, error: { class: 'AGENT', message: 'first' } }
    expect(session.last.events[0]).toMatchObject({ type: 'ATTEMPT_ENDED', attemptId: 'attempt-1', data: told })
    expect(session.execution('a').evidence).toEqual([{ name: 'first', passed: false }])
    expect(session.attempt('a').usage).toEqual({ cpuMs: 1 })
    session.after(MINUTE)
    session.do('a', failed('second'))
    expect(session.last.events[0]?.data).toMatchObject({ number: 2, retryable: false })
    expect(session.execution('a').evidence).toEqual([{ name: 'second', passed: false }])
  })

  it('E30: has no error to tell when nothing failed', () => {
    const session = running(planOf('SEQUENTIAL', ['a']))
    session.do('a', ok(1))
    expect(session.last.events[0]?.data).toEqual({ key: 'a', number: 1, status: 'OK' })
  })
})
