import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Amounts,
  type Budget,
  budgetOf,
  childBudget,
  left,
  levelOf,
  NOTHING,
  reached,
  reservation,
  reserve,
  settleAmounts,
  sliceFor,
  UNITS,
  usedOf,
} from '../../src/core/budget.ts'
import type { PlanNode } from '../../src/core/plan.ts'
import { child } from './drive.ts'
import './seed.ts'
import { part, planOf } from './sessions.ts'

const nodeOf = (change: Parameters<typeof part>[1] = {}): PlanNode =>
  planOf('PARALLEL', [part('a', change)]).nodes[0] as PlanNode
const childNode = (slice: NonNullable<PlanNode['session']>['slice'] = {}): PlanNode => {
  const { session } = child('a')
  return nodeOf({ session: { ...session, pattern: 'SEQUENTIAL', parts: [part('b')], slice } })
}

/** Millionths of a dollar as dollars. */
const money = fc.integer({ min: 0, max: 100_000_000 }).map((millionths) => millionths / 1e6)
const tokens = fc.nat(100_000)
const anyAmounts: fc.Arbitrary<Amounts> = fc.record({ tokens, cost: money, executions: fc.nat(5) })
const limit = <T>(amount: fc.Arbitrary<T>): fc.Arbitrary<{ hard?: T }> => fc.option(amount).map((hard) => (hard === null ? {} : { hard })) // prettier-ignore
const anyBudget: fc.Arbitrary<Budget> = fc
  .record({ TOKENS: limit(tokens), COST: limit(money), EXECUTIONS: limit(fc.nat(20)) })
  .map(budgetOf)
const SPENT = ['TOKENS', 'COST', 'EXECUTIONS'] as const

/** Nothing is reserved or used beyond a hard limit, and money is whole millionths. */
function holdsTogether(budget: Budget): void {
  for (const unit of SPENT) {
    const { hard = Number.POSITIVE_INFINITY, used, reserved } = budget[unit]
    expect(reserved).toBeGreaterThanOrEqual(0)
    expect(Object.is(reserved, -0)).toBe(false)
    expect(Math.round((used + reserved) * 1e6)).toBeLessThanOrEqual(Math.round(hard * 1e6))
    for (const amount of [used, reserved]) expect(Math.round(amount * 1e6) / 1e6).toBe(amount)
  }
}

describe('a new budget', () => {
  it('has its limits, and nothing of it is used or reserved', () => {
    const budget = budgetOf({ TOKENS: { soft: 5, hard: 10 }, COST: { hard: 0.5 } })
    expect(Object.keys(budget)).toEqual([...UNITS])
    expect(budget).toMatchObject({
      TOKENS: { soft: 5, hard: 10, used: 0, reserved: 0 },
      COST: { hard: 0.5, used: 0, reserved: 0 },
      DEPTH: { used: 0, reserved: 0 },
    })
  })

  it('has without a hard limit always something left', () => {
    expect(left({ used: 1e9, reserved: 1e9 })).toBe(Number.POSITIVE_INFINITY)
    expect(left({ hard: 0.3, used: 0.1, reserved: 0.1 })).toBe(0.1)
  })
})

describe('what an attempt may use', () => {
  it('is what its node reserves, but no more than is left', () => {
    const budget = budgetOf({ TOKENS: { hard: 100 }, COST: { hard: 1 } })
    const node = nodeOf({ reserve: { tokens: 60, cost: 0.7 } })
    expect(reservation(budget, node, 4, true)).toEqual({ tokens: 60, cost: 0.7, executions: 1 })
    const later = reserve(budget, { tokens: 60, cost: 0.7, executions: 0 })
    expect(reservation(later, node, 4, true)).toEqual({ tokens: 40, cost: 0.3, executions: 1 })
  })

  it('is else an equal share of the limit', () => {
    const budget = budgetOf({ TOKENS: { hard: 100 }, COST: { hard: 1 } })
    expect(reservation(budget, nodeOf(), 3, false)).toEqual({ tokens: 33, cost: 0.333333, executions: 0 })
  })

  it('is nothing of a unit that has no limit', () => {
    expect(reservation(budgetOf({}), nodeOf({ reserve: { tokens: 60, cost: 1 } }), 1, true)).toEqual({
      ...NOTHING,
      executions: 1,
    })
  })

  it('is a token and a millionth of a dollar at least, so that a small limit is not a limit of nothing', () => {
    const budget = budgetOf({ TOKENS: { hard: 2 }, COST: { hard: 0.000_002 } })
    expect(reservation(budget, nodeOf(), 7, true)).toMatchObject({ tokens: 1, cost: 0.000_001 })
  })

  it.each(SPENT)('does not begin once nothing is left of %s', (unit) => {
    expect(reservation(budgetOf({ [unit]: { hard: 0 } }), nodeOf(), 1, true)).toBeUndefined()
  })

  it('is counted as one execution, whatever its attempts', () => {
    const spent = settleAmounts(budgetOf({ EXECUTIONS: { hard: 1 } }), NOTHING, { ...NOTHING, executions: 1 })
    expect(reservation(spent, nodeOf(), 1, false)).toEqual(NOTHING)
    expect(reservation(spent, nodeOf(), 1, true)).toBeUndefined()
  })
})

