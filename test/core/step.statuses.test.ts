import { describe, expect, it } from 'vitest'
import type { SessionStatus } from '../../src/core/session.ts'
import type { SessionPolicy, SessionState, Step } from '../../src/core/state.ts'
import { step } from '../../src/core/step.ts'
import { asking, BEGIN, type Driven, error, MINUTE, part, planOf, queued, running, withPolicy } from './sessions.ts'

/** A session in every status that lasts. */
const IN: Record<Exclude<SessionStatus, 'ANALYZING'>, () => Driven> = {
  QUEUED: () => queued(planOf('SEQUENTIAL', ['a'])),
  AWAITING_APPROVAL: () => running(planOf('SEQUENTIAL', ['a']), {}, withPolicy({ review: true })),
  RUNNING: () => running(planOf('SEQUENTIAL', ['a'])),
  INTERRUPTED: () => asking(),
  PAUSED: () => after(running(planOf('SEQUENTIAL', ['a'])), (session) => session.pause()),
  CANCELING: () =>
    after(running(planOf('SEQUENTIAL', ['a'])), (session) => {
      session.claim('a')
      session.cancel()
    }),
  ROLLING_BACK: () =>
    after(running(planOf('SEQUENTIAL', ['a'])), (session) => {
      session.claim('a')
      session.happen({ type: 'ROLL_BACK', reason: 'wrong', toSeq: 0, keep: [] })
    }),
  SUCCEEDED: () => after(running(planOf('SEQUENTIAL', ['a'])), (session) => session.do('a')),
  PARTIAL: () =>
    after(running(planOf('PARALLEL', [part('a', { optional: true })])), (session) => session.do('a', error('AUTH'))),
  FAILED: () => after(running(planOf('SEQUENTIAL', ['a'])), (session) => session.do('a', error('AUTH'))),
  CANCELED: () => after(running(planOf('SEQUENTIAL', ['a'])), (session) => session.cancel()),
  TIMED_OUT: () => after(running(planOf('SEQUENTIAL', ['a'])), (session) => session.after(60 * MINUTE)),
  ROLLED_BACK: () =>
    after(running(planOf('SEQUENTIAL', ['a'])), (session) =>
      session.happen({ type: 'ROLL_BACK', reason: 'wrong', toSeq: 0, keep: [] }),
    ),
}

function after(session: Driven, happens: (session: Driven) => unknown): Driven {
  happens(session)
  return session
}

type Status = keyof typeof IN
const ALL = Object.keys(IN) as Status[]
const ENDED: ReadonlySet<Status> = new Set(['SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELED', 'TIMED_OUT', 'ROLLED_BACK'])
type Ends = Partial<Record<Status, SessionStatus>>

const CANCELABLE: Ends = {
  AWAITING_APPROVAL: 'CANCELED',
  RUNNING: 'CANCELED',
  INTERRUPTED: 'CANCELED',
  PAUSED: 'CANCELED',
}
const CANNOT_BE_CANCELED: Partial<Record<Status, string>> = {
  QUEUED: 'the session has no plan yet',
  CANCELING: 'the session is being stopped already',
  ROLLING_BACK: 'the session is being rolled back: that has to come to its end',
}
const TOLD = { RUNNING: 'RUNNING', INTERRUPTED: 'INTERRUPTED', PAUSED: 'PAUSED' } as const

/** What can be done, where it leads from which status, and why not from the others. */
const VERBS: [verb: string, act: (session: Driven) => Step, ends: Ends, refusal: (status: Status) => string][] = [
  [
    'E6: its plan is made',
    (session) => session.plan(),
    { QUEUED: 'RUNNING' },
    (status) => `the session has its plan: ${status}`,
  ],
  [
    'E73: it is paused',
    (session) => session.pause(),
    { RUNNING: 'PAUSED', INTERRUPTED: 'PAUSED' },
    (status) => `a session that is ${status} cannot be paused`,
  ],
  [
    'E73: it is resumed',
    (session) => session.resume(),
    { PAUSED: 'RUNNING' },
    (status) => `the session is not PAUSED: ${status}`,
  ],
  ['E76, E78: it is canceled', (session) => session.cancel(), CANCELABLE, (status) => CANNOT_BE_CANCELED[status] ?? ''],
  [
    'E98: it is rolled back',
    (session) => session.happen({ type: 'ROLL_BACK', reason: 'wrong', toSeq: 0, keep: [] }),
    { RUNNING: 'ROLLED_BACK', INTERRUPTED: 'ROLLED_BACK', PAUSED: 'ROLLED_BACK' },
    (status) => `a session that is ${status} cannot be rolled back`,
  ],
  [
    'E103: its plan is edited',
    (session) => session.happen({ type: 'EDIT', plan: planOf('SEQUENTIAL', ['b']), version: 1, by: 'bob' }),
    { AWAITING_APPROVAL: 'AWAITING_APPROVAL' },
    (status) => `a plan can be edited until it is approved: the session is ${status}`,
  ],
  [
    'E74: it is told something under REJECT',
    (session) => tell(session.state, 'REJECT'),
    {},
    () => 'the session takes no input while it runs: its policy is REJECT',
  ],
  [
    'E74: it is told something under ENQUEUE',
    (session) => tell(session.state, 'ENQUEUE'),
    TOLD,
    (status) => `a session that is ${status} takes no input`,
  ],
  [
    'E74: it is told something under INTERRUPT',
    (session) => tell(session.state, 'INTERRUPT'),
    TOLD,
    (status) => `a session that is ${status} takes no input`,
  ],
]

function tell(state: SessionState, input: SessionPolicy['input']): Step {
  const policy = { ...state.policy, input }
  return step({ ...state, policy }, { type: 'INPUT', text: 'faster', by: 'ada' }, BEGIN)
}

describe('what can be done to a session', () => {
  it.each(ALL)('is tried in a session that is %s', (status) => {
    expect(IN[status]().state.status).toBe(status)
  })

  it.each(VERBS.flatMap((verb) => ALL.map((status) => [verb[0], status, verb] as const)))(
    '%s in %s',
    (_, status, [, act, ends, refusal]) => {
      const result = act(IN[status]())
      const to = ends[status]
      const why = ENDED.has(status) ? `the session has ended: ${status}` : refusal(status)
      expect(result.refused).toBe(to === undefined ? why : undefined)
      expect(result.state.status).toBe(to ?? status)
      expect(result.events.length > 0).toBe(to !== undefined)
    },
  )

  it.each(ALL.filter((status) => CANCELABLE[status]))('E76: is told with its reason in %s', (status) => {
    const session = IN[status]()
    session.cancel('enough')
    expect(session.state).toMatchObject({ status: 'CANCELED', reason: 'enough', endedAt: BEGIN })
    expect(session.events.at(-1)).toMatchObject({ type: 'SESSION_CANCELED', data: { reason: 'enough' } })
  })
})
