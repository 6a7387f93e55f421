import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentProfile } from '../../src/core/agent.ts'
import { type Candidate, capable, select, type Wanted } from '../../src/core/select.ts'

const SEED = 20261122

const agent = (id: string, more: Partial<AgentProfile> = {}): AgentProfile => ({
  id,
  name: id,
  type: 'GENERAL',
  description: '',
  capabilities: [],
  status: 'ONLINE',
  slots: 4,
  ...more,
})

const tester = agent('tester', {
  type: 'TESTING',
  description: 'Runs the tests of a package.',
  capabilities: ['run-tests'],
})
const writer = agent('writer', {
  type: 'DOCUMENTATION',
  description: 'Writes guides.',
  capabilities: ['write-documentation', 'api-docs'],
})
const analyst = agent('analyst', {
  type: 'ANALYSIS',
  description: 'Looks at the imports of a repository.',
  capabilities: ['analyse-structure', 'dependency-cycles', 'duplication', 'churn'],
})
const team = [tester, writer, analyst]

const idle = (...agents: AgentProfile[]): Candidate[] => agents.map((one) => ({ agent: one, running: 0 }))
const wanted = (more: Partial<Wanted> = {}): Wanted => ({ capabilities: [], text: '', ...more })

describe('a demanded capability', () => {
  it.each([
    ['run-tests', 'tester'],
    ['Run Tests', 'tester'],
    ['test running', 'tester'],
    ['tests', 'tester'],
    ['analyze-structure', 'analyst'],
    ['structure-analysis', 'analyst'],
    ['analyse-strukture', 'analyst'],
    ['documentation', 'writer'],
    ['API documentation', 'writer'],
  ])('%s is met by the %s alone', (capability, id) => {
    const { chosen, ranked, refused } = select(wanted({ capabilities: [capability] }), idle(...team))
    expect(chosen?.agentId).toBe(id)
    expect(ranked).toHaveLength(1)
    expect(refused).toHaveLength(2)
  })

  it('is compared right however many others were compared before', () => {
    const chosen = (capability: string): string | undefined =>
      select(wanted({ capabilities: [capability] }), idle(tester, writer)).chosen?.agentId
    expect([chosen('test running'), chosen('sing')]).toEqual(['tester', undefined])
    // More pairs than are remembered.
    for (let number = 0; number < 5_000; number++) expect(chosen(`sing song ${number}`)).toBeUndefined()
    expect([chosen('test running'), chosen('sing'), chosen('api docs')]).toEqual(['tester', undefined, 'writer'])
  })

  it('that an agent lacks refuses it, with what it lacks', () => {
    const { chosen, refused } = select(wanted({ capabilities: ['run-tests', 'sing', 'dance'] }), idle(tester))
    expect(chosen).toBeUndefined()
    expect(refused).toEqual([{ agentId: 'tester', name: 'tester', reason: 'does not offer sing, dance' }])
  })

  it('prefers the agent that offers just that', () => {
    const exact = agent('z-exact', { capabilities: ['run-tests'] })
    const wider = agent('a-wider', { capabilities: ['run-unit-tests'] })
    const { ranked } = select(wanted({ capabilities: ['run-tests'] }), idle(wider, exact))
    expect(ranked.map((choice) => choice.agentId)).toEqual(['z-exact', 'a-wider'])
    expect(ranked[1]?.reasons[0]).toBe('offers run-unit-tests for run-tests')
  })

  it('takes the best of what an agent offers', () => {
    const { ranked } = select(
      wanted({ capabilities: ['lint'] }),
      idle(agent('a', { capabilities: ['lint-all', 'lint', 'lint-more'] })),
    )
    expect(ranked[0]?.reasons[0]).toBe('offers lint')
  })

  it('may consist of words that say nothing else', () => {
    expect(
      select(wanted({ capabilities: ['help'] }), idle(agent('a', { capabilities: ['help-all'] }))).chosen,
    ).toBeDefined()
    expect(select(wanted({ capabilities: ['!'] }), idle(agent('a', { capabilities: ['?'] }))).chosen).toBeDefined()
  })
})

describe('the words of the work', () => {
  it('tell able agents apart', () => {
    const { ranked } = select(wanted({ text: 'Find cycles among the imports of this repository' }), idle(...team))
    expect(ranked[0]?.agentId).toBe('analyst')
    expect(ranked[0]?.reasons).toContain('speaks of cycles, imports, repository')
  })

  it('rank nobody above others when nobody speaks of them', () => {
    const { ranked } = select(wanted({ text: 'gibberish' }), idle(...team))
    expect(new Set(ranked.map((choice) => choice.score)).size).toBe(1)
    expect(ranked.map((choice) => choice.agentId)).toEqual(['analyst', 'tester', 'writer'])
  })
})

