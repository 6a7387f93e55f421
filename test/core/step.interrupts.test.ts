import { describe, expect, it } from 'vitest'
import { budgetOf } from '../../src/core/budget.ts'
import { ROLES } from '../../src/core/gate.ts'
import { hash } from '../../src/core/hash.ts'
import { CHOICES, DEFAULT_EXPIRY_MS, type InterruptState } from '../../src/core/interrupt.ts'
import { DEFAULT_POLICY } from '../../src/core/state.ts'
import { nextTick } from '../../src/core/tick.ts'
import {
  asking,
  asks,
  BEGIN,
  COMMAND,
  type Driven,
  error,
  errs,
  failing,
  gated,
  idOf,
  type OK,
  ok,
  overSoft,
  part,
  PERSON,
  planOf,
  running,
  types,
  withPolicy,
} from './sessions.ts'

const DAY = 86_400_000

/** One open interrupt of every kind, in the situation in which it arises. */
const EVERY: [name: string, raise: () => Driven, choices: InterruptState['choices']][] = [
  ['APPROVAL of a result', () => asked(gated([PERSON])), ['APPROVE', 'REJECT']],
  ['APPROVAL in place of a gate', () => failed(gated([COMMAND])), ['APPROVE', 'REJECT', 'RETRY']],
  ['QUESTION', () => asking(), ['ANSWER', 'REJECT']],
  ['AUTH', () => asking('AUTH'), ['ANSWER', 'REJECT']],
  ['BUDGET', overSoft, ['APPROVE', 'RAISE', 'STOP']],
  ['PLAN', () => reviewed(), ['APPROVE', 'REJECT']],
]

function asked(session: Driven): Driven {
  session.do('a')
  return session
}

function failed(session: Driven): Driven {
  session.do('a')
  for (const _ of [1, 2, 3]) session.verdict('a', errs())
  return session
}

function reviewed(): Driven {
  return running(planOf('SEQUENTIAL', ['a']), {}, withPolicy({ review: true }))
}

describe('an interrupt', () => {
  it.each(EVERY)('E52: %s shows what it is about, and has choices, a role and an expiry', (_, raise, choices) => {
    const session = raise()
    const { asked: interrupt } = session
    expect(interrupt).toMatchObject({
      status: 'OPEN',
      choices,
      role: 'APPROVER',
      shownHash: hash(interrupt.shown),
      createdAt: BEGIN,
      expiresAt: BEGIN + DAY,
      escalatesAt: BEGIN + DAY / 2,
      escalated: false,
    })
    expect(choices).toContain(interrupt.onExpiry.choice)
    const raised = session.events.find(({ seq }) => seq === interrupt.seq)
    const { id: interruptId, kind, question, role } = interrupt
    expect(raised).toMatchObject({ type: 'INTERRUPT_RAISED', data: { interruptId, kind, question, role } })
    expect(raised?.executionId).toBe(interrupt.executionId)
  })

  it('E52: waits a day for an answer, or as long as the session’s policy says', () => {
    expect(DEFAULT_POLICY.interruptMs).toBe(DEFAULT_EXPIRY_MS)
    expect(DEFAULT_EXPIRY_MS).toBe(DAY)
    const session = running(planOf('SEQUENTIAL', ['a']), {}, withPolicy({ interruptMs: 7 }))
    session.do('a', asks())
    expect(session.asked).toMatchObject({ expiresAt: BEGIN + 7, escalatesAt: BEGIN + 4 })
  })

  it('E52: has an id of its own that follows from session and event', () => {
    const once = asking().asked.id
    expect(asking().asked.id).toBe(once)
    const session = asking()
    session.answer('ANSWER')
    session.do('a', asks())
    expect(new Set(session.state.interrupts.map(({ id }) => id)).size).toBe(2)
  })
})

