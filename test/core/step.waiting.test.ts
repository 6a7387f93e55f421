import { describe, expect, it } from 'vitest'
import { elapsed } from '../../src/core/draft.ts'
import { nextTick } from '../../src/core/tick.ts'
import { answers, begun, claims, does, reports } from './drive.ts'
import { CANCELED, error, MINUTE, part, planOf } from './sessions.ts'

const one = planOf('SEQUENTIAL', [part('a', { timeouts: { queueMs: MINUTE } })])

describe('what waits', () => {
  it('E8: has used no time before it has begun', () => {
    const session = begun(one, { policy: { review: true } })
    expect(elapsed(session.state, session.now + MINUTE)).toBe(0)
    answers(session, 'APPROVE')
    expect(elapsed(session.state, session.now + MINUTE)).toBe(MINUTE)
  })

  it('E60: waits for a person until the answer, though it has waited for its pause before', () => {
    const session = begun(one)
    does(session, 'a', error('AGENT'))
    session.after(1_000)
    does(session, 'a', { kind: 'ASK', ask: { kind: 'QUESTION', question: 'Which one?', shown: null }, usage: {} })
    expect(session.after(MINUTE).events).toEqual([])
    expect(session.execution('a').status).toBe('WAITING')
    answers(session, 'ANSWER', { text: 'that one' })
    expect(session.execution('a').status).toBe('READY')
  })

  it('E8: does not wait too long for an agent while the session waits for a person', () => {
    const session = begun(one)
    session.wait(MINUTE - 1)
    session.happen({ type: 'PAUSE', reason: 'wait' })
    expect(nextTick(session.state)).toBeUndefined()
    expect(session.after(10 * MINUTE).events).toEqual([])
    session.happen({ type: 'RESUME' })
    expect(nextTick(session.state)).toBe(session.now + MINUTE)
    session.after(MINUTE)
    expect(session.execution('a')).toMatchObject({ status: 'FAILED', error: { class: 'TIMEOUT' } })
  })

  it('E76: for its agent to stop and begin anew with new input is CANCELED like all else, whatever the reason is', () => {
    const session = begun(one, { policy: { input: 'INTERRUPT' } })
    claims(session, 'a')
    session.happen({ type: 'INPUT', text: 'be quick', by: 'ada' })
    const { aborting = '' } = session.execution('a')
    session.cancel(aborting)
    reports(session, 'a', CANCELED)
    expect(session.execution('a').status).toBe('CANCELED')
    expect(session.state.status).toBe('CANCELED')
  })
})