describe('the type', () => {
  it('is preferred, not demanded', () => {
    const { ranked, refused } = select(wanted({ type: 'TESTING' }), idle(...team))
    expect(ranked[0]).toMatchObject({ agentId: 'tester', reasons: expect.arrayContaining(['type TESTING']) })
    expect(ranked[1]?.reasons).toContain('type ANALYSIS instead of TESTING')
    expect(refused).toEqual([])
  })
})

describe('load', () => {
  it('is told, and prefers the agent with more free slots', () => {
    const { ranked } = select(wanted(), [
      { agent: agent('busy'), running: 3 },
      { agent: agent('free'), running: 1 },
      { agent: agent('small', { slots: 1 }), running: 0 },
    ])
    expect(ranked.map((choice) => choice.agentId)).toEqual(['small', 'free', 'busy'])
    expect(ranked.map((choice) => choice.reasons.at(-1))).toEqual([
      '0 of 1 slot taken',
      '1 of 4 slots taken',
      '3 of 4 slots taken',
    ])
  })

  it('passes over a better agent that has no free slot', () => {
    const { chosen, ranked } = select(wanted({ type: 'TESTING' }), [{ agent: tester, running: 4 }, ...idle(writer)])
    expect(ranked[0]).toMatchObject({ agentId: 'tester', free: false })
    expect(chosen?.agentId).toBe('writer')
  })

  it('leaves nobody to choose when all are full or BUSY, though some are able', () => {
    const { chosen, ranked } = select(wanted(), [
      { agent: tester, running: 9 },
      ...idle(agent('b', { status: 'BUSY' })),
    ])
    expect(chosen).toBeUndefined()
    expect(ranked).toHaveLength(2)
  })
})

describe('what was learned', () => {
  it('prefers the agent that succeeded more often', () => {
    const { ranked } = select(wanted(), [
      { agent: agent('a'), running: 0, learned: 0.2 },
      { agent: agent('b'), running: 0, learned: 0.9 },
      { agent: agent('c'), running: 0, learned: 0.5 },
      { agent: agent('d'), running: 0 },
    ])
    expect(ranked.map((choice) => choice.agentId)).toEqual(['b', 'c', 'd', 'a'])
    expect(ranked[0]?.reasons).toContain('learned success 90 %')
    expect(ranked[1]?.reasons).toEqual(['0 of 4 slots taken'])
  })
})

describe('the status', () => {
  it('refuses the agents that are away', () => {
    const { ranked, refused } = select(
      wanted(),
      idle(agent('a', { status: 'OFFLINE' }), agent('b', { status: 'DISABLED' })),
    )
    expect(ranked).toEqual([])
    expect(refused.map((one) => one.reason)).toEqual(['is OFFLINE', 'is DISABLED'])
  })

  it('takes a DEGRADED agent after a sound one', () => {
    const { ranked } = select(wanted(), idle(agent('a', { status: 'DEGRADED' }), agent('b')))
    expect(ranked.map((choice) => choice.agentId)).toEqual(['b', 'a'])
    expect(ranked[1]?.reasons).toContain('degraded')
  })
})

describe('an agent named by the caller', () => {
  it('is the only choice, by name or by id', () => {
    const named = agent('7f', { name: 'Ada' })
    for (const name of ['Ada', '7f']) {
      const { chosen, ranked, refused } = select(wanted({ agent: name, text: 'run the tests' }), idle(tester, named))
      expect(chosen).toMatchObject({
        agentId: '7f',
        name: 'Ada',
        reasons: ['named by the caller', '0 of 4 slots taken'],
      })
      expect(ranked).toHaveLength(1)
      expect(refused).toEqual([{ agentId: 'tester', name: 'tester', reason: `only ${name} may do it` }])
    }
  })

  it('must still be there and able', () => {
    expect(select(wanted({ agent: 'tester', capabilities: ['sing'] }), idle(tester)).refused[0]?.reason).toBe(
      'does not offer sing',
    )
    expect(select(wanted({ agent: 'a' }), idle(agent('a', { status: 'OFFLINE' }))).refused[0]?.reason).toBe(
      'is OFFLINE',
    )
  })
})

