import { describe, expect, it } from 'vitest'
import { wellFormed } from '../../src/core/json.ts'

describe('JSON that PostgreSQL can store', () => {
  it('replaces NUL and lone surrogates in texts and keys, however deep', () => {
    expect(wellFormed({ 'a\0': ['x\uD800y', { b: '\uDC00' }] })).toEqual({ 'a\uFFFD': ['x\uFFFDy', { b: '\uFFFD' }] })
  })

  it('leaves everything else as it is', () => {
    const value = { text: 'naïve 🎼', number: 1.5, yes: true, nothing: null, list: [1, 'two'] }
    expect(wellFormed(value)).toEqual(value)
  })
})
