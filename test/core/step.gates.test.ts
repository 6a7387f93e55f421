import { describe, expect, it } from 'vitest'
import type { Report } from '../../src/core/attempt.ts'
import { type Gate, MAX_VERDICT_TEXT } from '../../src/core/gate.ts'
import type { Json } from '../../src/core/json.ts'
import {
  ACCEPT,
  BEGIN,
  COMMAND,
  errs,
  gated,
  idOf,
  JUDGE,
  OK,
  ok,
  part,
  PERSON,
  planOf,
  rejects,
  running,
  types,
} from './sessions.ts'

const FILES: Gate = { kind: 'FILES', exist: ['README.md'] }
const TESTS: Gate = { kind: 'TEST_REPORT', minPassed: 2, maxFailed: 1 }
const SCHEMA: Gate = { kind: 'SCHEMA', schema: { type: 'object', required: ['n'] } }

const proof = (evidence: Json, change: { artifacts?: number; output?: Json } = {}): Report => {
  return { ...OK, evidence, ...change } as Report
}
const report = (passed: Json, failed: Json): Json => [
  { name: 'tests', kind: 'TEST_REPORT', passed: true, detail: { passed, failed } },
]

describe('the gates of a result', () => {
  it('E36: are none: it is accepted as it is', () => {
    const session = gated([])
    session.do('a')
    expect(session.last.verdicts).toEqual([])
    expect(session.execution('a').status).toBe('ACCEPTED')
  })

  it('E36: run one after the other, from the certain to the doubtful, however they were declared', () => {
    const session = gated([PERSON, JUDGE, { kind: 'EVIDENCE', minArtifacts: 1 }, FILES, TESTS, COMMAND, SCHEMA])
    session.do('a', proof(report(2, 0), { artifacts: 1, output: { n: 1 } }))
    session.verdict('a', ACCEPT)
    session.verdict('a', ACCEPT)
    session.verdict('a', ACCEPT)
    session.answer('APPROVE')
    const given = session.events.filter(({ type }) => type === 'VERDICT_GIVEN')
    expect(given.map(({ data }) => [data.gate, data.kind, data.verdict])).toEqual([
      [0, 'SCHEMA', 'ACCEPT'],
      [1, 'COMMAND', 'ACCEPT'],
      [2, 'TEST_REPORT', 'ACCEPT'],
      [3, 'FILES', 'ACCEPT'],
      [4, 'EVIDENCE', 'ACCEPT'],
      [5, 'JUDGE', 'ACCEPT'],
      [6, 'PERSON', 'ACCEPT'],
    ])
    expect(session.state.status).toBe('SUCCEEDED')
  })

  it('E36: run within a kind as declared', () => {
    const session = gated([COMMAND, JUDGE, { kind: 'COMMAND', command: 'lint' }])
    session.do('a')
    session.verdict('a', ACCEPT)
    expect(session.execution('a').gate).toBe(1)
    expect(session.state.plan.nodes[0]?.gates?.[1]).toEqual({ kind: 'COMMAND', command: 'lint' })
  })

  it('E36: hold the result back until it has passed all of them, with all that belongs to it', () => {
    const session = gated([COMMAND, JUDGE])
    const result = { ...OK, output: { n: 1 }, summary: 'Did it', evidence: [1], commit: 'c1' } as Report
    session.do('a', result)
    session.wait(5)
    session.verdict('a', ACCEPT)
    expect(session.execution('a')).toMatchObject({
      status: 'VALIDATING',
      gate: 1,
      candidate: { output: { n: 1 }, summary: 'Did it', evidence: [1], artifacts: 0, commit: 'c1' },
    })
    expect(session.execution('a').output).toBeUndefined()
    expect(types(session.verdict('a', ACCEPT))).toEqual([
      'VERDICT_GIVEN',
      'EXECUTION_ACCEPTED',
      'CHECKPOINT_MADE',
      'SESSION_SUCCEEDED',
    ])
    const accepted = session.execution('a')
    expect(accepted).toMatchObject({ status: 'ACCEPTED', output: { n: 1 }, summary: 'Did it', evidence: [1] })
    expect(accepted.endedAt).toBe(BEGIN + 5)
    expect(Object.keys(accepted)).not.toContain('candidate')
    expect(Object.keys(accepted)).not.toContain('gate')
    expect(accepted.head).toBe('c1')
  })
})

