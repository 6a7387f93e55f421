import { describe, expect, it } from 'vitest'
import type { SubTask } from '../../src/core/plan.ts'
import { doerOf, leftToUndo } from '../../src/core/undo.ts'
import type { Undoable } from '../../src/core/undoable.ts'
import { answers, begun, child, childEnds, does, type Given, judges, lastAsked, opened } from './drive.ts'
import { error, ok, part, planOf } from './sessions.ts'

const FATAL = error('VALIDATION', 'it does not fit')
type Begun = ReturnType<typeof begun>
const status = (session: Begun) => Object.fromEntries(session.statuses())
const undone = (key: string, change: Partial<SubTask> = {}): SubTask =>
  part(key, { compensation: { title: `Undo ${key}` }, input: { for: key }, ...change })

/** What a child leaves, as it tells its parent. */
const left = (...parts: SubTask[]): readonly Undoable[] => {
  const session = begun(planOf('PARALLEL', parts))
  for (const { key } of parts) does(session, key, ok({ by: key }))
  return leftToUndo(session.state)
}
const ends = (session: Begun, key: string, status: 'SUCCEEDED' | 'FAILED', undo: readonly Undoable[]) =>
  childEnds(session, key, status, {}, undefined, { undo })
const rollsBack = (session: Begun, toSeq = 0, keep: readonly string[] = []) =>
  session.happen({ type: 'ROLL_BACK', reason: 'it was wrong', toSeq, keep })
/** What the plan undoes, in the order in which that is done. */
const undoes = ({ state }: Begun) => state.plan.nodes.flatMap((node) => node.undoes ?? [])
const keysOf = (undo: readonly Undoable[]) => undo.map(({ key }) => key)

describe('what a session leaves to its parent to be undone', () => {
  const plan = planOf('PARALLEL', [undone('a'), undone('b'), part('c'), undone('d')])
  const done = (given: Given = {}) => {
    const session = begun(plan, given)
    for (const key of ['b', 'a', 'c']) does(session, key, ok({ by: key }))
    return session
  }

  it('E104: is what was accepted and has a compensation, in the order of its completion, with all that it takes', () => {
    const session = done()
    does(session, 'd', FATAL)
    expect(session.state.status).toBe('FAILED')
    const [first, ...others] = leftToUndo(session.state)
    expect(keysOf(others)).toEqual(['a'])
    const { timeouts, retry } = plan.nodes[1]!
    const compensation = { title: 'Undo b' }
    const given = { input: { for: 'b' }, output: { by: 'b' }, agentId: 'agent' }
    expect(first).toEqual({ key: 'b', compensation, ...given, timeouts, retry })
  })

  it('E104: says so though there was no input, no output and no agent', () => {
    const plan = planOf('SEQUENTIAL', [child('a', { compensation: { title: 'Undo a' } })])
    const session = begun(plan)
    const { id: executionId, childId = '' } = session.execution('a')
    const used = { tokens: 0, cost: 0, executions: 0 }
    session.happen({ type: 'CHILD_ENDED', executionId, childId, status: 'SUCCEEDED', output: null, used, undo: [] })
    const { timeouts, retry } = plan.nodes[0]!
    const compensation = { title: 'Undo a' }
    expect(leftToUndo(session.state)).toEqual([{ key: 'a', compensation, input: null, output: null, timeouts, retry }])
  })

  it('E104: has what its own children left, as child/key, whatever became of their nodes', () => {
    const session = begun(planOf('PARALLEL', [undone('a'), child('s'), child('t')]))
    ends(session, 's', 'FAILED', left(undone('x'), undone('y')))
    does(session, 'a')
    ends(session, 't', 'SUCCEEDED', left(undone('x')))
    expect(keysOf(leftToUndo(session.state))).toEqual(['s/x', 's/y', 'a', 't/x'])
    expect(leftToUndo(session.state)[1]).toMatchObject({ input: { for: 'y' }, output: { by: 'y' } })
  })

  it('E104: is nothing once it was rolled back, though a person let something be', () => {
    const session = done()
    rollsBack(session)
    does(session, 'undo-a', FATAL)
    answers(session, 'SKIP')
    does(session, 'undo-b')
    expect(session.state.status).toBe('ROLLED_BACK')
    expect(leftToUndo(session.state)).toEqual([])
  })

  it('E104: is what its rollback was to keep', () => {
    const session = begun(planOf('SEQUENTIAL', [undone('a'), child('s'), undone('b'), part('c')]))
    does(session, 'a')
    ends(session, 's', 'SUCCEEDED', left(undone('x')))
    does(session, 'b')
    const keep = [session.execution('a').id, session.execution('s').id]
    rollsBack(session, 9, keep)
    does(session, 'undo-b')
    expect(session.state.status).toBe('ROLLED_BACK')
    expect(keysOf(leftToUndo(session.state))).toEqual(['a', 's/x'])
  })

  it('E104: is what a rollback had not undone yet when a person gave it up', () => {
    const session = begun(planOf('SEQUENTIAL', [undone('a'), child('s'), undone('b'), part('c')]))
    does(session, 'a')
    ends(session, 's', 'SUCCEEDED', left(undone('x'), undone('y')))
    does(session, 'b')
    rollsBack(session)
    does(session, 'undo-b')
    does(session, 'undo-s/y')
    does(session, 'undo-s/x', FATAL)
    answers(session, 'STOP')
    expect(session.state.status).toBe('FAILED')
    expect(keysOf(leftToUndo(session.state))).toEqual(['a', 's/x'])
  })

  it('E104: is nothing where nothing has begun', () => {
    const reviewed = begun(plan, { policy: { review: true } })
    expect(leftToUndo(reviewed.state)).toEqual([])
  })
})

