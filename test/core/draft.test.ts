import { describe, expect, it } from 'vitest'
import {
  changeExecution,
  draft,
  elapsed,
  emit,
  executionById,
  executionOf,
  executionsOf,
  finish,
  moveExecution,
  moveSession,
  nodeOf,
} from '../../src/core/draft.ts'
import { BEGIN, idOf, part, planOf, queued, running } from './sessions.ts'

const state = running(planOf('PARALLEL', [part('b', { title: 'Bee' }), '2', '1'])).state

describe('a draft', () => {
  it('E1: gathers changes and leaves the state that it began from as it was', () => {
    const before = structuredClone(state)
    const d = draft(state, BEGIN)
    changeExecution(d, 'b', { summary: 'new' })
    moveExecution(d, 'b', 'ASSIGN')
    moveSession(d, 'STOP')
    expect(state).toEqual(before)
    expect(d.state).toMatchObject({ status: 'CANCELING', executions: { b: { status: 'ASSIGNED', summary: 'new' } } })
  })

  it('E100: numbers its events on from the last one and dates them', () => {
    const d = draft(state, BEGIN + 5)
    emit(d, 'ATTEMPT_LATE', { key: 'b' }, { executionId: 'e', attemptId: 'a' })
    emit(d, 'PLAN_MADE', {})
    expect(d.events).toEqual([
      { seq: state.seq + 1, type: 'ATTEMPT_LATE', executionId: 'e', attemptId: 'a', data: { key: 'b' }, at: BEGIN + 5 },
      { seq: state.seq + 2, type: 'PLAN_MADE', data: {}, at: BEGIN + 5 },
    ])
    expect(finish(d).state.seq).toBe(state.seq + 2)
  })

  it('E3: is a new version of the session if anything happened, however much', () => {
    const d = draft(state, BEGIN)
    emit(d, 'PLAN_MADE', {})
    emit(d, 'PLAN_MADE', {})
    expect(finish(d).state.version).toBe(state.version + 1)
  })

  it('E3: is the same version if nothing happened', () => {
    expect(finish(draft(state, BEGIN))).toEqual({ state, events: [], verdicts: [], effects: [] })
  })
})

describe('moving the session', () => {
  it('changes its status with all that belongs to it and says so in an event', () => {
    const d = draft(state, BEGIN)
    moveSession(d, 'SUCCEED', { output: 1 }, { why: 'all accepted' })
    expect(d.state).toMatchObject({ status: 'SUCCEEDED', output: 1 })
    expect(d.events).toMatchObject([{ type: 'SESSION_SUCCEEDED', data: { why: 'all accepted' } }])
  })

  it('throws where the table has no such move', () => {
    expect(() => moveSession(draft(state, BEGIN), 'ANALYZE')).toThrow(
      'session session: ANALYZE is not possible in RUNNING',
    )
  })
})

describe('moving an execution', () => {
  it('changes its status with all that belongs to it and says so in an event', () => {
    const d = draft(state, BEGIN)
    moveExecution(d, 'b', 'SKIP', { causeId: 'x' }, { causeId: 'x' })
    expect(executionOf(d.state, 'b')).toMatchObject({ status: 'SKIPPED', causeId: 'x' })
    expect(d.events).toMatchObject([
      { type: 'EXECUTION_SKIPPED', executionId: idOf('b'), data: { key: 'b', causeId: 'x' } },
    ])
  })

  it('throws where the table has no such move', () => {
    expect(() => moveExecution(draft(state, BEGIN), 'b', 'START')).toThrow(
      `execution ${idOf('b')}: START is not possible in READY`,
    )
  })
})

describe('what a state tells', () => {
  it('are its executions in the order of the plan, whatever their keys', () => {
    expect(executionsOf(state).map(({ key }) => key)).toEqual(['b', '2', '1'])
  })

  it('are no executions before there is a plan', () => {
    expect(executionsOf(queued(planOf('PARALLEL', ['constructor'])).state)).toEqual([])
  })

  it('are the execution and the node of a key', () => {
    expect(executionOf(state, 'b').id).toBe(idOf('b'))
    expect(nodeOf(state, 'b').title).toBe('Bee')
  })

  it('is the execution with an id, if there is one', () => {
    expect(executionById(state, idOf('2'))?.key).toBe('2')
    expect(executionById(state, 'unknown')).toBeUndefined()
  })
})

describe('the time that a session has run', () => {
  const state = { ...running(planOf('SEQUENTIAL', ['a'])).state, startedAt: BEGIN, waitedMs: 5 }

  it.each([
    ['goes on', {}, BEGIN + 100, 95],
    ['stands still while it waits for a person', { waitingSince: BEGIN + 40 }, BEGIN + 100, 35],
    ['is none when the clock has gone back', {}, BEGIN - 100, 0],
  ])('%s', (_, change, now, ms) => {
    expect(elapsed({ ...state, ...change }, now)).toBe(ms)
  })
})
