import { describe, expect, it } from 'vitest'
import { isEnded, SESSION_MOVES, SESSION_STATUSES, SESSION_TABLE } from '../../src/core/session.ts'
import { endsFrom, grid, reachable } from './table.ts'

const EXPECTED = grid(`
                   ANALYZE    AWAIT              RUN      INTERRUPT    PAUSE   STOP       ROLL_BACK     SUCCEED    SUCCEED_PARTLY  FAIL    CANCEL    TIME_OUT   END_ROLLBACK
QUEUED             ANALYZING  -                  -        -            -       -          -             -          -               FAILED  CANCELED  TIMED_OUT  -
ANALYZING          -          AWAITING_APPROVAL  RUNNING  -            -       -          -             -          -               FAILED  CANCELED  TIMED_OUT  -
AWAITING_APPROVAL  ANALYZING  -                  RUNNING  -            -       -          -             -          -               FAILED  CANCELED  TIMED_OUT  -
RUNNING            -          -                  -        INTERRUPTED  PAUSED  CANCELING  ROLLING_BACK  SUCCEEDED  PARTIAL         FAILED  CANCELED  TIMED_OUT  -
INTERRUPTED        -          -                  RUNNING  -            PAUSED  CANCELING  ROLLING_BACK  -          -               FAILED  CANCELED  TIMED_OUT  -
PAUSED             -          -                  RUNNING  -            -       CANCELING  ROLLING_BACK  -          -               FAILED  CANCELED  TIMED_OUT  -
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
  it('has a cell for every status and move, and no others', () => {
    expect(Object.keys(SESSION_TABLE).toSorted()).toEqual([...SESSION_STATUSES].toSorted())
    for (const row of Object.values(SESSION_TABLE)) {
      expect(Object.keys(row).toSorted()).toEqual([...SESSION_MOVES].toSorted())
    }
    expect(EXPECTED).toHaveLength(SESSION_STATUSES.length * SESSION_MOVES.length)
  })

  it.each(EXPECTED)('$move leads from $status to $to', ({ status, move, to }) => {
    expect(SESSION_TABLE[status as 'QUEUED'][move as 'ANALYZE']).toBe(to)
  })

  it('reaches every status from QUEUED', () => {
    expect(reachable(SESSION_TABLE, 'QUEUED')).toEqual(new Set(SESSION_STATUSES))
  })

  it('has ended for good in SUCCEEDED, PARTIAL, FAILED, CANCELED, TIMED_OUT and ROLLED_BACK', () => {
    const ended = SESSION_STATUSES.filter(isEnded)
    expect(ended).toEqual(['SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELED', 'TIMED_OUT', 'ROLLED_BACK'])
    expect(ended.flatMap((status) => endsFrom(SESSION_TABLE, status))).toEqual([])
  })

  it.each(SESSION_STATUSES.filter((status) => !isEnded(status)))('can end from %s', (status) => {
    expect([...reachable(SESSION_TABLE, status)].filter(isEnded)).not.toEqual([])
  })
})
