import { describe, expect, it } from 'vitest'
import type { Report } from '../../src/core/attempt.ts'
import { MAX_GATE_ERRORS, MAX_REJECTIONS } from '../../src/core/gate.ts'
import { hash } from '../../src/core/hash.ts'
import {
  ACCEPT,
  BEGIN,
  COMMAND,
  type Driven,
  error,
  errs,
  gated,
  idOf,
  JUDGE,
  LOST,
  OK,
  ok,
  part,
  PERSON,
  rejects,
  types,
} from './sessions.ts'

describe('a rejection', () => {
  it('E40: throws the result away and makes the execution READY at once, with the feedback', () => {
    const session = gated([COMMAND])
    session.do('a')
    session.wait(4)
    session.verdict('a', rejects('it fails'))
    expect(session.execution('a')).toMatchObject({
      status: 'READY',
      readyAt: BEGIN + 4,
      counted: 0,
      feedback: [{ attempt: 1, gate: 'COMMAND', text: 'it fails' }],
    })
    for (const gone of ['candidate', 'gate', 'gateErrors']) expect(session.execution('a')).not.toHaveProperty(gone)
    expect(session.last.events.at(-1)?.data).toEqual({ key: 'a', rejected: 'it fails' })
    expect(session.last.effects).toEqual([{ type: 'ENQUEUE', executionId: idOf('a') }])
    session.do('a')
    expect(session.execution('a')).toMatchObject({ status: 'VALIDATING', gate: 0, attempt: 2 })
  })

  it(`E40: happens ${MAX_REJECTIONS} times, whichever gates reject; then the result is given up`, () => {
    const session = gated([COMMAND, JUDGE])
    for (let time = 1; time <= MAX_REJECTIONS; time++) {
      session.do('a')
      if (time === 2) session.verdict('a', ACCEPT)
      session.verdict('a', rejects(`no ${time}`))
      expect(session.execution('a').status).toBe('READY')
    }
    session.do('a')
    session.verdict('a', rejects('never'))
    const failure = { class: 'REJECTED', message: 'rejected 4 times, at last by COMMAND: never' }
    expect(session.execution('a')).toMatchObject({ status: 'FAILED', error: failure, attempt: 4, counted: 0 })
    expect(session.execution('a').feedback?.map(({ gate, text }) => [gate, text])).toEqual([
      ['COMMAND', 'no 1'],
      ['JUDGE', 'no 2'],
      ['COMMAND', 'no 3'],
      ['COMMAND', 'never'],
    ])
    expect(session.state).toMatchObject({ status: 'FAILED', reason: `a failed: ${failure.message}` })
    expect(types(session.last)).toEqual(['VERDICT_GIVEN', 'EXECUTION_FAILED', 'SESSION_FAILED'])
  })

  it('E40: counts against no retry policy, nor failures against rejections', () => {
    const session = gated([COMMAND])
    for (const _ of [1, 2]) {
      session.do('a', error('AGENT'))
      session.after(60_000)
      session.do('a')
      session.verdict('a', rejects())
    }
    session.do('a', LOST)
    session.do('a')
    expect(session.verdict('a', ACCEPT).state.status).toBe('SUCCEEDED')
    expect(session.execution('a')).toMatchObject({ attempt: 6, counted: 2, lost: 1 })
  })

  it('E41: does not make a child session begin anew', () => {
    const session = gated([COMMAND], { session: { pattern: 'SEQUENTIAL', parts: [part('b')] } })
    const { childId = '' } = session.execution('a')
    const used = { tokens: 0, cost: 0, executions: 0 }
    const end = { executionId: idOf('a'), childId, status: 'SUCCEEDED', output: 1, used, undo: [] } as const
    session.happen({ type: 'CHILD_ENDED', ...end })
    expect(session.execution('a').status).toBe('VALIDATING')
    session.verdict('a', rejects('no'))
    const error = { class: 'REJECTED', message: 'rejected once, at last by COMMAND: no' }
    expect(session.execution('a')).toMatchObject({ status: 'FAILED', error })
    expect(session.last.verdicts).toMatchObject([{ attemptId: idOf('a') }])
  })

  it('E27: leaves the next agent rejections of its own, and all feedback', () => {
    const session = gated([COMMAND], { fallback: ['other'] })
    const rejectAll = () => {
      for (let time = 0; time <= MAX_REJECTIONS; time++) {
        session.do('a')
        session.verdict('a', rejects())
      }
    }
    rejectAll()
    expect(session.execution('a')).toMatchObject({ status: 'READY', fallbacks: 1 })
    expect(session.execution('a').feedback).toHaveLength(4)
    rejectAll()
    expect(session.execution('a')).toMatchObject({ status: 'FAILED', attempt: 8 })
    expect(session.execution('a').error?.message).toBe('rejected 4 times, at last by COMMAND: not good')
    expect(session.execution('a').feedback?.map(({ fallbacks }) => fallbacks)).toEqual([
      ...[1, 2, 3, 4].map(() => undefined),
      ...[1, 2, 3, 4].map(() => 1),
    ])
  })
})

