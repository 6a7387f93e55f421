import { checkpointAt } from '../../src/core/checkpoint.ts'
import { describe, expect, it } from 'vitest'
import { hash } from '../../src/core/hash.ts'
import type { Report } from '../../src/core/attempt.ts'
import {
  BEGIN,
  CANCELED,
  error,
  failing,
  idOf,
  LOST,
  MINUTE,
  OK,
  ok,
  part,
  planOf,
  running,
  types,
} from './sessions.ts'

const FATAL = error('VALIDATION', 'it does not fit')

describe('E11: when an execution is READY', () => {
  it('is READY at once when it waits for nothing, and handed to the engine', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    expect(session.statuses()).toEqual([['a', 'READY'], ['b', 'READY']]) // prettier-ignore
    expect(session.effects).toEqual([
      { type: 'ENQUEUE', executionId: idOf('a') },
      { type: 'ENQUEUE', executionId: idOf('b') },
    ])
    expect(session.execution('a').readyAt).toBe(BEGIN)
  })

  it('is BLOCKED until every execution that it depends on is ACCEPTED', () => {
    const parts = [part('a'), part('b'), part('c', { dependsOn: ['a', 'b'] })]
    const session = running(planOf('HIERARCHICAL', parts))
    expect(session.execution('c').status).toBe('BLOCKED')
    session.do('b')
    expect(session.execution('c').status).toBe('BLOCKED')
    session.wait(7)
    session.do('a')
    expect(session.execution('c')).toMatchObject({ status: 'READY', readyAt: BEGIN + 7 })
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('c') }])
  })

  it('E15: has its input frozen: the caller’s data and the executions whose outputs stand', () => {
    const session = running(planOf('SEQUENTIAL', [part('a'), part('b', { input: { depth: 3 } })]))
    expect(session.execution('a').input).toEqual({ data: null, upstream: [] })
    session.do('a')
    expect(session.execution('b').input).toEqual({
      data: { depth: 3 },
      upstream: [{ key: 'a', executionId: idOf('a'), status: 'ACCEPTED' }],
    })
  })

  it('E15: has its input hashed with the outputs themselves, so that a replay can be told from a change', () => {
    const run = (output: Report): string => {
      const session = running(planOf('SEQUENTIAL', [part('a'), part('b', { input: 1 })]))
      session.do('a', output)
      return session.execution('b').inputHash as string
    }
    const branch = { branch: 'a', status: 'ACCEPTED', summary: 'Did it', output: { n: 1 }, error: null }
    expect(run(ok({ n: 1 }))).toBe(hash({ data: 1, upstream: [branch] }))
    expect(run(ok({ n: 2 }))).not.toBe(run(ok({ n: 1 })))
  })

  it('E16: in SEQUENTIAL sees every earlier output, in PIPELINE the one before', () => {
    const seen = (pattern: 'SEQUENTIAL' | 'PIPELINE'): string[] | undefined => {
      const session = running(planOf(pattern, ['a', 'b', 'c']))
      session.do('a')
      session.do('b')
      return session.execution('c').input?.upstream.map(({ key }) => key)
    }
    expect(seen('SEQUENTIAL')).toEqual(['a', 'b'])
    expect(seen('PIPELINE')).toEqual(['b'])
  })
})

describe('E45: a failure under CONTINUE', () => {
  it('leaves the siblings alone', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.do('a', FATAL)
    expect(session.statuses()).toEqual([['a', 'FAILED'], ['b', 'READY']]) // prettier-ignore
    expect(session.state.status).toBe('RUNNING')
  })

  it('E14: makes its dependents SKIPPED with the id of the culprit, however far they are', () => {
    const parts = [part('a'), part('b', { dependsOn: ['a'] }), part('c', { dependsOn: ['b'] }), part('d')]
    const session = running(planOf('HIERARCHICAL', parts))
    session.do('a', FATAL)
    for (const key of ['b', 'c']) {
      expect(session.execution(key)).toMatchObject({ status: 'SKIPPED', causeId: idOf('a'), endedAt: BEGIN })
    }
    const skipped = session.events.filter(({ type }) => type === 'EXECUTION_SKIPPED')
    expect(skipped.map(({ data }) => data)).toEqual([
      { key: 'b', causeId: idOf('a') },
      { key: 'c', causeId: idOf('a') },
    ])
    expect(session.execution('d').status).toBe('READY')
  })

  it('E14: skips at once, though another execution that is waited for still runs', () => {
    const parts = [part('a'), part('b'), part('c', { dependsOn: ['a', 'b'] })]
    const session = running(planOf('HIERARCHICAL', parts))
    session.claim('a')
    session.do('b', FATAL)
    expect(session.statuses()).toEqual([['a', 'RUNNING'], ['b', 'FAILED'], ['c', 'SKIPPED']]) // prettier-ignore
  })
})