describe('the slice of a child', () => {
  it('is what its node says, but no more than is left', () => {
    const budget = budgetOf({ TOKENS: { hard: 100 }, COST: { hard: 1 }, EXECUTIONS: { hard: 2 } })
    const slice = sliceFor(budget, childNode({ tokens: 70, cost: 5, executions: 1 }), 1)
    expect(slice).toEqual({ tokens: 70, cost: 1, executions: 1 })
  })

  it('is else an equal share of what is left among all that wait', () => {
    const budget = budgetOf({ TOKENS: { hard: 100 }, COST: { hard: 1 }, EXECUTIONS: { hard: 8 } })
    expect(sliceFor(budget, childNode(), 3)).toEqual({ tokens: 33, cost: 0.333333, executions: 2 })
  })

  it('is a token, a millionth of a dollar and an execution at least', () => {
    const budget = budgetOf({ TOKENS: { hard: 2 }, COST: { hard: 0.000_002 }, EXECUTIONS: { hard: 2 } })
    expect(sliceFor(budget, childNode(), 5)).toEqual({ tokens: 1, cost: 0.000_001, executions: 1 })
  })

  it.each(SPENT)('does not begin once nothing is left of %s', (unit) => {
    expect(sliceFor(budgetOf({ [unit]: { hard: 0 } }), childNode(), 1)).toBeUndefined()
  })

  it('is the hard limit of the child’s own budget, which ends with the parent’s time and depth', () => {
    const budget = budgetOf({ TOKENS: { soft: 50, hard: 100 }, WALL_TIME: { hard: 1_000 }, DEPTH: { hard: 2 } })
    const given = childBudget(budget, { tokens: 30, cost: 0, executions: 0 }, 400)
    const expected = { TOKENS: { hard: 30 }, WALL_TIME: { hard: 600 }, DEPTH: { hard: 2 } }
    expect(given).toEqual(budgetOf(expected))
    expect(childBudget(budget, NOTHING, 5_000).WALL_TIME.hard).toBe(1)
    expect(childBudget(budgetOf({ COST: { hard: 1 } }), { ...NOTHING, cost: 0.25 }, 0)).toEqual(
      budgetOf({ COST: { hard: 0.25 } }),
    )
  })
})