describe('any selection', () => {
  it('accounts for every candidate once, ranks from the best down, and does not depend on their order', () => {
    const someone = fc.record({
      agent: fc.record({
        id: fc.uuid(),
        name: fc.string(),
        type: fc.constantFrom('GENERAL' as const, 'TESTING' as const),
        description: fc.lorem(),
        capabilities: fc.array(fc.constantFrom('run-tests', 'lint', 'write-documentation', 'x')),
        status: fc.constantFrom(
          'ONLINE' as const,
          'BUSY' as const,
          'DEGRADED' as const,
          'OFFLINE' as const,
          'DISABLED' as const,
        ),
        slots: fc.integer({ min: 1, max: 3 }),
      }),
      running: fc.nat({ max: 4 }),
      learned: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(someone, { selector: (one) => one.agent.id }),
        fc.array(fc.constantFrom('run-tests', 'lint'), { maxLength: 2 }),
        fc.lorem(),
        (candidates, capabilities, text) => {
          const selection = select({ type: 'TESTING', capabilities, text }, candidates)
          const { chosen, ranked, refused } = selection
          expect([...ranked, ...refused].map((one) => one.agentId).toSorted()).toEqual(
            candidates.map((one) => one.agent.id).toSorted(),
          )
          expect(chosen).toBe(ranked.find((choice) => choice.free))
          const scores = ranked.map((choice) => choice.score)
          expect(scores).toEqual(scores.toSorted((a, b) => b - a))
          expect(scores.every((score) => score >= 0 && score <= 1 + 1e-9)).toBe(true)
          const turned = select({ type: 'TESTING', capabilities, text }, candidates.toReversed())
          expect(turned.ranked.map((one) => one.agentId)).toEqual(ranked.map((one) => one.agentId))
        },
      ),
      { seed: SEED },
    )
  })
})

describe('capable', () => {
  it('lists the agents that could do it, those that are OFFLINE too', () => {
    const away = agent('away', { status: 'OFFLINE', capabilities: ['run-tests'] })
    const off = agent('off', { status: 'DISABLED', capabilities: ['run-tests'] })
    expect(capable(wanted({ capabilities: ['run-tests'] }), [tester, away, off, writer], 'CALLER')).toEqual({
      able: [tester, away],
      nearest: [],
    })
  })

  it('names the capability that nobody offers and the nearest ones', () => {
    expect(capable(wanted({ capabilities: ['run-tests', 'structure-drawing'] }), team, 'CALLER')).toEqual({
      able: [],
      reason: expect.stringMatching(/^No agent offers structure-drawing\. The nearest on offer: analyse-structure, /),
      nearest: expect.arrayContaining(['analyse-structure']),
    })
    expect(
      capable(
        wanted({ capabilities: ['run-tests'] }),
        [agent('a', { capabilities: ['x-run', 'y-run', 'w-run', 'v-run'] })],
        'CALLER',
      ).nearest,
    ).toEqual(['v-run', 'w-run', 'x-run'])
    expect(capable(wanted({ capabilities: ['写'] }), team, 'CALLER')).toEqual({
      able: [],
      reason: 'No agent offers 写.',
      nearest: [],
    })
  })

  it('says when only several together could do it', () => {
    expect(capable(wanted({ capabilities: ['run-tests', 'churn'] }), team, 'CALLER').reason).toBe(
      'No single agent offers all of run-tests, churn: split the sub-task.',
    )
  })

  it('says when the named agent is missing or lacks something', () => {
    expect(capable(wanted({ agent: 'Ada' }), team, 'CALLER').reason).toBe(
      'There is no enabled agent called Ada: register it, or leave the choice open.',
    )
    expect(capable(wanted({ agent: 'tester', capabilities: ['churn'] }), team, 'CALLER').reason).toMatch(
      /^tester does not offer churn\./,
    )
    expect(capable(wanted({ agent: 'tester' }), team, 'CALLER').able).toEqual([tester])
  })

  it('wants something that speaks for an agent when work was read out of words', () => {
    const drive = wanted({ text: 'Drive it to Hamburg.' })
    expect(capable(drive, team, 'CALLER').able).toEqual(team)
    expect(capable(drive, team, 'WORDS')).toEqual({
      able: [],
      reason: expect.stringMatching(/^No agent says that it can do this\. Say it in words of what agents offer/),
      nearest: [],
    })
    expect(capable(wanted({ text: 'Run the tests.' }), team, 'WORDS').able).toContain(tester)
    expect(capable({ ...drive, type: 'TESTING' }, team, 'WORDS').able).toEqual([tester])
    expect(capable({ ...drive, capabilities: ['run-tests'] }, team, 'WORDS').able).toEqual([tester])
    const anybody = agent('anybody', { type: 'GENERAL' })
    expect(capable(drive, [...team, anybody], 'WORDS').able).toEqual([anybody])
    expect(
      select(
        drive,
        [...team, anybody].map((one) => ({ agent: one, running: 0 })),
      ).chosen?.name,
    ).toBe('anybody')
  })

  it('says when there is nobody at all', () => {
    expect(capable(wanted(), [], 'CALLER').reason).toBe('There is no enabled agent: register one, or enable one.')
  })
})
