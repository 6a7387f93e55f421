import { describe, expect, it } from 'vitest'
import { pendingEffects } from '../../src/core/pending.ts'
import type { Effect } from '../../src/core/state.ts'
import {
  asks,
  CANCELED,
  COMMAND,
  type Driven,
  error,
  errs,
  idOf,
  MINUTE,
  OK,
  part,
  planOf,
  queued,
  running,
  withPolicy,
} from './sessions.ts'

const pending = (session: Driven): Effect[] => pendingEffects(session.state)
const child = part('a', { session: { pattern: 'SEQUENTIAL', parts: [part('b')] } })
const rolledBack = (session: Driven, commit?: string) =>
  session.happen({ type: 'ROLL_BACK', reason: 'wrong', toSeq: 1, keep: [], ...(commit !== undefined && { commit }) })

describe('E101: what should be under way for a session, told by its rows', () => {
  it('is nothing before it begins and after it has ended', () => {
    const session = queued(planOf('SEQUENTIAL', ['a']))
    expect(pending(session)).toEqual([])
    session.plan()
    session.do('a')
    expect(pending(session)).toEqual([])
  })

  it('is ENQUEUE for what is READY, in the order of the plan', () => {
    const session = running(planOf('PARALLEL', ['9', '10', '1']))
    session.do('10')
    expect(pending(session)).toEqual([
      { type: 'ENQUEUE', executionId: idOf('9') },
      { type: 'ENQUEUE', executionId: idOf('1') },
    ])
  })

  it('is nothing for what runs, and ABORT once it is to stop', () => {
    const session = running(planOf('SEQUENTIAL', ['a']))
    session.claim('a')
    expect(pending(session)).toEqual([])
    session.cancel('enough')
    expect(pending(session)).toEqual(session.last.effects)
    expect(pending(session)).toEqual([
      { type: 'ABORT', executionId: idOf('a'), attemptId: 'attempt-1', reason: 'enough' },
    ])
    session.report('a', CANCELED)
    expect(pending(session)).toEqual([])
  })

  it('is VALIDATE for a result whose gate is awaited, not for one that waits for a person', () => {
    const session = running(planOf('SEQUENTIAL', [part('a', { gates: [COMMAND] })]))
    session.do('a')
    expect(pending(session)).toEqual([{ type: 'VALIDATE', executionId: idOf('a') }])
    for (const _ of [1, 2, 3]) session.verdict('a', errs())
    expect(pending(session)).toEqual([])
  })

  it('is nothing for what waits, for time or for a person', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.do('a', error('AGENT'))
    session.do('b', asks())
    expect(pending(session)).toEqual([])
    session.after(MINUTE)
    expect(pending(session)).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
  })

  it('is SPAWN for a child session that has begun, and CLOSE_CHILD once it is to stop', () => {
    const session = running(planOf('SEQUENTIAL', [child]))
    const { childId = '' } = session.execution('a')
    const spawn = { type: 'SPAWN', executionId: idOf('a'), childId }
    expect(pending(session)).toEqual([spawn])
    session.cancel('enough')
    expect(pending(session)).toEqual([spawn, { type: 'CLOSE_CHILD', childId, reason: 'enough' }])
  })

  it('is not CLOSE_CHILD where children are awaited', () => {
    const session = running(planOf('SEQUENTIAL', [child]), {}, withPolicy({ close: 'WAIT' }))
    session.cancel()
    expect(pending(session)).toMatchObject([{ type: 'SPAWN' }])
  })

  it('is nothing for a child session that has no room yet', () => {
    const full = running(planOf('PARALLEL', [child, { ...child, key: 'c' }]), { concurrency: 1 })
    expect(full.execution('c').status).toBe('READY')
    expect(pending(full)).toMatchObject([{ type: 'SPAWN', executionId: idOf('a') }])
  })

  it('is RESTORE while the workspace is to be brought back and nobody is asked about it', () => {
    const session = running(planOf('SEQUENTIAL', ['a', 'b']))
    session.do('a', OK)
    rolledBack(session, 'c1')
    expect(session.state.rollback?.phase).toBe('RESTORING')
    expect(pending(session)).toEqual([{ type: 'RESTORE' }])
    session.happen({ type: 'RESTORED', error: 'no disk' })
    expect(pending(session)).toEqual([])
    session.answer('RETRY')
    expect(pending(session)).toEqual([{ type: 'RESTORE' }])
  })
})
