import fc from 'fast-check'
import { AGGREGATES, PATTERNS, type Plan, type SubTask } from '../../src/core/plan.ts'
import { failing, part, planOf } from './sessions.ts'

/** Keys that objects know by themselves or put into an order of their own are among them. */
const KEYS = ['b', 'a', '10', '9', 'constructor', '__proto__', 'toString']

/** One to seven parts that depend on parts declared before them or after them, some of them optional. */
export const anyParts: fc.Arbitrary<SubTask[]> = fc
  .array(fc.record({ before: fc.array(fc.nat(), { maxLength: 3 }), optional: fc.boolean() }), {
    minLength: 1,
    maxLength: KEYS.length,
  })
  .map((drawn) =>
    drawn.map(({ before, optional }, at) => {
      const dependsOn = [...new Set(at === 0 ? [] : before.map((n) => KEYS[n % at] as string))]
      return part(KEYS[at] as string, { dependsOn, optional })
    }),
  )
  .chain((parts) => fc.shuffledSubarray(parts, { minLength: parts.length }))

/** Plans of every pattern and aggregate, failing fast or not. */
export const anyPlan: fc.Arbitrary<Plan> = fc
  .record({
    pattern: fc.constantFrom(...PATTERNS),
    aggregate: fc.constantFrom(...AGGREGATES),
    onFailure: fc.constantFrom(undefined, 'FAIL_FAST' as const, 'CONTINUE' as const),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    queueMs: fc.constantFrom(20_000, 3_600_000),
    parts: anyParts,
  })
  .map(({ pattern, aggregate, onFailure, maxAttempts, queueMs, parts }) => {
    const given = pattern === 'PARALLEL' ? parts.map((one) => ({ ...one, dependsOn: [] })) : parts
    const plan = planOf(pattern, given, {
      aggregate,
      timeouts: { queueMs, attemptMs: 60_000, idleMs: 30_000 },
      retry: { maxAttempts, initialMs: 1_000, factor: 2, maxMs: 10_000 },
    })
    return onFailure ? failing(plan, onFailure) : plan
  })