describe('the arithmetic', () => {
  it('comes out even: what was reserved and given back was never there', () => {
    fc.assert(
      fc.property(anyBudget, anyAmounts, (budget, amounts) => {
        expect(settleAmounts(reserve(budget, amounts), amounts, NOTHING)).toEqual(budget)
      }),
    )
  })

  it('adds up whatever was used to the millionth, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(anyAmounts, { maxLength: 30 }), (all) => {
        const budget = all.reduce((sum, used) => settleAmounts(reserve(sum, used), used, used), budgetOf({}))
        const millionths = all.reduce((sum, { cost }) => sum + Math.round(cost * 1e6), 0)
        expect(Math.round(usedOf(budget).cost * 1e6)).toBe(millionths)
        expect(usedOf(budget).tokens).toBe(all.reduce((sum, one) => sum + one.tokens, 0))
        expect(usedOf(budget).executions).toBe(all.reduce((sum, one) => sum + one.executions, 0))
        holdsTogether(budget)
      }),
    )
  })

  it('reserves nothing beyond a hard limit, however many attempts and children begin and end in whatever order', () => {
    const anyWish = fc.record({
      isChild: fc.boolean(),
      tokens: fc.option(tokens, { nil: undefined }),
      // What a caller writes is not always in whole millionths.
      cost: fc.option(fc.double({ min: 1e-7, max: 50, noNaN: true }), { nil: undefined }),
      uses: fc.double({ min: 0, max: 1, noNaN: true }),
      ends: fc.boolean(),
      among: fc.integer({ min: 1, max: 20 }),
    })
    fc.assert(
      fc.property(anyBudget, fc.array(anyWish, { maxLength: 40 }), (empty, wishes) => {
        let budget = empty
        const open: Amounts[] = []
        for (const { isChild, tokens, cost, uses, ends, among } of wishes) {
          const wanted = { ...(tokens !== undefined && { tokens }), ...(cost !== undefined && { cost }) }
          const amounts = isChild
            ? sliceFor(budget, childNode(wanted), among)
            : reservation(budget, nodeOf({ reserve: wanted }), among, true)
          if (amounts) {
            budget = reserve(budget, amounts)
            open.push(amounts)
          }
          holdsTogether(budget)
          const ended = ends ? open.shift() : undefined
          if (!ended) continue
          const used = {
            tokens: Math.floor(ended.tokens * uses),
            cost: Math.floor(ended.cost * uses * 1e6) / 1e6,
            executions: ended.executions,
          }
          budget = settleAmounts(budget, ended, used)
          holdsTogether(budget)
        }
        for (const amounts of open) budget = settleAmounts(budget, amounts, NOTHING)
        for (const unit of SPENT) expect(budget[unit].reserved).toBe(0)
      }),
    )
  })

  it('never slices more than there is, and all of it may be sliced', () => {
    fc.assert(
      fc.property(anyBudget, fc.integer({ min: 1, max: 30 }), (budget, children) => {
        sliced(budget, children)
      }),
    )
    fc.assert(
      fc.property(tokens, fc.integer({ min: 1, max: 30 }), (hard, children) => {
        expect(sliced(budgetOf({ TOKENS: { hard } }), children).TOKENS.reserved).toBe(hard)
      }),
    )
  })
})

/** All of these children begin at once. */
function sliced(empty: Budget, children: number): Budget {
  let budget = empty
  for (let waiting = children; waiting > 0; waiting--) {
    budget = reserve(budget, sliceFor(budget, childNode(), waiting) ?? NOTHING)
    holdsTogether(budget)
  }
  return budget
}

describe('a limit', () => {
  const after = (limits: Parameters<typeof budgetOf>[0], used: Partial<Amounts>): ReturnType<typeof reached> =>
    reached(settleAmounts(budgetOf(limits), NOTHING, { ...NOTHING, ...used }))

  it('soft, is reached once it is used up; hard, once more than that is used', () => {
    const limits = { TOKENS: { soft: 5, hard: 10 } }
    expect(after(limits, { tokens: 4 })).toEqual([])
    expect(after(limits, { tokens: 5 })).toEqual([{ unit: 'TOKENS', limit: 'soft' }])
    expect(after(limits, { tokens: 10 })).toEqual([{ unit: 'TOKENS', limit: 'soft' }])
    expect(after(limits, { tokens: 11 })).toEqual([{ unit: 'TOKENS', limit: 'hard' }])
  })

  it('of time is up when it is up', () => {
    const { WALL_TIME, ...rest } = budgetOf({ WALL_TIME: { hard: 1_000 } })
    expect(reached({ ...rest, WALL_TIME: { ...WALL_TIME, used: 999 } })).toEqual([])
    expect(reached({ ...rest, WALL_TIME: { ...WALL_TIME, used: 1_000 } })).toEqual([{ unit: 'WALL_TIME', limit: 'hard' }]) // prettier-ignore
  })

  it('that is not there is never reached', () => {
    expect(after({}, { tokens: 1e9, cost: 1e9, executions: 1e9 })).toEqual([])
  })
})

describe('how deep a session stands as far as its children go', () => {
  it.each([
    [undefined, 1, 1],
    [undefined, 2, 2],
    [3, 1, 1],
    [2, 1, 2],
    [1, 1, 3],
    [1, 2, 4],
    [4, 1, 1],
  ])('with a limit of %s levels, on level %d: %d', (hard, depth, level) => {
    expect(levelOf(budgetOf({ DEPTH: { ...(hard !== undefined && { hard }) } }), depth)).toBe(level)
  })
})
