import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_RETRY, ERROR_CLASSES, mayRetry, retryDelay } from '../../src/core/retry.ts'
import './seed.ts'

describe('E24: whether a failed attempt gets another one', () => {
  it('makes 3 attempts, 1 s apart, doubled, at most 100 s, unless told otherwise', () => {
    expect(DEFAULT_RETRY).toEqual({ maxAttempts: 3, initialMs: 1_000, factor: 2, maxMs: 100_000 })
  })

  const NEVER = ['VALIDATION', 'BUDGET', 'AUTH', 'TOO_LARGE', 'REJECTED', 'CHILD'] as const
  it.each(NEVER)('never retries %s', (errorClass) => {
    expect(mayRetry(DEFAULT_RETRY, errorClass, 1)).toBe(false)
  })

  const retried = ERROR_CLASSES.filter((name) => !NEVER.some((never) => never === name))
  it.each(retried)('retries %s until its attempts are used up', (errorClass) => {
    const counts = [1, 2, 3, 4].map((counted) => mayRetry(DEFAULT_RETRY, errorClass, counted))
    expect(counts).toEqual([true, true, false, false])
  })

  it('retries nothing when one attempt is all there is', () => {
    expect(mayRetry({ ...DEFAULT_RETRY, maxAttempts: 1 }, 'AGENT', 1)).toBe(false)
  })
})

describe('E25: the pause before the next attempt', () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [7, 64_000],
    [8, 100_000],
    [1_000_000, 100_000],
  ])('after %i attempts is at most %i ms', (counted, most) => {
    expect(retryDelay(DEFAULT_RETRY, counted, 1 - Number.EPSILON)).toBe(most - 1)
    expect(retryDelay(DEFAULT_RETRY, counted, 0)).toBe(0)
  })

  it('is nothing however often nothing is multiplied', () => {
    expect(retryDelay({ ...DEFAULT_RETRY, initialMs: 0 }, 5_000, 0.5)).toBe(0)
  })

  it('is uniform: half the jitter is half the pause', () => {
    expect(retryDelay(DEFAULT_RETRY, 3, 0.5)).toBe(2_000)
  })

  it('is a whole number of milliseconds within the limits, whatever the policy', () => {
    const policy = fc.record({
      maxAttempts: fc.nat(),
      initialMs: fc.nat(1e6),
      factor: fc.double({ min: 1, max: 100, noNaN: true }),
      maxMs: fc.nat(1e9),
    })
    const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 1_000 }), jitter, (given, counted, chance) => {
        const delay = retryDelay(given, counted, chance)
        expect(Number.isInteger(delay)).toBe(true)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThanOrEqual(given.maxMs)
      }),
    )
  })
})
