import { describe, expect, it } from 'vitest'
import { elapsed } from '../../src/core/draft.ts'
import { idFrom } from '../../src/core/hash.ts'
import type { Json } from '../../src/core/json.ts'
import type { SessionStatus } from '../../src/core/session.ts'
import { answers, begun, child, childEnds, claims, does, judges } from './drive.ts'
import { CANCELED, error, failing, ok, part, planOf, types } from './sessions.ts'

const alone = planOf('SEQUENTIAL', [child('a')])
const two = planOf('PARALLEL', [child('a'), child('b')])
const FATAL = error('VALIDATION', 'it does not fit')

describe('a node that a session of its own does', () => {
  it('E90: begins its child once it is READY, for nobody else to claim', () => {
    const session = begun(alone)
    const childId = idFrom('session', 'child', 'a', 1)
    expect(session.execution('a')).toMatchObject({ status: 'RUNNING', childId, fence: 1, attempt: 0 })
    const { id: executionId } = session.execution('a')
    expect(session.effects).toEqual([{ type: 'SPAWN', executionId, childId }])
    expect(types(session.last).slice(-3)).toEqual(['EXECUTION_READY', 'EXECUTION_ASSIGNED', 'EXECUTION_RUNNING'])
    expect(claims(session, 'a').refused).toBe('the execution is not READY: RUNNING')
  })

  it('E17: counts like an agent’s work, and begins only where there is room', () => {
    const plan = planOf('PARALLEL', [child('a'), child('b'), child('c'), part('d')])
    const session = begun(plan, { limits: { concurrency: 2 } })
    expect(session.statuses()).toEqual([['a', 'RUNNING'], ['b', 'RUNNING'], ['c', 'READY'], ['d', 'READY']]) // prettier-ignore
    expect(claims(session, 'd').refused).toBe('the session has 2 at once, which is its limit')
    expect(claims(session, 'c').refused).toBe('the execution is done by a session of its own, not by an agent')
    childEnds(session, 'a')
    expect(session.execution('c').status).toBe('RUNNING')
    childEnds(session, 'b')
    expect(claims(session, 'd').refused).toBeUndefined()
  })

  it('E17: has no more room than its group', () => {
    const items = { list: [1, 2], buffer: 1, onFailure: 'STOP' as const }
    const session = begun(planOf('PIPELINE', [child('a'), part('b')], { items }))
    expect([session.execution('a-1').status, session.execution('a-2').status]).toEqual(['RUNNING', 'BLOCKED'])
    childEnds(session, 'a-1')
    expect(session.execution('a-2').status).toBe('BLOCKED')
    does(session, 'b-1')
    expect(session.execution('a-2').status).toBe('RUNNING')
  })

  it('E73: does not begin while the session is PAUSED, and is not offered to agents by RESUME', () => {
    const session = begun(planOf('SEQUENTIAL', [part('a'), child('b')]))
    claims(session, 'a')
    session.happen({ type: 'PAUSE', reason: 'wait' })
    session.happen({ ...reportOf(session, 'a'), report: ok(1) })
    expect(session.execution('b').status).toBe('READY')
    session.happen({ type: 'RESUME' })
    expect(session.execution('b').status).toBe('RUNNING')
    expect(session.last.effects.map(({ type }) => type)).toEqual(['SPAWN'])
  })

  it('E31: fails where there has been no room for too long', () => {
    const parts = [child('a'), child('b', { timeouts: { queueMs: 1_000 } })]
    const session = begun(planOf('PARALLEL', parts), { limits: { concurrency: 1 } })
    session.after(1_000)
    expect(session.execution('b')).toMatchObject({ status: 'FAILED', error: { class: 'TIMEOUT' } })
  })
})

type Begun = ReturnType<typeof begun>
function reportOf(session: Begun, key: string) {
  const { id: attemptId, fence } = session.attempt(key)
  return { type: 'REPORT', executionId: session.execution(key).id, attemptId, fence, jitter: 0.5 } as const
}