describe('an error of a gate', () => {
  const erring = (): Driven => {
    const session = gated([COMMAND, JUDGE])
    session.do('a', ok({ n: 1 }))
    for (let time = 1; time <= MAX_GATE_ERRORS; time++) session.verdict('a', errs(`error ${time}`))
    return session
  }

  it('E42: says nothing of the result: it is asked again', () => {
    const session = gated([COMMAND])
    session.do('a')
    for (let time = 1; time < MAX_GATE_ERRORS; time++) {
      session.verdict('a', errs())
      expect(session.execution('a')).toMatchObject({ status: 'VALIDATING', gate: 0, gateErrors: time })
      expect(session.last.verdicts).toMatchObject([{ verdict: 'ERROR', text: 'no disk' }])
      expect(types(session.last)).toEqual(['VERDICT_GIVEN'])
    }
    session.verdict('a', ACCEPT)
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it(`E42: is one too many the ${MAX_GATE_ERRORS}th time in a row: a person decides`, () => {
    const session = erring()
    expect(session.last.effects).toEqual([])
    expect(types(session.last)).toEqual([
      'VERDICT_GIVEN',
      'INTERRUPT_RAISED',
      'EXECUTION_WAITING',
      'SESSION_INTERRUPTED',
    ])
    const shown = { key: 'a', summary: 'Did it', output: { n: 1 }, evidence: [], files: [], commit: null }
    expect(session.asked).toMatchObject({
      kind: 'APPROVAL',
      executionId: idOf('a'),
      question: 'The gate COMMAND of "a" could not give a verdict 3 times: error 3. May the result stand?',
      shown,
      shownHash: hash(shown),
      choices: ['APPROVE', 'REJECT', 'RETRY'],
      onExpiry: { choice: 'REJECT', text: 'nobody answered in time' },
      about: { gate: 0 },
      role: 'APPROVER',
    })
    expect(session.execution('a')).toMatchObject({ status: 'WAITING', interruptId: session.asked.id })
  })

  it('E42: is forgiven with APPROVE: the next gate has its turn, with errors of its own', () => {
    const session = erring()
    session.answer('APPROVE', { text: 'fine' })
    expect(session.last.verdicts).toMatchObject([
      { gate: 0, kind: 'COMMAND', verdict: 'ACCEPT', evidence: { by: 'ada', text: 'fine' } },
    ])
    expect(session.execution('a')).toMatchObject({ status: 'VALIDATING', gate: 1 })
    expect(session.execution('a')).not.toHaveProperty('gateErrors')
    expect(session.last.effects).toContainEqual({ type: 'VALIDATE', executionId: idOf('a') })
    session.verdict('a', errs())
    expect(session.execution('a')).toMatchObject({ status: 'VALIDATING', gateErrors: 1 })
  })

  it('E42: has that many tries again with RETRY', () => {
    const session = erring()
    session.answer('RETRY')
    expect(session.execution('a')).toMatchObject({ status: 'VALIDATING', gate: 0 })
    expect(session.execution('a')).not.toHaveProperty('interruptId')
    expect(session.last.verdicts).toEqual([])
    expect(session.last.effects).toContainEqual({ type: 'VALIDATE', executionId: idOf('a') })
    session.verdict('a', errs())
    session.verdict('a', errs())
    expect(session.execution('a').status).toBe('VALIDATING')
    session.verdict('a', errs())
    expect(session.execution('a').status).toBe('WAITING')
    expect(session.state.interrupts).toHaveLength(2)
  })

  it('E42: is a rejection with REJECT, and if nobody answers', () => {
    const rejected = erring()
    rejected.answer('REJECT', { text: 'no' })
    expect(rejected.execution('a')).toMatchObject({ status: 'READY', feedback: [{ gate: 'COMMAND', text: 'no' }] })
    const expired = erring()
    expired.after(86_400_000)
    expect(expired.execution('a').feedback).toMatchObject([{ gate: 'COMMAND', text: 'nobody answered in time' }])
  })

  it('E42: counts in a row for each gate alone', () => {
    const session = gated([COMMAND, JUDGE])
    session.do('a')
    session.verdict('a', errs())
    session.verdict('a', errs())
    session.verdict('a', ACCEPT)
    expect(session.execution('a')).not.toHaveProperty('gateErrors')
    session.verdict('a', errs())
    expect(session.execution('a')).toMatchObject({ status: 'VALIDATING', gateErrors: 1 })
  })

  it('E42: is forgotten with the result that it was about', () => {
    const session = gated([COMMAND])
    session.do('a')
    session.verdict('a', errs())
    session.verdict('a', rejects())
    session.do('a')
    expect(session.execution('a')).not.toHaveProperty('gateErrors')
  })
})

describe('a gate that asks a person', () => {
  it('E43: shows the result, with its files and its commit', () => {
    const session = gated([{ ...PERSON, role: 'OPERATOR', expiresMs: 1_001 }])
    session.claim('a')
    session.wait(2)
    const files = [{ name: 'x.txt', sha256: 'ab' }]
    session.report('a', { ...OK, output: 1, evidence: [2], artifacts: 1, files, commit: 'c1' } as Report)
    expect(types(session.last)).toEqual([
      'ATTEMPT_ENDED',
      'EXECUTION_VALIDATING',
      'INTERRUPT_RAISED',
      'EXECUTION_WAITING',
      'SESSION_INTERRUPTED',
    ])
    expect(session.asked).toEqual({
      id: expect.any(String),
      seq: session.last.events[2]?.seq,
      kind: 'APPROVAL',
      status: 'OPEN',
      executionId: idOf('a'),
      question: 'Is it good?',
      shown: { key: 'a', summary: 'Did it', output: 1, evidence: [2], files, commit: 'c1' },
      shownHash: hash(session.asked.shown),
      choices: ['APPROVE', 'REJECT'],
      role: 'OPERATOR',
      onExpiry: { choice: 'REJECT', text: 'nobody answered in time' },
      about: { gate: 0 },
      createdAt: BEGIN + 2,
      expiresAt: BEGIN + 1_003,
      escalatesAt: BEGIN + 503,
      escalated: false,
    })
    expect(session.last.events[3]?.data).toEqual({ key: 'a', interruptId: session.asked.id })
    expect(session.last.effects).toEqual([])
  })

  it('E43: lets the result pass with APPROVE', () => {
    const session = gated([PERSON])
    session.do('a')
    session.answer('APPROVE')
    expect(session.last.verdicts).toMatchObject([
      { kind: 'PERSON', verdict: 'ACCEPT', evidence: { by: 'ada', text: null } },
    ])
    expect(types(session.last)).toEqual([
      'INTERRUPT_ANSWERED',
      'EXECUTION_VALIDATING',
      'VERDICT_GIVEN',
      'EXECUTION_ACCEPTED',
      'CHECKPOINT_MADE',
      'SESSION_RUNNING',
      'SESSION_SUCCEEDED',
    ])
    expect(session.execution('a')).not.toHaveProperty('interruptId')
  })

  it.each([
    [{ text: 'shorter' }, 'shorter'],
    [{}, 'ada rejected it'],
  ])('E43: rejects with the words of the person: %j', (more, text) => {
    const session = gated([PERSON])
    session.do('a')
    session.answer('REJECT', more)
    expect(session.execution('a')).toMatchObject({
      status: 'READY',
      counted: 0,
      feedback: [{ attempt: 1, gate: 'PERSON', text }],
    })
    expect(session.last.verdicts).toMatchObject([{ verdict: 'REJECT', text }])
    session.do('a')
    expect(session.state.interrupts.map(({ status }) => status)).toEqual(['ANSWERED', 'OPEN'])
  })

  it.each([
    [PERSON, 'READY'],
    [{ ...PERSON, onExpiry: 'REJECT' } as const, 'READY'],
    [{ ...PERSON, onExpiry: 'APPROVE' } as const, 'ACCEPTED'],
  ])('E43: takes what counts if nobody answers: %j', (gate, status) => {
    const session = gated([gate])
    session.do('a')
    session.after(86_399_999)
    expect(session.execution('a').status).toBe('WAITING')
    session.after(1)
    expect(session.execution('a').status).toBe(status)
    expect(session.last.verdicts).toMatchObject([{ kind: 'PERSON', evidence: { by: 'expiry' } }])
  })

  it('E43: asks one person after the other', () => {
    const session = gated([PERSON, { ...PERSON, question: 'Really?' }])
    session.do('a')
    session.answer('APPROVE')
    expect(session.execution('a')).toMatchObject({ status: 'WAITING', gate: 1, interruptId: session.asked.id })
    expect(session.asked).toMatchObject({ question: 'Really?', about: { gate: 1 }, status: 'OPEN' })
    session.answer('APPROVE')
    expect(session.state.status).toBe('SUCCEEDED')
  })
})
