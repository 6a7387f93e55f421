import { describe, expect, it } from 'vitest'
import { MAX_REJECTIONS, MAX_VERDICT_TEXT } from '../../src/core/gate.ts'
import { answers, begun, does, lastAsked } from './drive.ts'
import { BEGIN, COMMAND, gated, idOf, nothing, ok, part, PERSON, planOf, types } from './sessions.ts'

const WHY = 'no file has changed'
const TEXT = `it says that it is done, but ${WHY}`

describe('an agent that says that it is done and did nothing', () => {
  it('E114: is rejected with that reason, which is kept with what was seen and handed to the next attempt', () => {
    const session = gated([])
    const seen = [{ name: 'end of the turn', kind: 'STOP_REASON', passed: true, detail: {} }]
    session.claim('a')
    session.wait(4)
    session.report('a', { ...nothing(WHY, seen), usage: { inputTokens: 7 } } as never)
    expect(session.execution('a')).toMatchObject({
      status: 'READY',
      readyAt: BEGIN + 4,
      counted: 0,
      feedback: [{ attempt: 1, gate: 'EVIDENCE', text: TEXT }],
      current: { status: 'OK', usage: { inputTokens: 7 } },
    })
    for (const gone of ['candidate', 'gate', 'output', 'evidence', 'error']) {
      expect(session.execution('a')).not.toHaveProperty(gone)
    }
    expect(session.attempt('a')).not.toHaveProperty('error')
    const of = { executionId: idOf('a'), attemptId: 'attempt-1' }
    const told = { gate: -1, kind: 'EVIDENCE', verdict: 'REJECT', text: TEXT }
    expect(session.last.events).toMatchObject([
      { type: 'ATTEMPT_ENDED', data: { key: 'a', number: 1, status: 'OK' } },
      { type: 'EXECUTION_VALIDATING' },
      { type: 'VERDICT_GIVEN', ...of, data: { key: 'a', ...told } },
      { type: 'EXECUTION_READY', data: { key: 'a', rejected: TEXT } },
    ])
    expect(session.last.verdicts).toMatchObject([{ ...of, ...told, evidence: { checks: seen } }])
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
    session.do('a')
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', attempt: 2 })
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it(`E114: is given up with the reason once it was rejected ${MAX_REJECTIONS} times, like any other`, () => {
    const session = gated([COMMAND])
    session.do('a')
    session.verdict('a', { kind: 'REJECT', feedback: 'it fails' })
    for (let time = 2; time <= MAX_REJECTIONS; time++) {
      session.do('a', nothing())
      expect(session.execution('a').status).toBe('READY')
    }
    session.do('a', nothing(WHY))
    const failure = { class: 'REJECTED', message: `rejected 4 times, at last by EVIDENCE: ${TEXT}` }
    expect(session.execution('a')).toMatchObject({ status: 'FAILED', error: failure, attempt: 4, counted: 0 })
    expect(session.state).toMatchObject({ status: 'FAILED', reason: `a failed: ${failure.message}` })
  })

  it('E114: is rejected before any gate is looked at, and needs no gate for it', () => {
    const session = gated([COMMAND, PERSON])
    session.do('a', nothing())
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
    expect(session.state.interrupts).toEqual([])
    session.do('a')
    expect(session.execution('a')).toMatchObject({ status: 'VALIDATING', gate: 0 })
  })

  it('E22, E114: leaves what was seen of an empty result with its verdict', () => {
    const session = gated([])
    session.do('a', { ...ok(null), evidence: [{ name: 'exit', passed: true }] } as never)
    expect(session.last.verdicts).toMatchObject([{ evidence: { checks: [{ name: 'exit', passed: true }] } }])
    expect(session.execution('a')).not.toHaveProperty('evidence')
  })

  it('E39: is told in as many words as are kept', () => {
    const session = gated([])
    session.do('a', nothing('x'.repeat(MAX_VERDICT_TEXT)))
    const [verdict] = session.last.verdicts
    expect(verdict?.text).toMatch(/x … \(\d+ more characters\)$/)
    expect(session.execution('a').feedback?.[0]?.text).toBe(verdict?.text)
  })

  it('E29: and was told to stop counts nothing', () => {
    const session = gated([])
    session.claim('a')
    session.cancel()
    session.report('a', nothing())
    expect(session.execution('a').status).toBe('CANCELED')
    expect(session.last.verdicts).toEqual([])
  })

  it('E114: leaves it to a person where a manager did so too often', () => {
    const manager = { maxRounds: 5, maxReplans: 1, maxStalls: 1, maxChildren: 4 }
    const session = begun(planOf('HIERARCHICAL', ['hint'], { manager }))
    does(session, 'manage-1', ok(null))
    const [feedback] = session.execution('manage-1').feedback ?? []
    expect(feedback).toMatchObject({ gate: 'LEDGER', text: expect.stringContaining('it left no output') })
    expect(session.last.verdicts).toMatchObject([{ kind: 'EVIDENCE', verdict: 'REJECT', text: feedback?.text }])
    for (let time = 1; time <= MAX_REJECTIONS; time++) does(session, 'manage-1', nothing())
    expect(lastAsked(session)).toMatchObject({ kind: 'QUESTION', choices: ['RETRY', 'STOP'] })
  })

  it('E95, E114: leaves it to a person where it was to undo something, whose RETRY gives it as many tries again', () => {
    const session = begun(planOf('SEQUENTIAL', [part('a', { compensation: { title: 'Undo a' } }), 'b']))
    does(session, 'a')
    session.happen({ type: 'ROLL_BACK', reason: 'it was wrong', toSeq: 0, keep: [] })
    const tries = () => {
      for (let time = 0; time <= MAX_REJECTIONS; time++) {
        expect(session.execution('undo-a').status).toBe('READY')
        does(session, 'undo-a', nothing(WHY))
      }
    }
    tries()
    expect(types(session.last)).toContain('COMPENSATION_FAILED')
    expect(lastAsked(session).question).toContain(TEXT)
    answers(session, 'RETRY')
    tries()
    answers(session, 'RETRY')
    does(session, 'undo-a')
    expect(session.state.status).toBe('ROLLED_BACK')
  })
})