describe('what the machine judges by itself', () => {
  it('E37: a SCHEMA that the output fits, or does not', () => {
    const session = gated([SCHEMA])
    session.do('a', ok({ m: 1 }))
    expect(session.execution('a')).toMatchObject({ status: 'READY', feedback: [{ gate: 'SCHEMA', attempt: 1 }] })
    const [{ text } = { text: '' }] = session.execution('a').feedback ?? []
    expect(text).toMatch(/^the output does not fit its schema: .*n/)
    session.do('a', ok({ n: 1 }))
    expect(session.execution('a').status).toBe('ACCEPTED')
  })

  it.each<[why: string, evidence: Json, passes: boolean]>([
    ['enough passed and as many failed as may', report(2, 1), true],
    ['too few passed', report(1, 0), false],
    ['too many failed', report(9, 2), false],
    ['there is no report', [], false],
    ['there is evidence of another kind alone', [{ kind: 'EXIT_CODE', passed: true }], false],
    ['the evidence is no list', { kind: 'TEST_REPORT' }, false],
    ['counts are not told as numbers', report('2', '0'), false],
    ['the report has no detail', [{ kind: 'TEST_REPORT', detail: null }, { kind: 'TEST_REPORT' }, null, 'x'], false],
    ['two reports have enough together', [...(report(1, 0) as Json[]), ...(report(1, 1) as Json[])], true],
    ['two reports have too many failures together', [...(report(2, 1) as Json[]), ...(report(2, 1) as Json[])], false],
  ])('E37: a TEST_REPORT of which %s', (_, evidence, passes) => {
    const session = gated([TESTS])
    session.do('a', proof(evidence))
    expect(session.execution('a').status).toBe(passes ? 'ACCEPTED' : 'READY')
  })

  it('E37: a TEST_REPORT, and says what was counted and what was wanted', () => {
    const session = gated([TESTS])
    session.do('a', proof(report(1, 3)))
    expect(session.last.verdicts).toMatchObject([
      {
        text: '1 tests passed and 3 failed: at least 2 have to pass and at most 1 may fail',
        evidence: { reports: 1, passed: 1, failed: 3 },
      },
    ])
    session.do('a', proof([]))
    expect(session.last.verdicts).toMatchObject([
      { text: 'there is no test report: run the tests and report them', evidence: { reports: 0 } },
    ])
  })

  it.each<[why: string, gate: Gate, result: Report, feedback: string | undefined]>([
    ['enough artifacts', { kind: 'EVIDENCE', minArtifacts: 1 }, proof([], { artifacts: 1 }), undefined],
    [
      'too few artifacts',
      { kind: 'EVIDENCE', minArtifacts: 2 },
      proof([], { artifacts: 1 }),
      'it left 1 artifacts of at least 2',
    ],
    ['evidence that has passed', { kind: 'EVIDENCE', kinds: ['X'] }, proof([{ kind: 'X', passed: true }]), undefined],
    [
      'evidence that has not passed',
      { kind: 'EVIDENCE', kinds: ['X'] },
      proof([{ kind: 'X', passed: 'true' }]),
      'there is no evidence of the kind X that has passed',
    ],
    [
      'nothing of all that is wanted',
      { kind: 'EVIDENCE', minArtifacts: 1, kinds: ['X', 'Y'] },
      proof([{ kind: 'Y', passed: true }]),
      'it left 0 artifacts of at least 1; there is no evidence of the kind X that has passed',
    ],
  ])('E37: EVIDENCE: %s', (_, gate, result, feedback) => {
    const session = gated([gate])
    session.do('a', result)
    expect(session.execution('a').status).toBe(feedback === undefined ? 'ACCEPTED' : 'READY')
    expect(session.execution('a').feedback?.[0]?.text).toBe(feedback)
  })

  it.each([COMMAND, FILES, JUDGE])('E37: not $kind: somebody else has to look', (gate) => {
    const session = gated([gate])
    session.do('a')
    expect(session.execution('a').status).toBe('VALIDATING')
    expect(session.last.effects).toEqual([{ type: 'VALIDATE', executionId: idOf('a') }])
    expect(session.last.verdicts).toEqual([])
  })
})

