import { describe, expect, it } from 'vitest'
import type { Plan, PlanGroup } from '../../src/core/plan.ts'
import { begun, childEnds, child, claims, does, judges, reports } from './drive.ts'
import { CANCELED, error, failing, LOST, ok, part, planOf } from './sessions.ts'

const FATAL = error('VALIDATION', 'it does not fit')
const ABLE = {
  id: 'a',
  name: 'a',
  type: 'GENERAL',
  description: '',
  capabilities: [],
  status: 'ONLINE',
  slots: 1,
} as const
type Begun = ReturnType<typeof begun>
const status = (session: Begun) => Object.fromEntries(session.statuses())
const causeOf = (session: Begun, key: string): string | undefined => {
  const { causeId } = session.execution(key)
  return session.state.plan.nodes.map((node) => session.execution(node.key)).find(({ id }) => id === causeId)?.key
}

/** Two groups below one: `a` and `b` in the first, `c` and `d` in the second. */
function nested(top: Partial<PlanGroup>, below: Partial<PlanGroup> = {}): Plan {
  const plan = planOf('PARALLEL', ['a', 'b', 'c', 'd'])
  const [branches] = plan.groups as [PlanGroup]
  const groups = [
    { ...branches, key: 'top', ...top },
    { ...branches, key: 'first', parent: 'top', ...below },
    { ...branches, key: 'second', parent: 'top' },
  ]
  const nodes = plan.nodes.map((node) => ({ ...node, group: node.key < 'c' ? 'first' : 'second' }))
  return { ...plan, nodes, groups }
}

describe('CONTINUE', () => {
  it('E45: leaves the rest of the group alone', () => {
    const session = begun(planOf('PARALLEL', ['a', 'b']))
    does(session, 'a', FATAL)
    expect(status(session)).toEqual({ a: 'FAILED', b: 'READY' })
    does(session, 'b')
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'a failed: it does not fit' })
  })
})

describe('FAIL_FAST', () => {
  it('E46, E48: stops the rest of the group: what runs is told so, the others are SKIPPED', () => {
    const session = begun(failing(planOf('PARALLEL', ['a', 'b', 'c']), 'FAIL_FAST'))
    claims(session, 'a')
    claims(session, 'b')
    reports(session, 'a', FATAL)
    expect(status(session)).toEqual({ a: 'FAILED', b: 'RUNNING', c: 'SKIPPED' })
    expect(session.last.effects).toMatchObject([{ type: 'ABORT', reason: 'a failed and its group fails fast' }])
    reports(session, 'b', CANCELED)
    expect(session.execution('b').status).toBe('CANCELED')
    expect([causeOf(session, 'b'), causeOf(session, 'c')]).toEqual(['a', 'a'])
    expect(session.state.status).toBe('FAILED')
  })

  it('E46: is not set off by an optional one', () => {
    const plan = failing(planOf('PARALLEL', [part('a', { optional: true }), 'b']), 'FAIL_FAST')
    const session = begun(plan)
    does(session, 'a', FATAL)
    does(session, 'b')
    expect(session.state.status).toBe('PARTIAL')
  })

  it('E46: reaches into the groups below, and not beside', () => {
    const all = begun(nested({ onFailure: 'FAIL_FAST' }))
    does(all, 'a', FATAL)
    expect(status(all)).toEqual({ a: 'FAILED', b: 'SKIPPED', c: 'SKIPPED', d: 'SKIPPED' })
    const some = begun(nested({}, { onFailure: 'FAIL_FAST' }))
    does(some, 'a', FATAL)
    expect(status(some)).toEqual({ a: 'FAILED', b: 'SKIPPED', c: 'READY', d: 'READY' })
  })

  it('E48: reaches what waits for a gate, a pause or a person', () => {
    const gates = [{ kind: 'JUDGE', criteria: 'it is good' }] as const
    const asks = [{ kind: 'PERSON', question: 'Is it good?' }] as const
    const parts = ['a', part('judged', { gates }), 'paused', part('asked', { gates: asks })]
    const session = begun(failing(planOf('PARALLEL', parts), 'FAIL_FAST'))
    does(session, 'judged')
    does(session, 'paused', error('AGENT'))
    does(session, 'asked')
    does(session, 'a', FATAL)
    expect(status(session)).toEqual({ a: 'FAILED', judged: 'SKIPPED', paused: 'SKIPPED', asked: 'SKIPPED' })
    // E58
    expect(session.state.interrupts).toMatchObject([{ status: 'VOID' }])
    expect(session.execution('asked').interruptId).toBeUndefined()
    expect(judges(session, 'judged', { kind: 'ACCEPT' }).refused).toBe('the session has ended: FAILED')
  })
})

