import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_EXPECTED, estimate, type Expected } from '../../src/core/estimate.ts'
import type { CompileOptions } from '../../src/core/pattern.ts'
import type { Pattern, Plan, PlanNode, SubTask } from '../../src/core/plan.ts'
import { anyFullPlan } from './plans.ts'
import './seed.ts'
import { part, planOf } from './sessions.ts'

/** What the nodes take, in milliseconds; nothing is known of the others. */
const taking =
  (times: Record<string, number>) =>
  ({ key }: PlanNode): Expected | undefined => {
    const ms = times[key]
    return ms === undefined ? undefined : { ms, cost: ms * 2, tokens: ms * 10 }
  }

function time(
  pattern: Pattern,
  times: Record<string, number>,
  concurrency: number,
  parts: (string | SubTask)[] = Object.keys(times),
  options: Partial<CompileOptions> = {},
): number {
  return estimate(planOf(pattern, parts, options), taking(times), concurrency).ms
}

/** Keys of what has ended when a node begins. */
function endBefore({ nodes }: Plan, of: string): string[] {
  const { after, behind = [], onceBegun = [] } = nodes.find(({ key }) => key === of) as PlanNode
  return [...after, ...behind, ...onceBegun.flatMap((key) => endBefore({ nodes } as Plan, key))]
}

describe('the estimate of a plan', () => {
  it('takes as long as all together when one follows the other', () => {
    expect(time('SEQUENTIAL', { a: 10, b: 20, c: 30 }, 5)).toBe(60)
  })

  it('takes as long as the longest when all run at once', () => {
    expect(time('PARALLEL', { a: 10, b: 20, c: 30 }, 5)).toBe(30)
  })

  it('runs no more at once than the session and the group may, those with the longest way left first', () => {
    const times = { a: 1, b: 1, c: 2, d: 2 }
    expect(time('PARALLEL', times, 2)).toBe(3)
    expect(time('PARALLEL', times, 5, undefined, { concurrency: 1 })).toBe(6)
    const parts = ['a', 'b', 'c', part('d', { dependsOn: ['b'] })]
    // b, on which d waits, comes before c, which is as long.
    expect(time('HIERARCHICAL', { a: 1, b: 3, c: 3, d: 1 }, 2, parts)).toBe(4)
  })

  it('knows that stages overlap on different items, as far as their buffer lets them', () => {
    const list = [1, 2, 3]
    const items = (buffer: number): Partial<CompileOptions> => ({ items: { list, buffer, onFailure: 'STOP' } })
    const times = { 'a-1': 1, 'a-2': 1, 'a-3': 1, 'b-1': 5, 'b-2': 5, 'b-3': 5 }
    expect(time('PIPELINE', times, 5, ['a', 'b'], items(3))).toBe(16)
    expect(time('PIPELINE', times, 5, ['a', 'b'], items(1))).toBe(16)
    expect(time('PIPELINE', times, 5, ['a', 'b'], items(2))).toBe(16)
  })

  it('knows that an item begins only once the stage after it has begun one before', () => {
    const keys = ['a', 'b', 'c'].flatMap((stage) => [1, 2, 3, 4].map((item) => `${stage}-${item}`))
    const times = { ...Object.fromEntries(keys.map((key) => [key, 1])), 'c-1': 10, 'a-4': 100 }
    const options = { items: { list: [1, 2, 3, 4], buffer: 1, onFailure: 'STOP' as const } }
    // a-4 begins with b-3, which waits for the end of c-1, which waits for a-1 and b-1.
    expect(time('PIPELINE', times, 5, ['a', 'b', 'c'], options)).toBe(1 + 1 + 10 + 100 + 1 + 1)
  })

  it('closes at once and for nothing when the coordinator does it', () => {
    const plan = planOf('PARALLEL', ['a', 'b'], { aggregate: 'COLLECT' })
    expect(estimate(plan, taking({ a: 10, b: 20 }), 1)).toEqual({
      ms: 30,
      cost: 60,
      tokens: 300,
      criticalPath: ['b', 'collect'],
      unknown: [],
    })
    expect(time('PARALLEL', { a: 10, report: 5 }, 1, ['a'], { aggregate: 'AGENT' })).toBe(15)
  })

  it('names the way that takes longest', () => {
    const parts = ['a', part('b', { dependsOn: ['a'] }), part('c', { dependsOn: ['a'] }), part('d')]
    const plan = planOf('HIERARCHICAL', parts)
    expect(estimate(plan, taking({ a: 5, b: 1, c: 2, d: 6 }), 5).criticalPath).toEqual(['a', 'c'])
    expect(estimate(plan, taking({ a: 5, b: 1, c: 2, d: 9 }), 5).criticalPath).toEqual(['d'])
  })

  it('takes the median of what is known for what is not', () => {
    const plan = planOf('SEQUENTIAL', ['a', 'b', 'c', 'd'])
    expect(estimate(plan, taking({ a: 100, c: 300 }), 1)).toEqual({
      ms: 800,
      cost: 1_600,
      tokens: 8_000,
      criticalPath: ['a', 'b', 'c', 'd'],
      unknown: ['b', 'd'],
    })
    expect(estimate(plan, taking({ a: 100, b: 900, c: 300 }), 1).ms).toBe(1_600)
  })

  it('takes a minute for each when nothing is known at all, and guesses no cost', () => {
    expect(DEFAULT_EXPECTED).toEqual({ ms: 60_000, cost: 0, tokens: 0 })
    const { ms, cost, tokens } = estimate(planOf('SEQUENTIAL', ['a', 'b']), () => undefined, 1)
    expect({ ms, cost, tokens }).toEqual({ ms: 120_000, cost: 0, tokens: 0 })
  })

  it('is nothing for nothing', () => {
    const nothing = { ms: 0, cost: 0, tokens: 0, criticalPath: [], unknown: [] }
    expect(estimate(planOf('PARALLEL', []), () => undefined, 1)).toEqual(nothing)
  })

  it('lies between the critical path and the sum, and within 2 - 1/m of the best if no group holds it back', () => {
    fc.assert(
      fc.property(
        anyFullPlan,
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.nat({ max: 50 }), { minLength: 40, maxLength: 40 }),
        fc.boolean(),
        (drawn, concurrency, times, isFree) => {
          const groups = drawn.groups.map((group) => ({ ...group, ...(isFree && { concurrency: 99 }) }))
          const plan = { ...drawn, groups }
          const asked: string[] = []
          const expected = ({ key }: PlanNode): Expected => {
            asked.push(key)
            return { ms: times[drawn.nodes.findIndex((node) => node.key === key) % 40] as number, cost: 1, tokens: 2 }
          }
          const { ms, cost, tokens, criticalPath } = estimate(plan, expected, concurrency)
          const took = new Map(plan.nodes.filter((n) => asked.includes(n.key)).map((n) => [n.key, expected(n).ms]))
          const sum = (keys: Iterable<string>): number => [...keys].reduce((all, key) => all + (took.get(key) ?? 0), 0)
          expect(ms).toBeLessThanOrEqual(sum(took.keys()))
          expect(ms).toBeGreaterThanOrEqual(sum(criticalPath))
          expect({ cost, tokens }).toEqual({ cost: took.size, tokens: 2 * took.size })
          for (const [index, key] of criticalPath.slice(1).entries()) {
            expect(endBefore(plan, key)).toContain(criticalPath[index])
          }
          if (!isFree) return
          const best = Math.max(sum(criticalPath), sum(took.keys()) / concurrency)
          expect(ms).toBeLessThanOrEqual((2 - 1 / concurrency) * best + 1e-6)
        },
      ),
    )
  })
})