describe('the end of a child', () => {
  it('E104: is told with the keys of what can be undone, and all of it is kept', () => {
    const session = begun(planOf('SEQUENTIAL', [child('s'), part('z')]))
    const undo = left(undone('x'), undone('y'))
    ends(session, 's', 'SUCCEEDED', undo)
    const [told] = session.last.events
    expect(told).toMatchObject({ type: 'CHILD_ENDED', data: { key: 's', undo: ['x', 'y'] } })
    expect(session.execution('s').undo).toEqual(undo.map((one) => ({ ...one, seq: told?.seq })))
  })

  it('E104: says nothing of what there is not', () => {
    const session = begun(planOf('SEQUENTIAL', [child('s'), part('z')]))
    ends(session, 's', 'SUCCEEDED', [])
    expect(session.last.events[0]?.data).not.toHaveProperty('undo')
    expect(session.execution('s')).not.toHaveProperty('undo')
  })
})

describe('a rollback', () => {
  it('E105: undoes what children did in its place in the reverse order, by when they ended', () => {
    const session = begun(planOf('PARALLEL', [undone('a'), child('s'), undone('b'), child('t'), part('z')]))
    does(session, 'a')
    ends(session, 't', 'SUCCEEDED', left(undone('x')))
    does(session, 'b')
    ends(session, 's', 'SUCCEEDED', left(undone('x'), undone('y')))
    rollsBack(session)
    expect(undoes(session)).toEqual(['s/y', 's/x', 'b', 't/x', 'a'])
    for (const key of ['s/y', 's/x', 'b', 't/x']) does(session, `undo-${key}`)
    expect(session.state.status).toBe('ROLLING_BACK')
    does(session, 'undo-a')
    expect(session.state.status).toBe('ROLLED_BACK')
    // What a child did is COMPENSATED nowhere: its end is for good, and its node was none of that.
    expect(status(session)).toMatchObject({ a: 'COMPENSATED', b: 'COMPENSATED', s: 'ACCEPTED', t: 'ACCEPTED' })
  })

  it('E105: counts a child’s work by its end, though its node was accepted later', () => {
    const gates = [{ kind: 'COMMAND', command: 'check' }] as const
    const compensation = { title: 'Undo s' }
    const session = begun(planOf('PARALLEL', [child('s', { gates, compensation }), undone('a'), part('z')]))
    ends(session, 's', 'SUCCEEDED', left(undone('x')))
    does(session, 'a')
    judges(session, 's', { kind: 'ACCEPT' })
    rollsBack(session)
    expect(undoes(session)).toEqual(['s', 'a', 's/x'])
  })

  it('E94, E105: hands over what the child was given and put out, with its limits, to whoever did it', () => {
    const timeouts = { attemptMs: 7_000 }
    const compensation = { title: 'Put it back', agent: 'ben', capabilities: ['repair'], input: { careful: true } }
    const session = begun(planOf('SEQUENTIAL', [child('s', { retry: { maxAttempts: 9 } }), part('z')]))
    ends(session, 's', 'SUCCEEDED', left(undone('x', { timeouts, retry: { maxAttempts: 2 }, compensation })))
    rollsBack(session)
    expect(session.state.plan.nodes.at(-1)).toMatchObject({
      key: 'undo-s/x',
      kind: 'UNDO',
      undoes: 's/x',
      title: 'Put it back',
      agent: 'ben',
      capabilities: ['repair'],
      timeouts: { attemptMs: 7_000 },
      retry: { maxAttempts: 2 },
    })
    const of = { key: 's/x', input: { for: 'x' }, output: { by: 'x' } }
    expect(session.execution('undo-s/x').input?.data).toEqual({ input: { careful: true }, of })
    expect([doerOf(session.state, 's/x'), doerOf(session.state, 's/y')]).toEqual(['agent', undefined])
  })

  it('E105: leaves alone what children did whose nodes are kept, and nothing else', () => {
    const session = begun(planOf('SEQUENTIAL', [child('s'), child('t'), part('z')]))
    ends(session, 's', 'SUCCEEDED', left(undone('x')))
    ends(session, 't', 'SUCCEEDED', left(undone('x')))
    rollsBack(session, 9, [session.execution('s').id])
    expect(undoes(session)).toEqual(['t/x'])
  })

  it('E105: undoes what a child did that failed, or was stopped for it', () => {
    const session = begun(planOf('PARALLEL', [child('s'), child('t'), part('z')]))
    ends(session, 's', 'FAILED', left(undone('x')))
    expect(status(session)).toMatchObject({ s: 'FAILED' })
    rollsBack(session)
    expect(session.state.rollback?.phase).toBe('STOPPING')
    childEnds(session, 't', 'CANCELED', {}, undefined, { undo: left(undone('y')) })
    expect(status(session)).toMatchObject({ s: 'FAILED', t: 'CANCELED' })
    expect(undoes(session)).toEqual(['t/y', 's/x'])
  })

  it('E97, E105: instead of a failure undoes what the child did that failed', () => {
    const session = begun(planOf('SEQUENTIAL', [child('s')]), { policy: { rollback: true } })
    ends(session, 's', 'FAILED', left(undone('x')))
    expect(session.state.status).toBe('ROLLING_BACK')
    does(session, 'undo-s/x')
    expect(session.state).toMatchObject({ status: 'ROLLED_BACK', reason: expect.stringMatching(/^FAILED: s failed/) })
  })

  it('E27, E105: undoes what each child of a node did, though both did the same', () => {
    const session = begun(planOf('SEQUENTIAL', [child('s', { fallback: ['other'] }), part('z')]))
    ends(session, 's', 'FAILED', left(undone('x'), undone('x-')))
    ends(session, 's', 'SUCCEEDED', left(undone('x')))
    expect(session.execution('s').undo?.map(({ key }) => key)).toEqual(['x', 'x-', 'x--'])
    rollsBack(session)
    expect(undoes(session)).toEqual(['s/x--', 's/x-', 's/x'])
    const keys = session.state.plan.nodes.slice(-3).map(({ key }) => key)
    expect(keys).toEqual(['undo-s/x--', 'undo-s/x-', 'undo-s/x'])
  })

  it('E92: does not undo what was left alone under ABANDON: nobody tells what that has done', () => {
    const session = begun(planOf('PARALLEL', [child('s'), undone('a')]), { policy: { close: 'ABANDON' } })
    does(session, 'a')
    rollsBack(session)
    expect(ends(session, 's', 'SUCCEEDED', left(undone('x'))).refused).toMatch('CANCELED')
    expect(undoes(session)).toEqual(['a'])
  })

  it('E95: asks a person about what a child did, by its name', () => {
    const session = begun(planOf('SEQUENTIAL', [child('s'), part('z')]))
    ends(session, 's', 'SUCCEEDED', left(undone('x')))
    rollsBack(session)
    does(session, 'undo-s/x', FATAL)
    const question = 'What "s/x" did could not be undone: it does not fit. Shall it be tried again?'
    expect(lastAsked(session)).toMatchObject({ question, shown: { key: 's/x' }, about: { undo: 's/x' } })
    answers(session, 'SKIP')
    expect(session.state.status).toBe('ROLLED_BACK')
  })

  it('E71, E105: of a session that took over a child’s result undoes what that child did', () => {
    const plan = planOf('SEQUENTIAL', [child('s', { compensation: { title: 'Undo s' } }), undone('a'), part('b')])
    const earlier = begun(plan)
    ends(earlier, 's', 'SUCCEEDED', left(undone('x')))
    does(earlier, 'a')
    does(earlier, 'b', FATAL)
    const next = opened(plan, { opening: { id: 'another' } })
    next.happen({ type: 'PLAN', executionIds: {}, carried: earlier.state.executions })
    const [done] = next.execution('s').undo ?? []
    expect(done).toMatchObject({ key: 'x', seq: next.execution('s').acceptedSeq })
    rollsBack(next)
    expect(undoes(next)).toEqual(['a', 's', 's/x'])
  })
})