describe('E46: a failure under FAIL_FAST', () => {
  const fast = (keys: string[]) => running(failing(planOf('PARALLEL', keys), 'FAIL_FAST'))

  it('skips what follows in SEQUENTIAL and PIPELINE, with the id of the culprit', () => {
    for (const pattern of ['SEQUENTIAL', 'PIPELINE'] as const) {
      const session = running(planOf(pattern, ['a', 'b', 'c']))
      session.do('a', FATAL)
      expect(session.execution('c')).toMatchObject({ status: 'SKIPPED', causeId: idOf('a') })
      expect(session.state.status).toBe('FAILED')
    }
  })

  it('skips siblings that wait for an agent or for a retry', () => {
    const session = fast(['a', 'b', 'c'])
    session.do('b', error('AGENT'))
    expect(session.execution('b').status).toBe('WAITING')
    session.do('a', FATAL)
    expect(session.statuses()).toEqual([['a', 'FAILED'], ['b', 'SKIPPED'], ['c', 'SKIPPED']]) // prettier-ignore
    expect(session.state).toMatchObject({
      status: 'FAILED',
      reason: 'a failed: it does not fit; b skipped because of a; c skipped because of a',
    })
  })

  it('E48: tells siblings that run to stop, once, and waits for them', () => {
    const session = fast(['a', 'b'])
    session.claim('b')
    session.do('a', FATAL)
    const reason = 'a failed and its group fails fast'
    expect(session.last.effects).toEqual([{ type: 'ABORT', executionId: idOf('b'), attemptId: 'attempt-1', reason }])
    expect(session.execution('b')).toMatchObject({ status: 'RUNNING', aborting: reason, causeId: idOf('a') })
    expect(session.after(1).effects).toEqual([])
    session.report('b', CANCELED)
    expect(session.execution('b')).toMatchObject({ status: 'CANCELED', causeId: idOf('a') })
    expect(session.state).toMatchObject({
      status: 'FAILED',
      reason: 'a failed: it does not fit; b canceled because of a',
    })
  })

  it('lets finished siblings stand', () => {
    const session = fast(['a', 'b'])
    session.do('b', ok('kept'))
    session.do('a', FATAL)
    expect(session.execution('b')).toMatchObject({ status: 'ACCEPTED', output: 'kept' })
  })

  it('does not follow from an optional execution', () => {
    const session = running(failing(planOf('PARALLEL', [part('a', { optional: true }), 'b']), 'FAIL_FAST'))
    session.do('a', FATAL)
    expect(session.execution('b').status).toBe('READY')
  })

  it('does not reach beyond the group', () => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b'], { aggregate: 'AGENT' }))
    session.do('a', FATAL)
    expect(session.statuses()).toEqual([['a', 'FAILED'], ['b', 'SKIPPED'], ['report', 'READY']]) // prettier-ignore
  })

  it('E14: names the first culprit to those who depend on what it stopped', () => {
    const plan = failing(planOf('HIERARCHICAL', ['a', 'b', part('c', { dependsOn: ['b'] })]), 'FAIL_FAST')
    const session = running(plan)
    session.claim('b')
    session.do('a', FATAL)
    session.report('b', CANCELED)
    expect(session.execution('c')).toMatchObject({ status: 'SKIPPED', causeId: idOf('a') })
  })

  it('E77: fences off a sibling that does not stop within the grace', () => {
    const session = fast(['a', 'b'])
    session.claim('b', 60 * MINUTE)
    session.do('a', FATAL)
    session.after(29_999)
    expect(session.execution('b').status).toBe('RUNNING')
    session.after(1)
    expect(session.execution('b')).toMatchObject({ status: 'CANCELED', current: { status: 'CANCELED' } })
    expect(session.state.status).toBe('FAILED')
  })

  it('E29: never gives a sibling that was stopped another attempt', () => {
    for (const report of [error('AGENT'), LOST, OK, { kind: 'TIMEOUT', timeout: 'IDLE', usage: {} } as const]) {
      const session = fast(['a', 'b'])
      session.claim('b')
      session.do('a', FATAL)
      session.report('b', report)
      expect(session.execution('b').status).toBe('CANCELED')
    }
  })
})

