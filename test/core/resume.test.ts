import { describe, expect, it } from 'vitest'
import type { AgentProfile } from '../../src/core/agent.ts'
import { planToResume } from '../../src/core/resume.ts'
import type { SessionState } from '../../src/core/state.ts'
import { begun, claims, does } from './drive.ts'
import { type Driven, error, ok, part, planOf } from './sessions.ts'

const AGENT: AgentProfile = {
  id: 'agent',
  name: 'agent',
  type: 'GENERAL',
  description: '',
  capabilities: [],
  status: 'ONLINE',
  slots: 1,
}
const STALLS = { progressing: false }

/** The manager's round ends: it delegates these, or is satisfied with what there is. */
function manages(session: Driven, round: number, next: readonly string[], change: object = {}): void {
  const key = `manage-${round}`
  claims(session, key)
  const { id: attemptId, fence } = session.attempt(key)
  const entry = {
    satisfied: next.length === 0,
    looping: false,
    progressing: true,
    next: next.map((name) => ({ key: name, title: `Do ${name}`, description: '' })),
    instruction: '',
    reasons: [],
    ...change,
  }
  const executionId = session.execution(key).id
  session.happen({ type: 'REPORT', executionId, attemptId, fence, report: ok(entry), jitter: 0, agents: [AGENT] })
}

const managed = (): Driven => {
  const manager = { maxRounds: 5, maxReplans: 2, maxStalls: 0, maxChildren: 9 }
  return begun(planOf('HIERARCHICAL', ['hint'], { manager }))
}
const accepted = (state: SessionState) => (key: string) => state.executions[key]?.status === 'ACCEPTED'
const keys = (of: readonly { key: string }[]): string[] => of.map(({ key }) => key)

describe('E71: the plan with which another session goes on', () => {
  it('is the same where nothing made it grow', () => {
    for (const plan of [planOf('HIERARCHICAL', ['a', part('b', { dependsOn: ['a'] })]), planOf('SEQUENTIAL', ['a'])]) {
      const session = begun(plan)
      expect(planToResume(session.state, accepted(session.state))).toEqual({ plan })
    }
  })

  it('is without what undid the work of the earlier one', () => {
    const plan = planOf('SEQUENTIAL', [part('a', { compensation: { title: 'Undo a' } }), part('b')])
    const session = begun(plan)
    does(session, 'a')
    session.happen({ type: 'ROLL_BACK', reason: 'wrong', toSeq: 0, keep: [] })
    expect(keys(session.state.plan.nodes)).toEqual(['a', 'b', 'undo-a'])
    expect(planToResume(session.state, accepted(session.state))).toEqual({ plan })
  })

  it('has the rounds of a manager as far as they can be taken over, with the ledger up to there', () => {
    const session = managed()
    manages(session, 1, ['a', 'b'], STALLS)
    does(session, 'a')
    does(session, 'b')
    manages(session, 2, ['c', 'd'])
    does(session, 'c')
    does(session, 'd', error('AUTH'))
    manages(session, 3, ['e'])
    session.cancel()
    const { plan, ledger } = planToResume(session.state, accepted(session.state))
    expect(keys(plan.nodes)).toEqual(['manage-1', 'a', 'b', 'manage-2', 'c', 'd', 'manage-3'])
    expect(keys(plan.groups)).toEqual(['manager', 'round-1', 'round-2'])
    expect(plan.outputs).toEqual([])
    expect(ledger).toEqual({ round: 2, stalls: 0, replans: 1, satisfied: false })
  })

  it('begins anew with a manager whose first round was not accepted', () => {
    const session = managed()
    session.cancel()
    const { plan, ledger } = planToResume(session.state, accepted(session.state))
    expect(keys(plan.nodes)).toEqual(['manage-1'])
    expect(keys(plan.groups)).toEqual(['manager'])
    expect(ledger).toEqual({ round: 0, stalls: 0, replans: 0, satisfied: false })
  })

  it('takes no round over that is not handed on itself, nor one behind it', () => {
    const session = managed()
    manages(session, 1, ['a'])
    does(session, 'a')
    manages(session, 2, ['b'])
    const without = (missing: string) => planToResume(session.state, (key) => key !== missing).plan
    expect(keys(without('manage-2').nodes)).toEqual(['manage-1', 'a', 'manage-2'])
    expect(keys(without('a').nodes)).toEqual(['manage-1', 'a', 'manage-2'])
    expect(keys(without('manage-1').nodes)).toEqual(['manage-1'])
  })

  it('is as grown as it is where every round can be taken over, with all that the ledger says', () => {
    const session = managed()
    manages(session, 1, ['a'])
    does(session, 'a')
    manages(session, 2, [])
    expect(session.state.status).toBe('SUCCEEDED')
    const { plan, ledger } = planToResume(session.state, accepted(session.state))
    expect(plan).toEqual(session.state.plan)
    expect(ledger).toEqual({ round: 2, stalls: 0, replans: 0, satisfied: true })
  })
})