describe('a child session that is rolled back', () => {
  const opening = { parentSessionId: 'parent', rootSessionId: 'root', depth: 2 }
  const plan = planOf('SEQUENTIAL', [undone('a'), part('b')])

  it('E106: compensates, and leaves the workspace to its root', () => {
    const session = begun(plan, { opening }, 'begin')
    does(session, 'a')
    session.happen({ type: 'ROLL_BACK', reason: 'it was wrong', toSeq: 0, keep: [], commit: 'commit' })
    expect(session.state.rollback).not.toHaveProperty('commit')
    does(session, 'undo-a')
    expect(session.state.status).toBe('ROLLED_BACK')
    expect(session.effects.filter(({ type }) => type === 'RESTORE')).toEqual([])
  })

  it('E97, E106: instead of a failure too', () => {
    const session = begun(plan, { opening, policy: { rollback: true } }, 'begin')
    does(session, 'a')
    does(session, 'b', FATAL)
    does(session, 'undo-a')
    expect(session.state.status).toBe('ROLLED_BACK')
    expect(session.effects.filter(({ type }) => type === 'RESTORE')).toEqual([])
  })

  it('E78, E92: finishes though its parent closes it, and the parent waits for that', () => {
    const parent = begun(planOf('PARALLEL', [child('s'), undone('a')]))
    does(parent, 'a')
    rollsBack(parent)
    expect(parent.state.rollback?.phase).toBe('STOPPING')
    childEnds(parent, 's', 'ROLLED_BACK')
    expect(undoes(parent)).toEqual(['a'])
  })
})

describe('the checkpoint after a child session', () => {
  it('E70: has the commit of the workspace as the child left it', () => {
    const session = begun(planOf('SEQUENTIAL', [child('s'), part('z')]))
    childEnds(session, 's', 'SUCCEEDED', {}, undefined, { commit: 'after s' })
    expect(session.execution('s')).toMatchObject({ status: 'ACCEPTED', head: 'after s' })
  })
})