describe('E79: an aggregate', () => {
  it('E80: COLLECT is handed every branch in declared order, failures included, and is done at once', () => {
    const parts = [part('b', { optional: true }), part('a')]
    const session = running(planOf('PARALLEL', parts, { aggregate: 'COLLECT' }))
    session.do('a', ok({ found: 2 }))
    expect(session.execution('collect').status).toBe('BLOCKED')
    session.do('b', FATAL)
    const failed = { class: 'VALIDATION', message: 'it does not fit' }
    const output = [
      { branch: 'b', status: 'FAILED', summary: null, output: null, error: failed },
      { branch: 'a', status: 'ACCEPTED', summary: 'Did it', output: { found: 2 }, error: null },
    ]
    expect(session.execution('collect')).toMatchObject({
      status: 'ACCEPTED',
      output,
      summary: '1 of 2 branches accepted',
      attempt: 0,
      input: {
        upstream: [
          { key: 'b', executionId: idOf('b'), status: 'FAILED' },
          { key: 'a', status: 'ACCEPTED' },
        ],
      },
    })
    expect(session.state).toMatchObject({ status: 'PARTIAL', output })
  })

  it('COLLECT is never handed to the engine', () => {
    const session = running(planOf('PARALLEL', ['a'], { aggregate: 'COLLECT' }))
    session.do('a')
    expect(session.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
    expect(types(session.last)).toEqual([
      'ATTEMPT_ENDED',
      'EXECUTION_VALIDATING',
      'EXECUTION_ACCEPTED',
      'CHECKPOINT_MADE',
      'EXECUTION_READY',
      'EXECUTION_ACCEPTED',
      'CHECKPOINT_MADE',
      'SESSION_SUCCEEDED',
    ])
  })

  it('E13: AGENT is an execution of its own that starts when every branch has settled', () => {
    const session = running(planOf('PARALLEL', ['a', 'b'], { aggregate: 'AGENT' }))
    session.do('a', FATAL)
    session.do('b')
    expect(session.execution('report').input?.upstream.map(({ status }) => status)).toEqual(['FAILED', 'ACCEPTED'])
    session.do('report', ok('the report'))
    expect(session.state).toMatchObject({ status: 'FAILED', output: 'the report', reason: 'a failed: it does not fit' })
  })
})

describe('E70: a checkpoint', () => {
  it('is set after each accepted execution with all that is accepted so far, in the order of the plan', () => {
    const session = running(planOf('PARALLEL', ['9', '10', 'c']))
    session.do('10')
    session.do('9')
    const made = session.events.filter(({ type }) => type === 'CHECKPOINT_MADE')
    expect(made).toMatchObject([
      { executionId: idOf('10'), data: { accepted: 1 } },
      { executionId: idOf('9'), data: { accepted: 2 } },
    ])
    expect(made.map(({ seq }) => checkpointAt(session.state, seq))).toEqual([
      { accepted: [idOf('10')] },
      { accepted: [idOf('9'), idOf('10')] },
    ])
  })

  it('stands nowhere else', () => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b']))
    expect(checkpointAt(session.state, session.state.seq)).toBeUndefined()
    session.do('a')
    const found = session.events.filter(({ seq }) => checkpointAt(session.state, seq) !== undefined)
    expect(found.map(({ type }) => type)).toEqual(['CHECKPOINT_MADE'])
    expect(checkpointAt(session.state, session.state.seq + 1)).toBeUndefined()
  })

  it('has the last commit of the workspace by then', () => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b', 'c']))
    for (const key of ['a', 'b', 'c']) session.do(key, { ...OK, ...(key !== 'b' && { commit: `after ${key}` }) })
    const made = session.events.filter(({ type }) => type === 'CHECKPOINT_MADE')
    expect(made.map(({ seq }) => checkpointAt(session.state, seq)?.commit)).toEqual(['after a', 'after a', 'after c'])
  })
})

describe('E49: how a session ends', () => {
  it('SUCCEEDED when all are accepted, with the output of the last', () => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b']))
    session.do('a', ok(1))
    expect(session.state.status).toBe('RUNNING')
    session.wait(5)
    session.do('b', ok(2))
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', output: 2, endedAt: BEGIN + 5 })
    expect(session.state.reason).toBeUndefined()
  })

  it('E51: puts out a list where there are several last parts; a missing one is null', () => {
    const session = running(planOf('PARALLEL', ['a', part('b', { optional: true }), 'c']))
    session.do('c', ok(3))
    session.do('b', FATAL)
    session.do('a', ok(1))
    expect(session.state.output).toEqual([1, null, 3])
  })

  it('PARTIAL when every required one is accepted and some other is not', () => {
    const parts = [part('a'), part('b', { optional: true }), part('c', { optional: true, dependsOn: ['b'] })]
    const session = running(planOf('HIERARCHICAL', parts))
    session.do('a')
    session.do('b', FATAL)
    expect(session.state).toMatchObject({
      status: 'PARTIAL',
      reason: 'b failed: it does not fit; c skipped because of b',
    })
  })

  it('FAILED when a required one is not accepted, though it was skipped for an optional one', () => {
    const parts = [part('a', { optional: true }), part('b', { dependsOn: ['a'] })]
    const session = running(planOf('HIERARCHICAL', parts))
    session.do('a', FATAL)
    expect(session.state.status).toBe('FAILED')
  })

  it('E51: says in its last event why', () => {
    const session = running(planOf('SEQUENTIAL', ['a']))
    session.do('a', FATAL)
    expect(session.events.at(-1)).toMatchObject({
      type: 'SESSION_FAILED',
      data: { reason: 'a failed: it does not fit' },
    })
  })

  it('E7: SUCCEEDED at once when there is nothing to do', () => {
    expect(running(planOf('PARALLEL', [])).state).toMatchObject({ status: 'SUCCEEDED', output: [] })
  })
})