describe('the end of a child', () => {
  it.each(['SUCCEEDED', 'PARTIAL'] as const)('E91: %s gives its output to its node', (status) => {
    const session = begun(alone)
    const { childId } = session.execution('a')
    childEnds(session, 'a', status)
    const summary = status === 'PARTIAL' ? 'partly done: so it is' : 'done by a session of SEQUENTIAL'
    const evidence = [{ name: 'child session', kind: 'SESSION', passed: true, detail: { childId, status } as Json }]
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', output: { by: childId }, summary, evidence })
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', output: { by: childId } })
    expect(session.last.events[0]).toMatchObject({ type: 'CHILD_ENDED', data: { key: 'a', childId, status } })
  })

  it.each(['FAILED', 'CANCELED', 'TIMED_OUT', 'ROLLED_BACK'] as const)('E91: %s fails its node', (status) => {
    const session = begun(alone)
    const { childId } = session.execution('a')
    childEnds(session, 'a', status)
    expect(session.execution('a')).toMatchObject({
      status: 'FAILED',
      attempt: 0,
      error: { class: 'CHILD', message: `the child session ended ${status}: so it is` },
      evidence: [{ name: 'child session', kind: 'SESSION', passed: false, detail: { childId, status } }],
    })
    expect(session.state.status).toBe('FAILED')
  })

  it('E91: a failure without a reason says only how it ended', () => {
    const session = begun(alone)
    const { id: executionId, childId = '' } = session.execution('a')
    const used = { tokens: 0, cost: 0, executions: 0 }
    session.happen({ type: 'CHILD_ENDED', executionId, childId, status: 'FAILED', output: null, used, undo: [] })
    expect(session.execution('a').error?.message).toBe('the child session ended FAILED: ')
  })

  it('E91: is believed once, of that child alone, and E5 not once the session has ended', () => {
    const session = begun(planOf('PARALLEL', [child('a'), child('b')]))
    const { childId = '' } = session.execution('a')
    expect(childEnds(session, 'a', 'SUCCEEDED', {}, 'another').refused).toBe('no such child in this session')
    childEnds(session, 'a', 'SUCCEEDED', { tokens: 5 })
    const twice = childEnds(session, 'a', 'FAILED', { tokens: 5 }, childId)
    expect(twice.refused).toBe('the execution does not wait for a child: ACCEPTED')
    expect(session.state.budget.TOKENS.used).toBe(5)
    childEnds(session, 'b')
    expect(childEnds(session, 'b', 'FAILED').refused).toBe('the session has ended: SUCCEEDED')
  })

  it('E27: lets another child try it where there is a fallback, and E91 the first one is not believed any more', () => {
    const session = begun(planOf('SEQUENTIAL', [child('a', { fallback: ['other'] })]))
    const { childId = '' } = session.execution('a')
    childEnds(session, 'a', 'FAILED')
    const { id: executionId } = session.execution('a')
    const second = idFrom('session', 'child', 'a', 2)
    expect(session.execution('a')).toMatchObject({ status: 'RUNNING', childId: second })
    expect(session.last.effects).toEqual([{ type: 'SPAWN', executionId, childId: second }])
    expect(childEnds(session, 'a', 'SUCCEEDED', {}, childId).refused).toBe('no such child in this session')
    childEnds(session, 'a')
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it('E36: passes the gates of its node, and E41 is not begun anew for a rejection', () => {
    const gates = [{ kind: 'JUDGE', criteria: 'it is good' }] as const
    const session = begun(planOf('SEQUENTIAL', [child('a', { gates })]))
    childEnds(session, 'a')
    const { id: executionId } = session.execution('a')
    expect(session.last.effects).toEqual([{ type: 'VALIDATE', executionId }])
    expect(session.execution('a').status).toBe('VALIDATING')
    judges(session, 'a', { kind: 'REJECT', feedback: 'it is not' })
    expect(session.last.verdicts).toMatchObject([{ executionId, attemptId: executionId, verdict: 'REJECT' }])
    expect(session.execution('a')).toMatchObject({
      status: 'FAILED',
      error: { class: 'REJECTED', message: 'rejected once, at last by JUDGE: it is not' },
    })
  })

  it('E43: may be shown to a person', () => {
    const gates = [{ kind: 'PERSON', question: 'Is it good?' }] as const
    const session = begun(planOf('SEQUENTIAL', [child('a', { gates })]))
    childEnds(session, 'a')
    expect(session.state.status).toBe('INTERRUPTED')
    answers(session, 'APPROVE')
    expect(session.state.status).toBe('SUCCEEDED')
  })
})

describe('a child whose node is stopped', () => {
  const stopped = (close: 'CANCEL_CHILDREN' | 'WAIT' | 'ABANDON') => {
    const session = begun(two, { policy: { close }, budget: { TOKENS: { hard: 100 } } })
    session.cancel('enough')
    return session
  }
  const closing = (childId: string, reason: string) => ({ type: 'CLOSE_CHILD', childId, reason })

  it('E92: is closed under CANCEL_CHILDREN, and the session waits for its end', () => {
    const session = stopped('CANCEL_CHILDREN')
    const ids = ['a', 'b'].map((key) => session.execution(key).childId as string)
    expect(session.last.effects).toEqual(ids.map((id) => closing(id, 'enough')))
    expect(session.state.status).toBe('CANCELING')
    childEnds(session, 'a', 'CANCELED', { tokens: 7 })
    expect(session.execution('a').status).toBe('CANCELED')
    childEnds(session, 'b', 'SUCCEEDED', { tokens: 50 })
    expect(session.execution('b').status).toBe('CANCELED')
    expect(session.state).toMatchObject({ status: 'CANCELED', budget: { TOKENS: { used: 57, reserved: 0 } } })
  })

  it('E92: is awaited under WAIT', () => {
    const session = stopped('WAIT')
    expect(session.last.effects).toEqual([])
    for (const key of ['a', 'b']) childEnds(session, key)
    expect(session.state.status).toBe('CANCELED')
  })

  it('E92: is left alone under ABANDON, and E64 is charged all that it was given', () => {
    const session = stopped('ABANDON')
    expect(session.last.effects).toEqual([])
    expect(session.state).toMatchObject({ status: 'CANCELED', budget: { TOKENS: { used: 100, reserved: 0 } } })
    expect(childEnds(session, 'a').refused).toBe('the session has ended: CANCELED')
  })

  it('E48: is closed once, though what it is stopped for goes on being so', () => {
    const plan = failing(planOf('PARALLEL', [child('a'), part('b'), part('c')]), 'FAIL_FAST')
    const session = begun(plan)
    for (const key of ['b', 'c']) claims(session, key)
    session.happen({ ...reportOf(session, 'b'), report: FATAL })
    const { id: causeId } = session.execution('b')
    const reason = 'b failed and its group fails fast'
    expect(session.execution('a')).toMatchObject({ status: 'RUNNING', causeId, aborting: reason })
    session.happen({ ...reportOf(session, 'c'), report: CANCELED })
    childEnds(session, 'a')
    expect(session.execution('a')).toMatchObject({ status: 'CANCELED', causeId })
    expect(session.effects.filter(({ type }) => type === 'CLOSE_CHILD')).toHaveLength(1)
    expect(session.state.status).toBe('FAILED')
  })

  it('E92: is left alone for another one’s sake too, and gives the others no less to go on with', () => {
    const parts = [child('a'), part('b'), part('c')]
    const plan = planOf('HIERARCHICAL', parts)
    const groups = [...plan.groups, { ...plan.groups[1]!, key: 'other', onFailure: 'FAIL_FAST' as const }]
    const nodes = plan.nodes.map((node) => (node.key === 'c' ? node : { ...node, group: 'other' }))
    const session = begun(
      { ...plan, nodes, groups },
      { policy: { close: 'ABANDON' }, budget: { TOKENS: { hard: 10 } } },
    )
    expect(session.execution('a').slice).toMatchObject({ tokens: 3 })
    does(session, 'b', FATAL)
    expect(session.execution('a')).toMatchObject({ status: 'CANCELED', causeId: session.execution('b').id })
    expect(session.state.budget.TOKENS).toMatchObject({ used: 3, reserved: 0 })
    expect(childEnds(session, 'a', 'SUCCEEDED', { tokens: 3 }).refused).toMatch('CANCELED')
    does(session, 'c')
    expect(session.state.status).toBe('FAILED')
  })
})

describe('the slice of a child', () => {
  it('E90: is an equal share of what is left among what waits, and E91 what it used is charged', () => {
    const budget = { TOKENS: { hard: 100 }, COST: { hard: 1 }, EXECUTIONS: { hard: 10 } }
    const session = begun(two, { budget })
    expect(session.execution('a').slice).toEqual({ tokens: 50, cost: 0.5, executions: 5 })
    expect(session.execution('b').slice).toEqual({ tokens: 50, cost: 0.5, executions: 5 })
    childEnds(session, 'a', 'SUCCEEDED', { tokens: 20, cost: 0.125, executions: 3 })
    expect(session.state.budget).toMatchObject({
      TOKENS: { used: 20, reserved: 50 },
      COST: { used: 0.125, reserved: 0.5 },
      EXECUTIONS: { used: 3, reserved: 5 },
    })
  })

  it('E90: waits where nothing is left, until somebody gives some back', () => {
    const session = begun(two, { budget: { EXECUTIONS: { hard: 1 } } })
    expect(session.statuses()).toEqual([['a', 'RUNNING'], ['b', 'READY']]) // prettier-ignore
    childEnds(session, 'a', 'SUCCEEDED', { executions: 0 })
    expect(session.execution('b').status).toBe('RUNNING')
    childEnds(session, 'b', 'SUCCEEDED', { executions: 1 })
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it('E67: stops the session once nothing is left for what waits and nothing runs', () => {
    const session = begun(two, { budget: { EXECUTIONS: { hard: 1 } } })
    childEnds(session, 'a', 'SUCCEEDED', { executions: 1 })
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET EXECUTIONS: 1 of 1 are used' })
  })

  it('E8: leaves out the time that the session waited for a person before it began', () => {
    const session = begun(alone, { policy: { review: true }, budget: { WALL_TIME: { hard: 60_000 } } })
    session.wait(30_000)
    answers(session, 'APPROVE')
    session.wait(10_000)
    expect(elapsed(session.state, session.now)).toBe(10_000)
    expect(session.state.waitedMs).toBe(0)
    session.after(50_000)
    childEnds(session, 'a')
    expect(session.state.reason).toBe('BUDGET WALL_TIME: 60000 of 60000 are used')
  })
})

it('E91: knows every way in which a session ends', () => {
  const ends: SessionStatus[] = ['SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELED', 'TIMED_OUT', 'ROLLED_BACK']
  for (const status of ends) {
    const session = begun(alone)
    childEnds(session, 'a', status)
    expect(session.state.status).toBe(status === 'SUCCEEDED' || status === 'PARTIAL' ? 'SUCCEEDED' : 'FAILED')
  }
})