describe('a verdict', () => {
  it('E38: is refused unless it is awaited, and changes nothing', () => {
    const session = gated([COMMAND, JUDGE])
    const awaited = {
      type: 'VERDICT',
      executionId: idOf('a'),
      attemptId: 'attempt-1',
      gate: 0,
      errors: 0,
      verdict: ACCEPT,
      evidence: null,
    } as const
    const notAwaited = (status: string) => {
      return {
        refused: `no such verdict is awaited: the execution is ${status}`,
        events: [],
        effects: [],
        verdicts: [],
      }
    }
    expect(session.happen(awaited)).toMatchObject(notAwaited('READY'))
    session.do('a')
    expect(session.happen({ ...awaited, executionId: 'unknown' }).refused).toBe('no such execution in this session')
    expect(session.happen({ ...awaited, gate: 1 })).toMatchObject(notAwaited('VALIDATING'))
    expect(session.happen({ ...awaited, gate: 7 })).toMatchObject(notAwaited('VALIDATING'))
    expect(session.happen({ ...awaited, errors: 1 })).toMatchObject(notAwaited('VALIDATING'))
    expect(session.happen({ ...awaited, attemptId: 'forged' }).refused).toBe(
      'STALE_LEASE: the attempt is no longer the current one',
    )
    expect(session.happen(awaited).refused).toBeUndefined()
    expect(session.happen(awaited)).toMatchObject(notAwaited('VALIDATING'))
    expect(session.execution('a').gate).toBe(1)
  })

  it('E38: counts once though the gate has errors: each time it is asked anew', () => {
    const session = gated([COMMAND])
    session.do('a')
    const first = session.verdict('a', errs())
    expect(first.effects).toEqual([{ type: 'VALIDATE', executionId: idOf('a') }])
    const again = { type: 'VERDICT', executionId: idOf('a'), attemptId: 'attempt-1', gate: 0, evidence: null } as const
    expect(session.happen({ ...again, errors: 0, verdict: errs() }).refused).toContain('no such verdict is awaited')
    expect(session.execution('a').gateErrors).toBe(1)
  })

  it('E38: of an earlier attempt is stale', () => {
    const session = gated([COMMAND])
    session.do('a')
    session.verdict('a', rejects())
    session.do('a')
    const stale = { type: 'VERDICT', executionId: idOf('a'), attemptId: 'attempt-1', gate: 0, errors: 0 } as const
    expect(session.happen({ ...stale, verdict: ACCEPT, evidence: null }).refused).toContain('STALE_LEASE')
    expect(session.execution('a').status).toBe('VALIDATING')
  })

  it('E39: is told and kept with what the gate saw', () => {
    const session = gated([COMMAND, JUDGE])
    session.do('a')
    session.wait(3)
    session.verdict('a', ACCEPT, { exitCode: 0 })
    const { seq } = session.last.events[0] ?? {}
    const of = { executionId: idOf('a'), attemptId: 'attempt-1' }
    expect(session.last.verdicts).toEqual([
      { seq, ...of, gate: 0, kind: 'COMMAND', verdict: 'ACCEPT', evidence: { exitCode: 0 }, at: BEGIN + 3 },
    ])
    session.verdict('a', rejects('too long'), { score: 2 })
    const told = { gate: 1, kind: 'JUDGE', verdict: 'REJECT', text: 'too long' }
    expect(session.last.events[0]).toMatchObject({ type: 'VERDICT_GIVEN', ...of, data: { key: 'a', ...told } })
    expect(session.last.verdicts).toMatchObject([{ ...of, ...told, evidence: { score: 2 } }])
    expect(types(session.last)).toEqual(['VERDICT_GIVEN', 'EXECUTION_READY'])
  })

  it('E39: is cut where it has too many words, for whoever is told of it', () => {
    const words = 'x'.repeat(MAX_VERDICT_TEXT + 1)
    const short = expect.stringMatching(/^x+ … \(41 more characters\)$/)
    const session = gated([JUDGE])
    session.do('a')
    session.verdict('a', rejects(words))
    expect(session.last.events).toMatchObject([{ data: { text: short } }, { data: { rejected: short } }])
    expect(session.last.verdicts).toMatchObject([{ text: short }])
    expect(session.execution('a').feedback).toMatchObject([{ text: short }])
    session.do('a')
    session.verdict('a', { kind: 'ERROR', message: words })
    expect(session.last.events).toMatchObject([{ data: { verdict: 'ERROR', text: short } }])
  })
})

describe('room', () => {
  it('E17: is taken up by what a gate looks at, until its verdict', () => {
    const gates = [{ kind: 'COMMAND' as const, command: 'check' }]
    const parts = [part('a', { gates }), part('b')]
    const session = running(planOf('PARALLEL', parts), { concurrency: 1 })
    session.do('a')
    expect(session.execution('a').status).toBe('VALIDATING')
    expect(session.claim('b').refused).toBe('the session has 1 at once, which is its limit')
    session.verdict('a', { kind: 'ACCEPT' })
    expect(session.claim('b').refused).toBeUndefined()
  })
})
