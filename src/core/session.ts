export const SESSION_STATUSES = [
  'QUEUED',
  'ANALYZING',
  'AWAITING_APPROVAL',
  'RUNNING',
  'INTERRUPTED',
  'PAUSED',
  'CANCELING',
  'ROLLING_BACK',
  'SUCCEEDED',
  'PARTIAL',
  'FAILED',
  'CANCELED',
  'TIMED_OUT',
  'ROLLED_BACK',
] as const
export type SessionStatus = (typeof SESSION_STATUSES)[number]

/** What can be done to a session. */
export const SESSION_MOVES = [
  'ANALYZE',
  'AWAIT',
  'RUN',
  'INTERRUPT',
  'PAUSE',
  'STOP',
  'ROLL_BACK',
  'SUCCEED',
  'SUCCEED_PARTLY',
  'FAIL',
  'CANCEL',
  'TIME_OUT',
  'END_ROLLBACK',
] as const
export type SessionMove = (typeof SESSION_MOVES)[number]

type Row = Record<SessionMove, SessionStatus | null>
const NOWHERE: Row = {
  ANALYZE: null,
  AWAIT: null,
  RUN: null,
  INTERRUPT: null,
  PAUSE: null,
  STOP: null,
  ROLL_BACK: null,
  SUCCEED: null,
  SUCCEED_PARTLY: null,
  FAIL: null,
  CANCEL: null,
  TIME_OUT: null,
  END_ROLLBACK: null,
}

/**
 * Where each move leads from each status; null: it can't be done there. Terminal rows lead nowhere. There is no move that
 * no session ever makes: the simulation reaches all of them.
 */
export const SESSION_TABLE: Record<SessionStatus, Row> = {
  // Its plan is made in the step after the first one, and both are written at once.
  QUEUED: { ...NOWHERE, ANALYZE: 'ANALYZING' },
  ANALYZING: { ...NOWHERE, AWAIT: 'AWAITING_APPROVAL', RUN: 'RUNNING' },
  AWAITING_APPROVAL: { ...NOWHERE, RUN: 'RUNNING', CANCEL: 'CANCELED' },
  RUNNING: {
    ...NOWHERE,
    INTERRUPT: 'INTERRUPTED',
    PAUSE: 'PAUSED',
    STOP: 'CANCELING',
    ROLL_BACK: 'ROLLING_BACK',
    SUCCEED: 'SUCCEEDED',
    SUCCEED_PARTLY: 'PARTIAL',
    FAIL: 'FAILED',
  },
  // Neither ends by itself: what has nothing to wait for any more runs again first.
  INTERRUPTED: { ...NOWHERE, RUN: 'RUNNING', PAUSE: 'PAUSED', STOP: 'CANCELING', ROLL_BACK: 'ROLLING_BACK' },
  PAUSED: { ...NOWHERE, RUN: 'RUNNING', STOP: 'CANCELING', ROLL_BACK: 'ROLLING_BACK' },
  // FAIL and SUCCEED_PARTLY: it is being stopped since a budget is used up.
  CANCELING: { ...NOWHERE, CANCEL: 'CANCELED', TIME_OUT: 'TIMED_OUT', FAIL: 'FAILED', SUCCEED_PARTLY: 'PARTIAL' },
  ROLLING_BACK: { ...NOWHERE, FAIL: 'FAILED', END_ROLLBACK: 'ROLLED_BACK' },
  SUCCEEDED: NOWHERE,
  PARTIAL: NOWHERE,
  FAILED: NOWHERE,
  CANCELED: NOWHERE,
  TIMED_OUT: NOWHERE,
  ROLLED_BACK: NOWHERE,
}

const ENDED: ReadonlySet<SessionStatus> = new Set([
  'SUCCEEDED',
  'PARTIAL',
  'FAILED',
  'CANCELED',
  'TIMED_OUT',
  'ROLLED_BACK',
])

const WAITING: ReadonlySet<SessionStatus> = new Set(['AWAITING_APPROVAL', 'INTERRUPTED', 'PAUSED'])

/** Whether a session waits for a person, so that its time stands still. */
export function isWaiting(status: SessionStatus): boolean {
  return WAITING.has(status)
}

const UNDER_WAY: ReadonlySet<SessionStatus> = new Set(['RUNNING', 'INTERRUPTED', 'PAUSED'])

/** Whether a session has begun and nothing has been done yet to end it. */
export function isUnderWay(status: SessionStatus): boolean {
  return UNDER_WAY.has(status)
}

/** Whether a session has come to its end, for good. */
export function isEnded(status: SessionStatus): boolean {
  return ENDED.has(status)
}
