import { describe, expect, it } from 'vitest'
import { heldAttempt } from '../../src/core/execution.ts'
import { hash } from '../../src/core/hash.ts'
import { MAX_INPUTS } from '../../src/core/people.ts'
import { DEFAULT_POLICY, type SessionState, type Step } from '../../src/core/state.ts'
import { step } from '../../src/core/step.ts'
import {
  asks,
  BEGIN,
  CANCELED,
  COMMAND,
  error,
  idOf,
  LOST,
  MINUTE,
  OK,
  ok,
  part,
  planOf,
  running,
  types,
  withPolicy,
} from './sessions.ts'

/** Tells a session in another state something. */
function tell(state: SessionState): Step {
  return step(state, { type: 'INPUT', text: 'faster', by: 'ada' }, BEGIN)
}

describe('input for a session that runs', () => {
  const told = (input: 'ENQUEUE' | 'INTERRUPT', plan = planOf('PARALLEL', ['a', 'b', 'c'])) =>
    running(plan, {}, withPolicy({ input }))

  it('E74: is refused unless its policy says otherwise', () => {
    expect(DEFAULT_POLICY.input).toBe('REJECT')
  })

  it.each(['ENQUEUE', 'INTERRUPT'] as const)('E74: %s: is told with its policy', (policy) => {
    const session = told(policy)
    session.wait(3)
    session.input('faster')
    expect(session.last.events).toEqual([
      expect.objectContaining({ type: 'INPUT_RECEIVED', data: { text: 'faster', by: 'ada', policy } }),
    ])
    expect(session.state.inputs).toEqual([{ text: 'faster', by: 'ada', at: BEGIN + 3 }])
  })

  it('E74: ENQUEUE: is for whatever no agent has begun yet; what runs or has begun goes on without', () => {
    const session = told('ENQUEUE', planOf('PARALLEL', ['a', 'b', 'c', 'd']))
    session.claim('a')
    session.do('c', error('AGENT'))
    session.do('d', LOST)
    session.input('faster')
    expect(session.last.effects).toEqual([])
    expect(heldAttempt(session.execution('a'))).toBeDefined()
    const handed = ['a', 'b', 'c', 'd'].map((key) => session.execution(key).input?.inputs)
    expect(handed).toEqual([undefined, 1, undefined, undefined])
  })

  it('E74: ENQUEUE: is for what becomes READY later', () => {
    const session = told('ENQUEUE', planOf('SEQUENTIAL', ['a', 'b']))
    session.claim('a')
    session.input('faster')
    session.input('cheaper')
    session.report('a', ok(1))
    const upstream = [{ branch: 'a', status: 'ACCEPTED', summary: 'Did it', output: 1, error: null }]
    expect(session.execution('b')).toMatchObject({
      input: { data: null, inputs: 2 },
      inputHash: hash({ data: null, upstream, told: ['faster', 'cheaper'] }),
    })
    expect(session.execution('a').input?.inputs).toBeUndefined()
  })

  it('E75: freezes the input anew of whatever is handed it', () => {
    const session = told('ENQUEUE')
    const { inputHash } = session.execution('b')
    session.input('faster')
    expect(session.execution('b').inputHash).toBe(hash({ data: null, upstream: [], told: ['faster'] }))
    expect(session.execution('b').inputHash).not.toBe(inputHash)
  })

  it('E74: INTERRUPT: stops what runs, which then begins anew with it', () => {
    const session = told('INTERRUPT')
    session.claim('a')
    session.wait(4)
    session.input('faster')
    const abort = { type: 'ABORT', executionId: idOf('a'), attemptId: 'attempt-1', reason: 'there is new input' }
    expect(session.last.effects).toEqual([abort])
    expect(session.execution('a')).toMatchObject({ status: 'RUNNING', aborting: 'there is new input', again: true })
    session.wait(3)
    session.report('a', CANCELED)
    expect(types(session.last)).toEqual(['ATTEMPT_ENDED', 'EXECUTION_READY'])
    expect(session.execution('a')).toMatchObject({
      status: 'READY',
      readyAt: BEGIN + 7,
      counted: 0,
      input: { inputs: 1 },
      inputHash: hash({ data: null, upstream: [], told: ['faster'] }),
    })
    expect(session.execution('a')).not.toHaveProperty('aborting')
    expect(session.execution('a')).not.toHaveProperty('again')
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
    expect(session.last.events[1]?.data).toEqual({ key: 'a', reason: 'there is new input' })
    session.do('a')
    expect(session.execution('a').status).toBe('ACCEPTED')
  })

  it('E74: INTERRUPT: is also for what waits for an agent, for a retry, or for an answer', () => {
    const session = told('INTERRUPT')
    session.do('b', error('AGENT'))
    session.do('c', asks())
    session.input('faster')
    expect(session.last.effects).toEqual([])
    expect(['a', 'b', 'c'].map((key) => session.execution(key).input?.inputs)).toEqual([1, 1, 1])
    expect(session.execution('b').status).toBe('WAITING')
  })

  it('E74: INTERRUPT: leaves alone what has a result, and what waits for others', () => {
    const parts = [part('a', { gates: [COMMAND] }), part('b', { gates: [{ kind: 'PERSON', question: '?' }] })]
    const session = told('INTERRUPT', planOf('HIERARCHICAL', [...parts, part('c', { dependsOn: ['a'] }), part('d')]))
    session.do('a')
    session.do('b')
    session.do('d')
    const before = ['a', 'b', 'c', 'd'].map((key) => session.execution(key))
    session.input('faster')
    expect(['a', 'b', 'c', 'd'].map((key) => session.execution(key))).toEqual(before)
  })

  it('E74: INTERRUPT: tells once, however much input comes; the last attempt gets all of it', () => {
    const session = told('INTERRUPT')
    session.claim('a')
    session.input('faster')
    session.input('cheaper')
    expect(session.last.effects).toEqual([])
    session.report('a', OK)
    expect(session.execution('a')).toMatchObject({ status: 'READY', input: { inputs: 2 } })
    expect(session.execution('a').output).toBeUndefined()
  })

  it.each([OK, CANCELED, LOST, error('AGENT'), error('VALIDATION'), asks()])(
    'E29: what it has stopped counts nothing, whatever is reported: $kind',
    (report) => {
      const session = told('INTERRUPT', planOf('SEQUENTIAL', [part('a', { retry: { maxAttempts: 1 } })]))
      session.claim('a')
      session.input('faster')
      session.report('a', report)
      expect(session.execution('a')).toMatchObject({ status: 'READY', counted: 0, lost: 0, attempt: 1 })
      expect(session.state.interrupts).toEqual([])
    },
  )

  it('E77: what does not stop within the grace is fenced off, and begins anew all the same', () => {
    const session = told('INTERRUPT')
    session.claim('a', 60 * MINUTE)
    session.input('faster')
    session.after(29_999)
    expect(session.execution('a').status).toBe('RUNNING')
    session.after(1)
    expect(session.execution('a')).toMatchObject({ status: 'READY', fence: 2, counted: 0, input: { inputs: 1 } })
    session.claim('a')
    expect(session.execution('a')).toMatchObject({ fence: 3, attempt: 2 })
  })

  it('E74: INTERRUPT: does not bring back what is being stopped for another reason', () => {
    const plan = planOf('PARALLEL', ['a', 'b'])
    const groups = plan.groups.map((group) => ({ ...group, onFailure: 'FAIL_FAST' as const }))
    const session = told('INTERRUPT', { ...plan, groups })
    session.claim('a')
    session.do('b', error('AUTH'))
    expect(session.input('faster').effects).toEqual([])
    expect(session.execution('a')).not.toHaveProperty('again')
    session.report('a', CANCELED)
    expect(session.execution('a').status).toBe('CANCELED')
  })

  it('E76: does not bring back what is canceled meanwhile', () => {
    const session = told('INTERRUPT')
    session.claim('a')
    session.input('faster')
    expect(session.cancel('enough').effects).toEqual([])
    expect(session.execution('a')).toMatchObject({ status: 'RUNNING', aborting: 'enough' })
    session.report('a', CANCELED)
    expect(session.state.status).toBe('CANCELED')
    expect(session.last.events[1]).toMatchObject({ type: 'EXECUTION_CANCELED', data: { reason: 'enough' } })
  })

  it('E48: does not bring back what is stopped for another one’s sake meanwhile', () => {
    const plan = planOf('PARALLEL', ['a', 'b'])
    const groups = plan.groups.map((group) => ({ ...group, onFailure: 'FAIL_FAST' as const }))
    const session = told('INTERRUPT', { ...plan, groups })
    session.claim('a')
    session.claim('b')
    session.input('faster')
    session.report('b', CANCELED)
    session.do('b', error('AUTH'))
    session.report('a', CANCELED)
    expect(session.execution('a')).toMatchObject({ status: 'CANCELED', causeId: idOf('b') })
    expect(session.state.status).toBe('FAILED')
  })

  it('E74: is handed on to what goes on from it, whose executions have it from the beginning', () => {
    const inputs = [{ text: 'faster', by: 'ada', at: BEGIN - MINUTE }]
    const session = running(planOf('PARALLEL', ['a']), {}, { ...withPolicy({ input: 'REJECT' }), inputs })
    expect(session.state.inputs).toEqual(inputs)
    expect(session.execution('a')).toMatchObject({
      input: { inputs: 1 },
      inputHash: hash({ data: null, upstream: [], told: ['faster'] }),
    })
  })

  it(`E74: is refused after ${MAX_INPUTS} of them`, () => {
    expect(MAX_INPUTS).toBe(1_000)
    const session = told('ENQUEUE')
    const inputs = Array.from({ length: MAX_INPUTS - 1 }, () => ({ text: 'x', by: 'ada', at: BEGIN }))
    const almost = { ...session.state, inputs }
    const full = tell(almost)
    expect(full.state.inputs).toHaveLength(MAX_INPUTS)
    expect(tell(full.state)).toMatchObject({
      refused: 'the session has been given 1000 inputs, which is the limit',
      events: [],
    })
  })
})
