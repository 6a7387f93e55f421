import { describe, expect, it } from 'vitest'
import { isEnded, isWaiting, SESSION_MOVES, SESSION_STATUSES, SESSION_TABLE } from '../../src/core/session.ts'
import { endsFrom, grid, reachable } from './table.ts'

const EXPECTED = grid(`
                   ANALYZE    AWAIT              RUN      INTERRUPT    PAUSE   STOP       ROLL_BACK     SUCCEED    SUCCEED_PARTLY  FAIL    CANCEL    TIME_OUT   END_ROLLBACK
QUEUED             ANALYZING  -                  -        -            -       -          -             -          -               -       -         -          -
ANALYZING          -          AWAITING_APPROVAL  RUNNING  -            -       -          -             -          -               -       -         -          -
AWAITING_APPROVAL  -          -                  RUNNING  -            -       -          -             -          -               -       CANCELED  -          -
RUNNING            -          -                  -        INTERRUPTED  PAUSED  CANCELING  ROLLING_BACK  SUCCEEDED  PARTIAL         FAILED  -         -          -
INTERRUPTED        -          -                  RUNNING  -            PAUSED  CANCELING  ROLLING_BACK  -          -               -       -         -          -
PAUSED             -          -                  RUNNING  -            -       CANCELING  ROLLING_BACK  -          -               -       -         -          -
CANCELING          -          -                  -        -            -       -          -             -          PARTIAL         FAILED  CANCELED  TIMED_OUT  -
ROLLING_BACK       -          -                  -        -            -       -          -             -          -               FAILED  -         -          ROLLED_BACK
SUCCEEDED          -          -                  -        -            -       -          -             -          -               -       -         -          -
PARTIAL            -          -                  -        -            -       -          -             -          -               -       -         -          -
FAILED             -          -                  -        -            -       -          -             -          -               -       -         -          -
CANCELED           -          -                  -        -            -       -          -             -          -               -       -         -          -
TIMED_OUT          -          -                  -        -            -       -          -             -          -               -       -         -          -
ROLLED_BACK        -          -                  -        -            -       -          -             -          -               -       -         -          -
`)

describe('the table of a session', () => {
  it('E4: has a cell for every status and move, and no others', () => {
    expect(Object.keys(SESSION_TABLE).toSorted()).toEqual([...SESSION_STATUSES].toSorted())
    for (const row of Object.values(SESSION_TABLE)) {
      expect(Object.keys(row).toSorted()).toEqual([...SESSION_MOVES].toSorted())
    }
    expect(EXPECTED).toHaveLength(SESSION_STATUSES.length * SESSION_MOVES.length)
  })

  it.each(EXPECTED)('E4: $move leads from $status to $to', ({ status, move, to }) => {
    expect(SESSION_TABLE[status as 'QUEUED'][move as 'ANALYZE']).toBe(to)
  })

  it('reaches every status from QUEUED', () => {
    expect(reachable(SESSION_TABLE, 'QUEUED')).toEqual(new Set(SESSION_STATUSES))
  })

  it('E4: has ended for good in SUCCEEDED, PARTIAL, FAILED, CANCELED, TIMED_OUT and ROLLED_BACK', () => {
    const ended = SESSION_STATUSES.filter(isEnded)
    expect(ended).toEqual(['SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELED', 'TIMED_OUT', 'ROLLED_BACK'])
    expect(ended.flatMap((status) => endsFrom(SESSION_TABLE, status))).toEqual([])
  })

  it('E8: waits for a person in AWAITING_APPROVAL, INTERRUPTED and PAUSED', () => {
    expect(SESSION_STATUSES.filter(isWaiting)).toEqual(['AWAITING_APPROVAL', 'INTERRUPTED', 'PAUSED'])
  })

  it.each(SESSION_STATUSES.filter((status) => !isEnded(status)))('E4: can end from %s', (status) => {
    expect([...reachable(SESSION_TABLE, status)].filter(isEnded)).not.toEqual([])
  })
})
