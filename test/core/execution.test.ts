import { describe, expect, it } from 'vitest'
import {
  EXECUTION_MOVES,
  EXECUTION_STATUSES,
  EXECUTION_TABLE,
  heldAttempt,
  isHeld,
  isSettled,
  pendingExecution,
  hasJudge,
  type ExecutionState,
} from '../../src/core/execution.ts'
import { endsFrom, grid, reachable } from './table.ts'
import { planOf, running } from './sessions.ts'

const EXPECTED = grid(`
             BLOCK    READY  ASSIGN    START    VALIDATE    WAIT     ACCEPT    FAIL    SKIP     CANCEL    COMPENSATE
PENDING      BLOCKED  READY  -         -        -           -        ACCEPTED  -       SKIPPED  -         -
BLOCKED      -        READY  -         -        -           -        -         -       SKIPPED  CANCELED  -
READY        -        READY  ASSIGNED  -        -           WAITING  ACCEPTED  FAILED  SKIPPED  CANCELED  -
ASSIGNED     -        -      -         RUNNING  -           -        -         -       -        -         -
RUNNING      -        READY  -         -        VALIDATING  WAITING  -         FAILED  -        CANCELED  -
VALIDATING   -        READY  -         -        -           WAITING  ACCEPTED  FAILED  SKIPPED  CANCELED  -
WAITING      -        READY  -         -        VALIDATING  WAITING  -         FAILED  SKIPPED  CANCELED  -
ACCEPTED     -        -      -         -        -           -        -         -       -        -         COMPENSATED
FAILED       -        -      -         -        -           -        -         -       -        -         -
SKIPPED      -        -      -         -        -           -        -         -       -        -         -
CANCELED     -        -      -         -        -           -        -         -       -        -         -
COMPENSATED  -        -      -         -        -           -        -         -       -        -         -
`)

describe('the table of an execution', () => {
  it('E9: has a cell for every status and move, and no others', () => {
    expect(Object.keys(EXECUTION_TABLE).toSorted()).toEqual([...EXECUTION_STATUSES].toSorted())
    for (const row of Object.values(EXECUTION_TABLE)) {
      expect(Object.keys(row).toSorted()).toEqual([...EXECUTION_MOVES].toSorted())
    }
    expect(EXPECTED).toHaveLength(EXECUTION_STATUSES.length * EXECUTION_MOVES.length)
  })

  it.each(EXPECTED)('E9: $move leads from $status to $to', ({ status, move, to }) => {
    expect(EXECUTION_TABLE[status as 'READY'][move as 'ASSIGN']).toBe(to)
  })

  it('reaches every status from PENDING', () => {
    expect(reachable(EXECUTION_TABLE, 'PENDING')).toEqual(new Set(EXECUTION_STATUSES))
  })

  it('E9: leads nowhere from a settled status, but from ACCEPTED to COMPENSATED', () => {
    const ways = EXECUTION_STATUSES.filter(isSettled).flatMap((status) => endsFrom(EXECUTION_TABLE, status))
    expect(ways).toEqual(['COMPENSATED'])
  })

  // The other two last no longer than a step.
  it.each(['BLOCKED', 'READY', 'RUNNING', 'VALIDATING', 'WAITING'] as const)('E76: %s can be canceled', (status) => {
    expect(EXECUTION_TABLE[status].CANCEL).toBe('CANCELED')
  })

  it('E10: never skips what an agent has in hand: it is told to stop and ends CANCELED', () => {
    expect(EXECUTION_STATUSES.filter((status) => isHeld(status) && EXECUTION_TABLE[status].SKIP)).toEqual([])
  })
})

describe('an execution', () => {
  it('is settled in ACCEPTED, FAILED, SKIPPED, CANCELED and COMPENSATED', () => {
    const settled = EXECUTION_STATUSES.filter(isSettled)
    expect(settled).toEqual(['ACCEPTED', 'FAILED', 'SKIPPED', 'CANCELED', 'COMPENSATED'])
  })

  it('E10: is held by an agent in ASSIGNED and RUNNING', () => {
    expect(EXECUTION_STATUSES.filter(isHeld)).toEqual(['ASSIGNED', 'RUNNING'])
  })

  it('begins PENDING without attempts', () => {
    const expected = { id: 'e1', key: 'a', position: 3, status: 'PENDING', attempt: 0, counted: 0, lost: 0, fence: 0 }
    expect(pendingExecution('e1', 'a', 3)).toEqual(expected)
  })

  it('E10: has an attempt in hand only as long as an agent holds it', () => {
    const session = running(planOf('SEQUENTIAL', ['a']))
    expect(heldAttempt(session.execution('a'))).toBeUndefined()
    session.claim('a')
    expect(heldAttempt(session.execution('a'))?.id).toBe('attempt-1')
    session.report('a', { kind: 'LOST' })
    expect(session.execution('a').current?.id).toBe('attempt-1')
    expect(heldAttempt(session.execution('a'))).toBeUndefined()
  })
})

describe('E108: a judge that was asked', () => {
  const judge = { tokens: 10, cost: 0, executions: 0 }
  const candidate = { output: 'x', summary: '', evidence: [], artifacts: 0 }
  const execution = (change: Partial<ExecutionState>): ExecutionState => {
    return { ...pendingExecution('id', 'key', 0), ...change }
  }

  it('is out as long as its result is looked at and what it may use is put aside', () => {
    expect(hasJudge(execution({ status: 'VALIDATING', candidate: { ...candidate, judge } }))).toBe(true)
    expect(hasJudge(execution({ status: 'VALIDATING', candidate }))).toBe(false)
    expect(hasJudge(execution({ status: 'WAITING', candidate: { ...candidate, judge } }))).toBe(false)
    expect(hasJudge(execution({ status: 'VALIDATING' }))).toBe(false)
  })
})
