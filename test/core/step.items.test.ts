import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { isSettled } from '../../src/core/execution.ts'
import { isEnded } from '../../src/core/session.ts'
import { begun, child, claims, does, reports } from './drive.ts'
import './seed.ts'
import { error, ok, planOf } from './sessions.ts'

const FATAL = error('VALIDATION', 'it does not fit')
type Begun = ReturnType<typeof begun>
const status = (session: Begun) => Object.fromEntries(session.statuses())

/** A pipeline of items 0..n-1. */
function items(
  stages: readonly string[],
  n: number,
  { buffer = 1, onFailure = 'STOP' }: { buffer?: number; onFailure?: 'STOP' | 'DEAD_LETTER' } = {},
): Begun {
  const list = Array.from({ length: n }, (_, item) => ({ item }))
  return begun(planOf('PIPELINE', stages, { items: { list, buffer, onFailure } }), { limits: { concurrency: 100 } })
}

describe('the items of a pipeline', () => {
  it('E84: overlap: a stage takes the next item while the stage after it has the one before', () => {
    const session = items(['a', 'b'], 3)
    does(session, 'a-1')
    // One place between the stages, where item 1 stands.
    expect(status(session)).toMatchObject({ 'b-1': 'READY', 'a-2': 'BLOCKED', 'a-3': 'BLOCKED' })
    claims(session, 'b-1')
    expect(status(session)).toMatchObject({ 'b-1': 'RUNNING', 'a-2': 'READY', 'a-3': 'BLOCKED' })
    does(session, 'a-2')
    // Now item 2 stands there.
    expect(status(session)).toMatchObject({ 'b-1': 'RUNNING', 'b-2': 'READY', 'a-3': 'BLOCKED' })
    reports(session, 'b-1', ok('x'))
    expect(status(session)).toMatchObject({ 'b-2': 'READY', 'a-3': 'BLOCKED' })
    claims(session, 'b-2')
    expect(status(session)).toMatchObject({ 'b-2': 'RUNNING', 'a-3': 'READY' })
    const wider = items(['a', 'b'], 3, { buffer: 2 })
    does(wider, 'a-1')
    claims(wider, 'b-1')
    expect(claims(wider, 'a-2').refused).toBeUndefined()
    expect(status(wider)).toMatchObject({ 'b-1': 'RUNNING', 'a-2': 'RUNNING', 'a-3': 'READY' })
  })

  it('E84: do not heap up in a stage that has begun them and waits', () => {
    const session = items(['a', 'b'], 4)
    does(session, 'a-1')
    does(session, 'b-1', error('AGENT'))
    does(session, 'a-2')
    does(session, 'b-2', error('AGENT'))
    // b has begun both, so that nothing stands between the stages, but it is through with neither.
    expect(status(session)).toMatchObject({ 'b-1': 'WAITING', 'b-2': 'WAITING', 'a-3': 'BLOCKED' })
    session.after(10_000)
    does(session, 'b-1')
    expect(status(session)).toMatchObject({ 'b-2': 'READY', 'a-3': 'READY', 'a-4': 'BLOCKED' })
  })

  it('E84: may be begun by a session of its own', () => {
    const list = [1, 2, 3]
    const plan = planOf('PIPELINE', ['a', child('b')], { items: { list, buffer: 1, onFailure: 'STOP' } })
    const session = begun(plan)
    does(session, 'a-1')
    expect(status(session)).toMatchObject({ 'b-1': 'RUNNING', 'a-2': 'READY', 'a-3': 'BLOCKED' })
  })

  it('E84: go through a stage one at a time', () => {
    const session = items(['a', 'b'], 3, { buffer: 3 })
    claims(session, 'a-1')
    expect(status(session)).toMatchObject({ 'a-2': 'READY', 'a-3': 'READY' })
    expect(claims(session, 'a-2').refused).toBe('the group stage-1 has 1 at once, which is its limit')
  })

  it('E16: are handed what the stage before made of them, and what they are', () => {
    const session = items(['a', 'b'], 1)
    does(session, 'a-1', ok('half done'))
    expect(session.execution('b-1').input).toMatchObject({
      data: { item: { item: 0 }, index: 0 },
      upstream: [{ key: 'a-1' }],
    })
  })

  it('E85: come out in the order in which they went in, whoever was first', () => {
    const session = items(['a', 'b'], 3, { buffer: 3 })
    for (const key of ['a-3', 'a-1', 'b-3', 'a-2', 'b-2', 'b-1']) does(session, key, ok(key))
    expect(session.state).toMatchObject({
      status: 'SUCCEEDED',
      output: { items: ['b-1', 'b-2', 'b-3'], deadLetters: [] },
    })
  })

  it('E85: DEAD_LETTER leaves a failed one out, says where it failed, and the others go on', () => {
    const session = items(['a', 'b', 'c'], 2, { onFailure: 'DEAD_LETTER', buffer: 2 })
    does(session, 'a-1')
    does(session, 'b-1', FATAL)
    expect(status(session)).toMatchObject({ 'c-1': 'SKIPPED', 'a-2': 'READY' })
    for (const key of ['a-2', 'b-2', 'c-2']) does(session, key, ok(key))
    expect(session.state).toMatchObject({
      status: 'PARTIAL',
      output: {
        items: [null, 'c-2'],
        deadLetters: [{ item: 1, stage: 'b-1', error: { class: 'VALIDATION', message: 'it does not fit' } }],
      },
    })
  })

  it('E85: STOP stops them all, in every stage', () => {
    const session = items(['a', 'b'], 3, { buffer: 2 })
    does(session, 'a-1', ok(1))
    claims(session, 'a-2')
    does(session, 'b-1', FATAL)
    expect(status(session)).toMatchObject({ 'a-2': 'RUNNING', 'a-3': 'SKIPPED', 'b-3': 'SKIPPED' })
    reports(session, 'a-2', ok(2))
    expect(session.execution('a-2').status).toBe('CANCELED')
    expect(session.state.status).toBe('FAILED')
    expect((session.state.output as { items: Json[] }).items).toEqual([null, null, null])
  })

  it('E84: keep their place between two stages though they are skipped', () => {
    const session = items(['a', 'b', 'c'], 5, { onFailure: 'DEAD_LETTER' })
    does(session, 'a-1')
    does(session, 'b-1')
    does(session, 'a-2', FATAL)
    // Item 2 will never come, but what comes after it may not overtake item 1.
    expect(status(session)).toMatchObject({ 'b-2': 'BLOCKED', 'a-3': 'BLOCKED' })
    claims(session, 'c-1')
    expect(status(session)).toMatchObject({ 'b-2': 'SKIPPED', 'c-2': 'SKIPPED', 'a-3': 'READY' })
    does(session, 'a-3')
    // Item 3 may not come to stand with it either, as long as c is not through with item 1.
    expect(status(session)).toMatchObject({ 'b-3': 'BLOCKED', 'a-4': 'BLOCKED' })
    reports(session, 'c-1', ok('x'))
    expect(status(session)).toMatchObject({ 'b-3': 'READY', 'a-4': 'BLOCKED' })
  })

  it('E84: never stand finished between two stages more than `buffer` at once, whatever fails in whatever order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.record({ pick: fc.nat(100), fails: fc.integer({ min: 0, max: 3 }) }), {
          minLength: 80,
          maxLength: 80,
        }),
        (n, stages, buffer, steps) => {
          const names = ['a', 'b', 'c', 'd'].slice(0, stages)
          const session = items(names, n, { buffer, onFailure: 'DEAD_LETTER' })
          for (const { pick, fails } of steps) {
            if (isEnded(session.state.status)) break
            const open = session.statuses().filter(([, is]) => is === 'READY' || is === 'RUNNING')
            const [key, is] = open[pick % open.length] as (typeof open)[number]
            if (is === 'READY') claims(session, key)
            else reports(session, key, fails === 0 ? FATAL : ok(key))
            for (const [stage, name] of names.slice(0, -1).entries()) {
              const finished = Array.from({ length: n }, (_, item) => item + 1).filter((item) => {
                const after = session.execution(`${names[stage + 1]}-${item}`)
                return session.execution(`${name}-${item}`).status === 'ACCEPTED' && after.attempt === 0
              })
              expect(finished.length).toBeLessThanOrEqual(buffer)
              const open = Array.from({ length: n }, (_, item) => item + 1).filter((item) => {
                const after = session.execution(`${names[stage + 1]}-${item}`)
                return session.execution(`${name}-${item}`).status === 'ACCEPTED' && !isSettled(after.status)
              })
              expect(open.length).toBeLessThanOrEqual(buffer + 1)
            }
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