describe('QUORUM', () => {
  const quorum = (n: number, keys = ['a', 'b', 'c', 'd']) =>
    planOf('PARALLEL', keys, { onFailure: 'QUORUM', quorum: n })

  it('E47: goes on as long as enough can be accepted, and stops the rest once they cannot', () => {
    const session = begun(quorum(3))
    does(session, 'a', FATAL)
    expect(status(session)).toMatchObject({ b: 'READY', c: 'READY', d: 'READY' })
    claims(session, 'c')
    does(session, 'b', FATAL)
    expect(status(session)).toMatchObject({ c: 'RUNNING', d: 'SKIPPED' })
    expect(session.last.effects).toMatchObject([{ type: 'ABORT', reason: 'only 2 can be accepted, the quorum is 3' }])
    reports(session, 'c', ok('too late'))
    expect(status(session)).toEqual({ a: 'FAILED', b: 'FAILED', c: 'CANCELED', d: 'SKIPPED' })
    expect([causeOf(session, 'c'), causeOf(session, 'd')]).toEqual(['a', 'a'])
    expect(session.state.status).toBe('FAILED')
  })

  it('E50: that was reached requires nobody any more', () => {
    const session = begun(quorum(2))
    for (const key of ['a', 'b']) does(session, key)
    does(session, 'c', FATAL)
    expect(session.execution('d').status).toBe('READY')
    does(session, 'd')
    expect(session.state).toMatchObject({ status: 'PARTIAL', reason: 'c failed: it does not fit' })
  })

  it('E49: SUCCEEDED when all were accepted, whatever the quorum', () => {
    const session = begun(quorum(1))
    for (const key of ['a', 'b', 'c', 'd']) does(session, key)
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it('E47: counts the groups below', () => {
    const session = begun(nested({ onFailure: 'QUORUM', quorum: 3 }))
    does(session, 'a', FATAL)
    does(session, 'c')
    expect(status(session)).toMatchObject({ b: 'READY', d: 'READY' })
    does(session, 'd', FATAL)
    expect(status(session)).toEqual({ a: 'FAILED', b: 'SKIPPED', c: 'ACCEPTED', d: 'FAILED' })
    expect(session.state.status).toBe('FAILED')
  })

  it('E50: of the group above excuses those below', () => {
    const session = begun(nested({ onFailure: 'QUORUM', quorum: 3 }))
    does(session, 'a', FATAL)
    for (const key of ['b', 'c', 'd']) does(session, key)
    expect(session.state.status).toBe('PARTIAL')
  })

  it('E47: is all of the group unless it is said', () => {
    const plan = planOf('PARALLEL', ['a', 'b', 'c'], { onFailure: 'QUORUM' })
    const session = begun(plan)
    does(session, 'a', FATAL)
    expect(status(session)).toEqual({ a: 'FAILED', b: 'SKIPPED', c: 'SKIPPED' })
    const good = begun(plan)
    for (const key of ['a', 'b', 'c']) does(good, key)
    expect(good.state.status).toBe('SUCCEEDED')
  })

  it('E47: of more than there are stops nobody until somebody has failed', () => {
    const session = begun(quorum(3, ['a', 'b']))
    expect(status(session)).toEqual({ a: 'READY', b: 'READY' })
    does(session, 'a', FATAL)
    expect(status(session)).toEqual({ a: 'FAILED', b: 'SKIPPED' })
  })

  it('E47: of a plan that still grows is not out of reach: its manager may delegate more', () => {
    const manager = { maxRounds: 3, maxReplans: 0, maxStalls: 0, maxChildren: 5 }
    const session = begun(planOf('HIERARCHICAL', ['x'], { manager, onFailure: 'QUORUM', quorum: 5 }))
    claims(session, 'manage-1')
    const { id: attemptId, fence } = session.attempt('manage-1')
    const next = ['a', 'b'].map((key) => ({ key, title: key, description: '' }))
    const says = { satisfied: false, looping: false, progressing: true, instruction: '', reasons: [] }
    const executionId = session.execution('manage-1').id
    const done = { executionId, attemptId, fence, report: ok({ ...says, next }), jitter: 0, agents: [ABLE] }
    session.happen({ type: 'REPORT', ...done })
    does(session, 'a', FATAL)
    expect(status(session)).toMatchObject({ a: 'FAILED', b: 'READY' })
  })

  it('E47: cannot be had with what was stopped for another group’s sake, whose culprit is the cause here too', () => {
    const session = begun(nested({ onFailure: 'QUORUM', quorum: 4 }, { onFailure: 'FAIL_FAST' }))
    claims(session, 'c')
    does(session, 'a', FATAL)
    reports(session, 'c', CANCELED)
    expect(status(session)).toEqual({ a: 'FAILED', b: 'SKIPPED', c: 'CANCELED', d: 'SKIPPED' })
    for (const key of ['b', 'c', 'd']) expect(causeOf(session, key)).toBe('a')
  })

  it('E47: cannot be had with what is skipped since something before it failed', () => {
    const parts = ['a', part('b'), part('c', { dependsOn: ['a'] })]
    const session = begun(planOf('HIERARCHICAL', parts, { onFailure: 'QUORUM', quorum: 2 }))
    does(session, 'a', FATAL)
    expect(status(session)).toEqual({ a: 'FAILED', b: 'SKIPPED', c: 'SKIPPED' })
    expect([causeOf(session, 'b'), causeOf(session, 'c')]).toEqual(['a', 'a'])
  })

  it('E47, E83: cannot be had once FIRST has stopped the rest of a group of its own', () => {
    // Nobody plans this, but a group whose branches are no longer needed has nobody who FAILED.
    const plan = planOf('PARALLEL', ['a', 'b', 'c'], { aggregate: 'FIRST', onFailure: 'QUORUM', quorum: 3 })
    const session = begun(plan)
    does(session, 'b')
    expect(status(session)).toEqual({ a: 'SKIPPED', b: 'ACCEPTED', c: 'SKIPPED', first: 'ACCEPTED' })
    expect([causeOf(session, 'a'), causeOf(session, 'c')]).toEqual(['first', 'first'])
    expect(session.state.status).toBe('SUCCEEDED')
  })
})

describe('another agent', () => {
  const session = () => begun(planOf('SEQUENTIAL', [part('a', { fallback: ['b', 'c'], retry: { maxAttempts: 2 } })]))
  const fails = (s: Begun): void => {
    does(s, 'a', error('AGENT'))
    if (s.execution('a').status === 'WAITING') s.after(1_000)
  }

  it('E27: gets its turn with attempts of its own once the retry policy has given up', () => {
    const s = session()
    fails(s)
    expect(s.execution('a')).toMatchObject({ status: 'READY', counted: 1 })
    expect(s.execution('a').fallbacks).toBeUndefined()
    fails(s)
    expect(s.execution('a')).toMatchObject({ status: 'READY', counted: 0, fallbacks: 1 })
    expect(s.last.events.at(-1)?.data).toMatchObject({ fallback: 'b', error: { class: 'AGENT' } })
    expect(s.last.effects).toEqual([{ type: 'ENQUEUE', executionId: s.execution('a').id }])
    for (const _ of [1, 2]) fails(s)
    expect(s.execution('a')).toMatchObject({ status: 'READY', fallbacks: 2 })
    for (const _ of [1, 2]) fails(s)
    expect(s.execution('a')).toMatchObject({ status: 'FAILED', attempt: 6, error: { class: 'AGENT' } })
  })

  it('E27: is given losses of its own too', () => {
    const s = session()
    for (let losses = 0; losses < 5; losses++) does(s, 'a', LOST)
    expect(s.execution('a')).toMatchObject({ status: 'READY', lost: 0, fallbacks: 1 })
  })

  it('E27: gets its turn when nobody takes it in time', () => {
    const parts = [part('a', { fallback: ['b'], timeouts: { queueMs: 1_000 } })]
    const s = begun(planOf('SEQUENTIAL', parts))
    s.after(1_000)
    expect(s.execution('a')).toMatchObject({ status: 'READY', fallbacks: 1, readyAt: s.now })
    s.after(1_000)
    expect(s.execution('a')).toMatchObject({ status: 'FAILED', error: { class: 'TIMEOUT' } })
  })

  it('E27: there is none for BUDGET', () => {
    const s = session()
    does(s, 'a', error('BUDGET'))
    expect(s.execution('a').status).toBe('FAILED')
  })
})

describe('one that may begin evenIfSkipped', () => {
  const plan = planOf('HIERARCHICAL', [
    part('a'),
    part('b', { dependsOn: ['a'] }),
    part('c', { dependsOn: ['b'], evenIfSkipped: true }),
    part('d', { dependsOn: ['a'], evenIfSkipped: true }),
  ])

  it('E12: begins when what it waits for was SKIPPED, not when that FAILED', () => {
    const session = begun(plan)
    does(session, 'a', FATAL)
    expect(status(session)).toEqual({ a: 'FAILED', b: 'SKIPPED', c: 'READY', d: 'SKIPPED' })
    expect(session.execution('c').input?.upstream).toMatchObject([{ key: 'b', status: 'SKIPPED' }])
    does(session, 'c')
    expect(session.state.status).toBe('FAILED')
  })

  it('E12: waits for all of it', () => {
    const parts = [part('a'), part('b', { dependsOn: ['a'] }), part('x'), part('c', { dependsOn: ['b', 'x'], evenIfSkipped: true })] // prettier-ignore
    const session = begun(planOf('HIERARCHICAL', parts))
    does(session, 'a', FATAL)
    expect(session.execution('c').status).toBe('BLOCKED')
    does(session, 'x')
    expect(session.execution('c').status).toBe('READY')
  })
})

describe('FIRST', () => {
  const plan = planOf('PARALLEL', ['a', 'b', 'c'], { aggregate: 'FIRST' })

  it('E83: takes the result of the branch that is accepted first and stops the others, which nobody misses (E50)', () => {
    const session = begun(plan)
    does(session, 'a', FATAL)
    claims(session, 'b')
    claims(session, 'c')
    reports(session, 'c', ok('mine'))
    expect(status(session)).toEqual({ a: 'FAILED', b: 'RUNNING', c: 'ACCEPTED', first: 'ACCEPTED' })
    expect(session.last.effects).toMatchObject([{ type: 'ABORT', reason: 'first has what it needs' }])
    expect(session.execution('first')).toMatchObject({ output: 'mine', summary: '"c" was accepted first' })
    reports(session, 'b', CANCELED)
    expect(causeOf(session, 'b')).toBe('first')
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', output: 'mine' })
  })

  it('E83: fails when no branch was accepted', () => {
    const session = begun(plan)
    for (const key of ['a', 'b', 'c']) does(session, key, FATAL)
    const { error: failure } = session.execution('first')
    expect(failure).toMatchObject({ class: 'VALIDATION', message: expect.stringMatching('^no branch was accepted') })
    expect(session.state.status).toBe('FAILED')
  })

  it('E83, E92: stops a child that it no longer needs', () => {
    const session = begun(planOf('PARALLEL', [child('a'), 'b'], { aggregate: 'FIRST' }))
    does(session, 'b')
    expect(session.last.effects).toMatchObject([{ type: 'CLOSE_CHILD', reason: 'first has what it needs' }])
    childEnds(session, 'a', 'CANCELED')
    expect(session.state.status).toBe('SUCCEEDED')
  })
})

describe('VOTE', () => {
  const plan = planOf('PARALLEL', ['a', 'b', 'c', 'd', 'e'], { aggregate: 'VOTE' })

  it('E82: takes what more than half agree on, and E83 stops the others', () => {
    const session = begun(plan)
    for (const [key, vote] of [['a', 1], ['b', 2], ['c', 1]] as const) does(session, key, ok(vote)) // prettier-ignore
    expect(session.execution('vote').status).toBe('BLOCKED')
    does(session, 'e', ok(1))
    expect(status(session)).toMatchObject({ d: 'SKIPPED', vote: 'ACCEPTED' })
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', output: 1 })
  })

  it('E82: fails when all have voted and no output has enough votes', () => {
    const session = begun(plan)
    for (const [vote, key] of ['a', 'b', 'c', 'd', 'e'].entries()) does(session, key, ok(vote % 3))
    expect(session.execution('vote')).toMatchObject({ status: 'FAILED', error: { class: 'VALIDATION' } })
    expect(session.state.status).toBe('FAILED')
  })

  it('E82: needs as many as are said', () => {
    const session = begun(planOf('PARALLEL', ['a', 'b', 'c'], { aggregate: 'VOTE', votes: 1 }))
    does(session, 'b', ok('x'))
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', output: 'x' })
  })
})

describe('REDUCE', () => {
  const plan = planOf('PARALLEL', ['a', 'b'], { aggregate: 'REDUCE' })

  it('E81: merges the objects of the accepted branches', () => {
    const session = begun(plan)
    does(session, 'b', ok({ y: 2 }))
    expect(session.execution('reduce').status).toBe('BLOCKED')
    does(session, 'a', ok({ x: 1 }))
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', output: { x: 1, y: 2 } })
  })

  it('E81: fails with two values of one key', () => {
    const session = begun(plan)
    does(session, 'b', ok({ x: 2 }))
    does(session, 'a', ok({ x: 1 }))
    expect(session.state).toMatchObject({ status: 'FAILED', reason: expect.stringMatching('"x" has one value from "a"') }) // prettier-ignore
  })
})

describe('COLLECT and AGENT', () => {
  it('E13, E80: wait for every branch and are handed the failures too', () => {
    const session = begun(planOf('PARALLEL', [part('a', { optional: true }), 'b'], { aggregate: 'COLLECT' }))
    does(session, 'a', FATAL)
    expect(session.execution('collect').status).toBe('BLOCKED')
    does(session, 'b')
    expect(session.execution('collect').output).toMatchObject([{ branch: 'a', status: 'FAILED' }, { branch: 'b' }])
    expect(session.state.status).toBe('PARTIAL')
  })

  it('E79: an agent does it like any other execution', () => {
    const session = begun(planOf('PARALLEL', ['a'], { aggregate: 'AGENT' }))
    does(session, 'a')
    expect(session.execution('report').status).toBe('READY')
    does(session, 'report', ok('all in all'))
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', output: 'all in all' })
  })
})