describe('an answer', () => {
  it.each(EVERY)('E53: counts once: %s', (_, raise, [choice]) => {
    const session = raise()
    const { id: interruptId } = session.asked
    session.wait(6)
    const first = session.answer(choice as 'APPROVE', { text: 'yes' })
    expect(first.refused).toBeUndefined()
    expect(first.events[0]).toMatchObject({ type: 'INTERRUPT_ANSWERED', data: { interruptId, choice, by: 'ada' } })
    const kept = session.state.interrupts.find(({ id }) => id === interruptId)
    expect(kept).toMatchObject({
      status: 'ANSWERED',
      answer: { choice, text: 'yes' },
      answeredBy: 'ada',
      answeredAt: BEGIN + 6,
    })
    const { state } = session
    const second = session.answer(choice as 'APPROVE', {}, { interruptId, by: 'bob' })
    expect(second).toMatchObject({ state, events: [], effects: [] })
    expect(second.refused).toMatch(/^the (interrupt is ANSWERED by ada|session has ended)/)
  })

  it('E53: says by whom it was answered to whoever comes second', () => {
    const session = asking()
    const { id: interruptId } = session.asked
    session.answer('ANSWER')
    expect(session.answer('ANSWER', {}, { interruptId }).refused).toBe('the interrupt is ANSWERED by ada')
  })

  it('E53: to an interrupt of another session is refused', () => {
    expect(asking().answer('ANSWER', {}, { interruptId: 'forged' })).toMatchObject({
      refused: 'no such interrupt in this session',
      events: [],
    })
  })

  it.each(ROLES)('E54: of a %s counts if that is the role that was asked, or ADMIN', (role) => {
    for (const wanted of ROLES) {
      const session = gated([{ ...PERSON, role: wanted }])
      session.do('a')
      const allowed = role === wanted || role === 'ADMIN'
      const { refused } = session.answer('APPROVE', {}, { roles: [role] })
      expect(refused).toBe(allowed ? undefined : `FORBIDDEN: only ${wanted} or ADMIN may answer`)
      expect(session.asked.status).toBe(allowed ? 'ANSWERED' : 'OPEN')
    }
  })

  it('E54: of somebody with several roles counts if one of them may, and of nobody else', () => {
    expect(asking().answer('ANSWER', {}, { roles: ['VIEWER', 'APPROVER'] }).refused).toBeUndefined()
    expect(asking().answer('ANSWER', {}, { roles: [] }).refused).toBe('FORBIDDEN: only APPROVER or ADMIN may answer')
  })

  it('E55: to something else than what is shown is VOID', () => {
    const session = asking()
    const { state } = session
    expect(session.answer('ANSWER', {}, { shownHash: hash('else') })).toMatchObject({
      state,
      refused: 'VOID: what you were shown is not what is asked about now',
      events: [],
    })
    expect(session.answer('ANSWER', {}, { shownHash: session.asked.shownHash }).refused).toBeUndefined()
  })

  it.each(EVERY)('E55: that is no choice is INVALID: %s', (_, raise, choices) => {
    const session = raise()
    for (const choice of CHOICES.filter((one) => !choices.includes(one))) {
      expect(session.answer(choice)).toMatchObject({
        refused: `INVALID: the choices are ${choices.join(', ')}`,
        events: [],
      })
    }
    expect(session.asked.status).toBe('OPEN')
  })

  it('E55: is looked at for its right before it is looked at for what it says', () => {
    const wrong = { roles: [], shownHash: 'else' }
    expect(asking().answer('STOP', {}, wrong).refused).toContain('FORBIDDEN')
    expect(asking().answer('STOP', {}, { shownHash: 'else' }).refused).toContain('VOID')
  })
})

describe('an interrupt that nobody answers', () => {
  it.each(EVERY)('E56: expires, and its default counts: %s', (_, raise) => {
    const session = raise()
    const { id, onExpiry } = session.asked
    session.after(DAY - 1)
    expect(session.asked).toMatchObject({ id, status: 'OPEN' })
    session.after(1)
    const expired = session.state.interrupts.find((one) => one.id === id)
    expect(expired).toMatchObject({ status: 'EXPIRED', answer: onExpiry, answeredAt: BEGIN + DAY })
    expect(expired).not.toHaveProperty('answeredBy')
    expect(session.last.events[0]).toMatchObject({
      type: 'INTERRUPT_EXPIRED',
      data: { interruptId: id, choice: onExpiry.choice },
    })
    expect(session.answer('APPROVE', {}, { interruptId: id }).refused).toMatch(
      /^the (interrupt is EXPIRED|session has)/,
    )
  })

  it.each(EVERY)('E57: escalates once after half of its time: %s', (_, raise) => {
    const session = raise()
    const { id, question, executionId } = session.asked
    expect(nextTick(session.state)).toBe(BEGIN + DAY / 2)
    expect(session.after(DAY / 2 - 1).events).toEqual([])
    const { events } = session.after(1)
    expect(events).toMatchObject([{ type: 'INTERRUPT_ESCALATED', data: { interruptId: id, question } }])
    expect(events[0]?.executionId).toBe(executionId)
    expect(session.asked).toMatchObject({ status: 'OPEN', escalated: true })
    expect(session.after(1).events).toEqual([])
    expect(nextTick(session.state)).toBe(BEGIN + DAY)
  })

  it('E57: does not escalate any more once it has expired', () => {
    const session = asking()
    expect(types(session.after(DAY))).not.toContain('INTERRUPT_ESCALATED')
    const short = gated([{ ...PERSON, expiresMs: 1 }])
    short.do('a')
    expect(nextTick(short.state)).toBe(BEGIN + 1)
    expect(types(short.after(1))).toContain('INTERRUPT_EXPIRED')
  })

  it('E56: is carried out before the next one that expires with it', () => {
    // The result stands, its manager's plan grows; then the soft limit stops everything.
    const manager = { maxRounds: 5, maxReplans: 1, maxStalls: 3, maxChildren: 5 }
    const plan = planOf('HIERARCHICAL', ['a'], { manager })
    const nodes = plan.nodes.map((node) => ({ ...node, gates: [{ ...PERSON, onExpiry: 'APPROVE' as const }] }))
    const budget = budgetOf({ TOKENS: { soft: 5 } })
    const session = running({ ...plan, nodes }, {}, { budget })
    const next = [{ key: 'b', title: 'Do b', description: '' }]
    const ledger = { satisfied: false, looping: false, progressing: true, next, instruction: '', reasons: [] }
    const agents = [
      {
        id: 'x',
        name: 'x',
        type: 'GENERAL' as const,
        description: 'does anything',
        capabilities: [],
        status: 'ONLINE' as const,
        slots: 1,
      },
    ]
    session.claim('manage-1')
    const { id: attemptId, fence } = session.attempt('manage-1')
    const reported = { ...ok(ledger), usage: { inputTokens: 5 } } as typeof OK
    const executionId = idOf('manage-1')
    session.happen({ type: 'REPORT', executionId, attemptId, fence, report: reported, jitter: 0, agents })
    expect(session.state.interrupts.map(({ kind }) => kind)).toEqual(['APPROVAL', 'BUDGET'])
    session.after(DAY)
    expect(session.state.interrupts.map(({ status }) => status)).toEqual(['EXPIRED', 'EXPIRED'])
    expect(session.state).toMatchObject({ status: 'FAILED', reason: 'BUDGET TOKENS: stopped by expiry' })
    const statuses = [['manage-1', 'ACCEPTED'], ['b', 'CANCELED'], ['manage-2', 'CANCELED'], ['collect', 'ACCEPTED']] // prettier-ignore
    expect(session.statuses()).toEqual(statuses)
  })
})

