import { describe, expect, it } from 'vitest'
import { part, planOf } from '../sessions.ts'

describe('HIERARCHICAL', () => {
  const diamond = [
    part('root'),
    part('left', { dependsOn: ['root'] }),
    part('right', { dependsOn: ['root'] }),
    part('join', { dependsOn: ['left', 'right'] }),
    part('alone'),
  ]

  it('keeps the dependencies as they are: a part waits for them alone and is handed their outputs', () => {
    const { nodes } = planOf('HIERARCHICAL', diamond)
    for (const { key, after, needs } of nodes) {
      const { dependsOn } = diamond.find((one) => one.key === key) as { dependsOn: readonly string[] }
      expect({ after, needs }).toEqual({ after: dependsOn, needs: dependsOn })
    }
  })

  it('groups parts of the same depth to stages', () => {
    const { nodes } = planOf('HIERARCHICAL', diamond)
    const groups = Object.fromEntries(nodes.map(({ key, group }) => [key, group]))
    expect(groups).toEqual({ root: 'stage-1', left: 'stage-2', right: 'stage-2', join: 'stage-3', alone: 'stage-1' })
  })

  it('puts the stages below a manager, in their order, each going on when a part fails', () => {
    const chain = Array.from({ length: 11 }, (_, at) => part(`p${at}`, { dependsOn: at === 0 ? [] : [`p${at - 1}`] }))
    const { groups } = planOf('HIERARCHICAL', chain, { concurrency: 4 })
    const [manager, ...stages] = groups
    expect(manager).toEqual({ key: 'manager', pattern: 'HIERARCHICAL', onFailure: 'CONTINUE', concurrency: 4 })
    expect(stages.map(({ key }) => key)).toEqual(chain.map((_, at) => `stage-${at + 1}`))
    for (const { key: _, ...stage } of stages) {
      expect(stage).toEqual({ parent: 'manager', pattern: 'PARALLEL', onFailure: 'CONTINUE', concurrency: 4 })
    }
  })
})

describe('HIERARCHICAL with a manager', () => {
  const manager = { maxRounds: 5, maxReplans: 1, maxStalls: 3, maxChildren: 20 }
  const suggested = [part('b', { dependsOn: ['a'] }), part('a', { input: 1 })]

  it('begins with its first round, for which the parts are suggestions', () => {
    const plan = planOf('HIERARCHICAL', suggested, { manager, aggregate: 'COLLECT' })
    expect(plan).toMatchObject({ pattern: 'HIERARCHICAL', manager, outputs: [] })
    expect(plan.groups).toEqual([{ key: 'manager', pattern: 'HIERARCHICAL', onFailure: 'CONTINUE', concurrency: 5 }])
    const [round, ...others] = plan.nodes
    expect(others).toEqual([])
    expect(round).toMatchObject({
      key: 'manage-1',
      kind: 'MANAGE',
      title: 'Manage the task',
      type: 'PLANNER',
      capabilities: ['plan'],
      input: { round: 1, replan: false, parts: [suggested[1], suggested[0]] },
      after: [],
      needs: [],
      join: 'ACCEPTED',
      group: 'manager',
    })
    expect(round).not.toHaveProperty('agent')
  })

  it('may name the one agent that does it', () => {
    const plan = planOf('HIERARCHICAL', suggested, { manager: { ...manager, agent: 'boss' } })
    expect(plan.nodes[0]).toMatchObject({ agent: 'boss', capabilities: [] })
  })

  it('has the failure policy of the caller', () => {
    const plan = planOf('HIERARCHICAL', suggested, { manager, onFailure: 'QUORUM', quorum: 2 })
    expect(plan.groups).toMatchObject([{ key: 'manager', onFailure: 'QUORUM', quorum: 2 }])
  })
})
