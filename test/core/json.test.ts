import { describe, expect, it } from 'vitest'
import { isTooDeep, type Json, MAX_DEPTH, wellFormed } from '../../src/core/json.ts'

describe('JSON that PostgreSQL can store', () => {
  it('replaces NUL and lone surrogates in texts and keys, however deep', () => {
    expect(wellFormed({ 'a\0': ['x\uD800y', { b: '\uDC00' }] })).toEqual({ 'a\uFFFD': ['x\uFFFDy', { b: '\uFFFD' }] })
  })

  it('leaves everything else as it is', () => {
    const value = { text: 'naïve 🎼', number: 1.5, yes: true, nothing: null, list: [1, 'two'] }
    expect(wellFormed(value)).toEqual(value)
  })
  it('has no more than so many levels', () => {
    const nested = (levels: number): Json => {
      let value: Json = 'x'
      for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value, null] : { value }
      return value
    }
    expect(isTooDeep('x')).toBe(false)
    expect(isTooDeep(nested(MAX_DEPTH))).toBe(false)
    expect(isTooDeep(nested(MAX_DEPTH + 1))).toBe(true)
    expect(isTooDeep(nested(100_000))).toBe(true)
  })
})
