import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/core/state.ts'

describe('the limits of a session that names none', () => {
  it('E17: are 5 executions at once', () => {
    expect(DEFAULT_LIMITS.concurrency).toBe(5)
  })

  it('E77: are 30 s of grace for what is stopped', () => {
    expect(DEFAULT_LIMITS.cancelGraceMs).toBe(30_000)
  })

  it('E103: are 100 versions of its plan', () => {
    expect(DEFAULT_LIMITS.planVersions).toBe(100)
  })

  it('E33: are an hour in all', () => {
    expect(DEFAULT_LIMITS.totalMs).toBe(3_600_000)
  })
})