describe('an interrupt that another one makes void in the moment in which both expire', () => {
  it('E58: does not expire', () => {
    const session = running(failing(planOf('PARALLEL', ['a', 'b']), 'FAIL_FAST'))
    session.do('a', asks())
    session.do('b', asks())
    session.after(DAY)
    expect(session.state.interrupts.map(({ status }) => status)).toEqual(['EXPIRED', 'VOID'])
    expect(session.statuses()).toEqual([['a', 'FAILED'], ['b', 'SKIPPED']]) // prettier-ignore
    expect(types(session.last).filter((type) => type === 'INTERRUPT_EXPIRED')).toHaveLength(1)
  })
})

describe('an interrupt whose subject is gone', () => {
  it('E58: is VOID once its execution is stopped for the sake of another one', () => {
    const plan = planOf('PARALLEL', [part('a'), part('b')])
    const groups = plan.groups.map((group) => ({ ...group, onFailure: 'FAIL_FAST' as const }))
    const session = running({ ...plan, groups })
    session.do('a', asks())
    session.do('b', error('AUTH'))
    expect(session.execution('a')).toMatchObject({ status: 'SKIPPED', causeId: idOf('b') })
    expect(session.execution('a')).not.toHaveProperty('interruptId')
    expect(session.asked.status).toBe('VOID')
    expect(session.last.events).toContainEqual(
      expect.objectContaining({
        type: 'INTERRUPT_VOID',
        executionId: idOf('a'),
        data: { interruptId: session.asked.id, why: 'b failed and its group fails fast' },
      }),
    )
  })

  it.each(EVERY.filter(([name]) => name !== 'PLAN'))('E58: is VOID once the session is stopped: %s', (_, raise) => {
    const session = raise()
    const { id: interruptId } = session.asked
    session.cancel('enough')
    expect(session.asked.status).toBe('VOID')
    expect(session.events).toContainEqual(
      expect.objectContaining({ type: 'INTERRUPT_VOID', data: { interruptId, why: 'enough' } }),
    )
    expect(session.state.status).toBe('CANCELED')
  })

  it('E58: cannot be answered any more', () => {
    const session = running(planOf('PARALLEL', ['a', 'b']))
    session.do('a', asks())
    session.claim('b')
    session.cancel()
    expect(session.answer('ANSWER').refused).toBe('the interrupt is VOID')
  })

  it('E58: leaves the others open', () => {
    const plan = planOf('PARALLEL', [part('a'), part('b'), part('c')], { aggregate: 'FIRST' })
    const session = running(plan)
    session.do('a', asks())
    session.do('b', asks())
    session.do('c')
    expect(session.state.interrupts.map(({ status }) => status)).toEqual(['VOID', 'VOID'])
    expect(session.state.status).toBe('SUCCEEDED')
  })
})
