import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentProfile } from '../../src/core/agent.ts'
import {
  assign as assignTo,
  countRunning,
  type Assignment,
  type HeldItem,
  type ReadyItem,
} from '../../src/core/schedule.ts'
import { type Candidate, select } from '../../src/core/select.ts'
import './seed.ts'
import { BEGIN } from './sessions.ts'

const assign = (
  ready: readonly ReadyItem[],
  held: readonly HeldItem[],
  agentsOf: Parameters<typeof assignTo>[2],
): Assignment[] => assignTo(ready, countRunning(held), agentsOf)

const agent = (id: string, change: Partial<AgentProfile> = {}): Omit<Candidate, 'running'> => {
  const all = { type: 'GENERAL', description: '', capabilities: ['work'], status: 'ONLINE', slots: 100 } as const
  return { agent: { id, name: id, ...all, ...change } }
}
const ready = (executionId: string, change: Partial<ReadyItem> = {}): ReadyItem => ({
  executionId,
  sessionId: 'session',
  projectId: 'project',
  group: 'group',
  priority: 0,
  remainingPath: 1,
  readyAt: BEGIN,
  wanted: { capabilities: ['work'], text: '' },
  limits: { session: 100, group: 100, project: 100 },
  ...change,
})
const held = (executionId: string, change: Partial<HeldItem> = {}): HeldItem => {
  return { executionId, sessionId: 'session', projectId: 'project', group: 'group', agentId: 'ann', ...change }
}
const limit = (change: Partial<ReadyItem['limits']>): Pick<ReadyItem, 'limits'> => {
  return { limits: { session: 100, group: 100, project: 100, ...change } }
}
const ids = (assignments: readonly Assignment[]): string[] => assignments.map(({ executionId }) => executionId)
const anyone = () => [agent('ann')]

describe('E18: who starts now', () => {
  it('is everybody, if there is room for everybody, each with the agent that fits best and why', () => {
    const agents = [agent('ann'), agent('bob', { capabilities: ['work', 'sing'] })]
    const singer = ready('b', { wanted: { capabilities: ['sing'], text: '' } })
    const [first, second] = assign([ready('a'), singer], [], () => agents)
    expect(first).toMatchObject({ executionId: 'a', sessionId: 'session', agentId: 'ann' })
    expect(second).toMatchObject({ executionId: 'b', agentId: 'bob' })
    expect(second?.selection.refused).toEqual([{ agentId: 'ann', name: 'ann', reason: 'does not offer sing' }])
    expect(second?.selection.chosen?.agentId).toBe('bob')
  })

  it('is nobody when nobody waits', () => {
    expect(assign([], [held('x')], anyone)).toEqual([])
  })

  it('is nobody that no agent can take', () => {
    const impossible = ready('a', { wanted: { capabilities: ['fly'], text: '' } })
    expect(ids(assign([impossible, ready('b')], [], anyone))).toEqual(['b'])
  })

  it.each([
    ['its session', { session: 2 }],
    ['its group', { group: 2 }],
    ['its project', { project: 2 }],
  ])('is no more than %s may have at once, those that run included', (_, change) => {
    const waiting = ['a', 'b', 'c'].map((id) => ready(id, limit(change)))
    expect(ids(assign(waiting, [held('x')], anyone))).toEqual(['a'])
    expect(ids(assign(waiting, [held('x'), held('y')], anyone))).toEqual([])
  })

  it('counts a session, a group and a project each for itself', () => {
    const running = [held('x'), held('y', { sessionId: 'other' }), held('z', { group: 'other' })]
    expect(ids(assign([ready('a', limit({ group: 2 }))], running, anyone))).toEqual(['a'])
    expect(ids(assign([ready('a', limit({ session: 3 }))], running, anyone))).toEqual(['a'])
    expect(ids(assign([ready('a', limit({ session: 2 }))], running, anyone))).toEqual([])
    expect(ids(assign([ready('a', limit({ project: 3 }))], running, anyone))).toEqual([])
  })

  it('counts a group within its session alone: another session has a group of the same name', () => {
    const running = [held('x', { sessionId: 'other' })]
    expect(ids(assign([ready('a', limit({ group: 1 }))], running, anyone))).toEqual(['a'])
  })

  it('is no more than the agents have slots', () => {
    const agents = () => [agent('ann', { slots: 1 }), agent('bob', { slots: 2 })]
    const assignments = assign([ready('a'), ready('b'), ready('c')], [held('x', { agentId: 'bob' })], agents)
    expect(assignments.map(({ agentId }) => agentId).toSorted()).toEqual(['ann', 'bob'])
  })

  it('is done by the agents that the project may use', () => {
    const agentsOf = (projectId: string) => [agent(`of-${projectId}`)]
    const assignments = assign([ready('a', { projectId: 'p' }), ready('b', { projectId: 'q' })], [], agentsOf)
    expect(assignments.map(({ agentId }) => agentId)).toEqual(['of-p', 'of-q'])
  })
})

