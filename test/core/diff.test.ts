import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffPlans, type PlanDiff } from '../../src/core/diff.ts'
import type { Plan } from '../../src/core/plan.ts'
import { anyFullPlan } from './plans.ts'
import './seed.ts'
import { part, planOf } from './sessions.ts'

const NOTHING: PlanDiff = {
  added: [],
  removed: [],
  changed: [],
  groups: { added: [], removed: [], changed: [] },
  outputs: { added: [], removed: [] },
  fields: [],
}

describe('the difference of two plans', () => {
  it('is empty when they are equal', () => {
    fc.assert(
      fc.property(anyFullPlan, (plan) => {
        expect(diffPlans(plan, structuredClone(plan))).toEqual(NOTHING)
      }),
    )
  })

  it('is not empty when they are not', () => {
    fc.assert(
      fc.property(anyFullPlan, anyFullPlan, (a, b) => {
        const isEmpty = isDeepStrictEqual(diffPlans(a, b), NOTHING)
        expect(isEmpty).toBe(isDeepStrictEqual(a, b))
      }),
    )
  })

  it('names what is there in one of them only, each in the order of its plan', () => {
    const before = planOf('PARALLEL', ['c', 'a', 'b'])
    const after = planOf('PARALLEL', ['z', 'a', 'y'])
    expect(diffPlans(before, after)).toEqual({
      ...NOTHING,
      added: ['z', 'y'],
      removed: ['c', 'b'],
      outputs: { added: ['z', 'y'], removed: ['c', 'b'] },
      fields: ['outputs'],
    })
    expect(diffPlans(after, before)).toMatchObject({ added: ['c', 'b'], removed: ['z', 'y'] })
  })

  it('names the fields in which a node differs, sorted', () => {
    const before = planOf('PARALLEL', ['a', part('b', { title: 'B', agent: 'x' }), 'c'])
    const after = planOf('PARALLEL', ['a', part('b', { title: 'Bee', optional: true }), 'c'])
    expect(diffPlans(before, after)).toEqual({
      ...NOTHING,
      changed: [{ key: 'b', fields: ['agent', 'optional', 'title'] }],
    })
  })

  it('tells nothing from null, but not the order of members', () => {
    const withInput = (input?: object | null): Plan => {
      return planOf('PARALLEL', [part('a', input === undefined ? {} : { input: input as null })])
    }
    expect(diffPlans(withInput(), withInput(null)).changed).toEqual([{ key: 'a', fields: ['input'] }])
    expect(diffPlans(withInput({ a: 1, b: 2 }), withInput({ b: 2, a: 1 }))).toEqual(NOTHING)
  })

  it('names groups, the pattern and the manager', () => {
    const before = planOf('PARALLEL', ['a'], { aggregate: 'COLLECT' })
    const after = planOf('HIERARCHICAL', ['a'], {
      manager: { maxRounds: 1, maxReplans: 0, maxStalls: 0, maxChildren: 1 },
    })
    const { groups, fields } = diffPlans(before, after)
    expect(groups).toEqual({ added: ['manager'], removed: ['branches', 'closing'], changed: [] })
    expect(fields).toEqual(['manager', 'outputs', 'pattern'])
    const fast = planOf('PARALLEL', ['a'], { aggregate: 'COLLECT', onFailure: 'QUORUM', quorum: 1 })
    expect(diffPlans(before, fast).groups.changed).toEqual([{ key: 'branches', fields: ['onFailure', 'quorum'] }])
  })

  it('tells that nodes, groups or outputs stand in another order', () => {
    const before = planOf('HIERARCHICAL', ['a', 'b', part('c', { dependsOn: ['a'] })])
    const turned = (list: readonly unknown[]): never => list.toReversed() as never
    expect(diffPlans(before, { ...before, nodes: turned(before.nodes) })).toEqual({ ...NOTHING, fields: ['nodes'] })
    expect(diffPlans(before, { ...before, groups: turned(before.groups) })).toEqual({ ...NOTHING, fields: ['groups'] })
    expect(diffPlans(before, { ...before, outputs: turned(before.outputs) })).toEqual({
      ...NOTHING,
      fields: ['outputs'],
    })
  })
})