describe('E18: who comes first', () => {
  it('is the project with the fewest running, whatever the priorities', () => {
    const waiting = [
      ready('p1', { projectId: 'p', priority: 100 }),
      ready('p2', { projectId: 'p', priority: 100 }),
      ready('q1', { projectId: 'q', priority: -100 }),
    ]
    expect(ids(assign(waiting, [], anyone))).toEqual(['p1', 'q1', 'p2'])
    expect(ids(assign(waiting, [held('x', { projectId: 'p' })], anyone))).toEqual(['q1', 'p1', 'p2'])
  })

  it('is the higher priority, then the longer remaining path, then who waits longer, then the lower id', () => {
    const waiting = [
      ready('e'),
      ready('d'),
      ready('c', { readyAt: BEGIN - 1 }),
      ready('b', { remainingPath: 2, readyAt: BEGIN + 1 }),
      ready('a', { priority: 1, remainingPath: 0, readyAt: BEGIN + 1 }),
    ]
    expect(ids(assign(waiting, [], anyone))).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it.each([0, 1, 2])(
    'is, of projects with as many running, the one with the first in line, round after round (%i)',
    (turn) => {
      const waiting = [
        ready('p1', { projectId: 'p', priority: 9 }),
        ready('p2', { projectId: 'p', priority: 2 }),
        ready('q1', { projectId: 'q', priority: 8 }),
        ready('q2', { projectId: 'q', priority: 3 }),
        ready('r1', { projectId: 'r', priority: 7 }),
        ready('r2', { projectId: 'r', priority: 4 }),
        ready('r3', { projectId: 'r', priority: 1 }),
      ]
      // However they are told of.
      const told = [...waiting.slice(turn * 2), ...waiting.slice(0, turn * 2)]
      expect(ids(assign(told, [], anyone))).toEqual(['p1', 'q1', 'r1', 'r2', 'q2', 'p2', 'r3'])
    },
  )

  it('does not stand in the way of others when it cannot start', () => {
    const full = ready('a', { priority: 9, ...limit({ session: 0 }) })
    expect(ids(assign([full, ready('b', { sessionId: 'other' })], [], anyone))).toEqual(['b'])
  })
})

describe('when very many wait', () => {
  const many = Array.from({ length: 2_000 }, (_, at) => {
    const wanted = { capabilities: ['work'], text: `part ${at} of a whole that is told in a sentence of some length` }
    return ready(`e${at}`, { projectId: `p${at % 3}`, sessionId: `s${at % 200}`, wanted })
  })
  const timed = (agents: Omit<Candidate, 'running'>[], running: HeldItem[]): [number, number] => {
    const began = performance.now()
    const { length } = assign(many, running, () => agents)
    return [length, performance.now() - began]
  }

  it('takes no longer when nobody is free than it takes to see that', () => {
    const [assigned, ms] = timed([agent('ann', { slots: 1 })], [held('x')])
    expect(assigned).toBe(0)
    expect(ms).toBeLessThan(500)
  })

  it('takes no longer when nobody can do it than it takes to see that', () => {
    const [assigned, ms] = timed([agent('ann', { capabilities: ['sing'] })], [])
    expect(assigned).toBe(0)
    expect(ms).toBeLessThan(500)
  })

  it('shares what is free among the projects', () => {
    const assignments = assign(many, [], () => [agent('ann', { slots: 30 })])
    const projects = assignments.map(({ executionId }) => Number(executionId.slice(1)) % 3)
    expect([0, 1, 2].map((project) => projects.filter((one) => one === project).length)).toEqual([10, 10, 10])
  })
})

describe('whatever waits and runs', () => {
  const name = (...names: string[]) => fc.constantFrom(...names)
  const small = fc.integer({ min: 0, max: 4 })
  const place = { sessionId: name('s', 't'), group: name('g', 'h') }
  const anyReady = fc
    .array(
      fc.record({
        ...place,
        priority: fc.integer({ min: -1, max: 1 }),
        remainingPath: small,
        readyAt: small,
        wanted: name('work', 'sing').map((capability) => ({ capabilities: [capability], text: '' })),
        limits: fc.record({ session: small, group: small, project: small }),
      }),
      { maxLength: 8 },
    )
    .map((items) => items.map((item, at) => ready(`e${at}`, { ...item, projectId: `project of ${item.sessionId}` })))
  const anyHeld = fc
    .array(fc.record({ ...place, agentId: name('ann', 'bob') }), { maxLength: 4 })
    .map((items) => items.map((item, at) => held(`h${at}`, { ...item, projectId: `project of ${item.sessionId}` })))
  const anyAgents = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })).map(([ann, bob]) => {
    return [agent('ann', { slots: ann }), agent('bob', { slots: bob, capabilities: ['work', 'sing'] })]
  })

  it('E18: no limit is passed, and nobody is left waiting who could start', () => {
    fc.assert(
      fc.property(anyReady, anyHeld, anyAgents, (waiting, runningBefore, agents) => {
        const assignments = assign(waiting, runningBefore, () => agents)
        const running = [...runningBefore]
        const fits = (item: ReadyItem): boolean => {
          const count = (same: (one: HeldItem) => boolean): number => running.filter(same).length
          const inSession = (one: HeldItem): boolean => one.sessionId === item.sessionId
          const candidates = agents.map((one) => ({ ...one, running: count((h) => h.agentId === one.agent.id) }))
          return (
            count(inSession) < item.limits.session &&
            count((one) => inSession(one) && one.group === item.group) < item.limits.group &&
            count((one) => one.projectId === item.projectId) < item.limits.project &&
            select(item.wanted, candidates).chosen !== undefined
          )
        }
        for (const { executionId, agentId } of assignments) {
          const item = waiting.find((one) => one.executionId === executionId) as ReadyItem
          expect(fits(item)).toBe(true)
          running.push({ ...item, agentId })
        }
        expect(new Set(ids(assignments)).size).toBe(assignments.length)
        const left = waiting.filter(({ executionId }) => !ids(assignments).includes(executionId))
        expect(left.filter(fits)).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it('does not depend on the order in which it is told', () => {
    fc.assert(
      fc.property(anyReady, anyHeld, anyAgents, (waiting, running, agents) => {
        const told = assign(waiting, running, () => agents)
        expect(assign(waiting.toReversed(), running.toReversed(), () => agents)).toEqual(told)
      }),
    )
  })
})

describe('what runs', () => {
  const one = { executionId: 'e', sessionId: 's', projectId: 'p', group: 'g', agentId: 'a' }

  it('is counted by session, group, project and agent until it has ended', () => {
    const running = countRunning([one])
    running.add({ ...one, executionId: 'f', sessionId: 't' })
    expect(['session s', 'session t', 'group s g', 'project p', 'agent a'].map((what) => count(what))).toEqual([
      1, 1, 1, 2, 2,
    ])
    running.remove(one)
    expect(['session s', 'session t', 'group s g', 'project p', 'agent a'].map((what) => count(what))).toEqual([
      0, 1, 0, 1, 1,
    ])

    function count(what: string): number {
      const [kind, ...id] = what.split(' ') as ['session', ...string[]]
      return running.of(kind, id.join(' '))
    }
  })

  it('takes the place of what leaves: what starts now is counted with it', () => {
    const running = countRunning([one])
    running.remove(one)
    const [first] = assignTo([ready('x')], running, anyone)
    expect(first?.executionId).toBe('x')
    expect(running.of('agent', 'ann')).toBe(1)
  })
})
