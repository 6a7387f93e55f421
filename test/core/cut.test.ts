import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, cutEach } from '../../src/core/cut.ts'
import './seed.ts'

describe('a text that is cut', () => {
  it('says how much more there was, and is left alone where there is room', () => {
    expect(cut('a'.repeat(100), 100)).toBe('a'.repeat(100))
    expect(cut('a'.repeat(101), 100)).toBe(`${'a'.repeat(60)} … (41 more characters)`)
  })

  it('is never longer than it may be, never ends in half a character, and is not cut again', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 300 })
    fc.assert(
      fc.property(texts, fc.integer({ min: 41, max: 100 }), (text, most) => {
        const short = cut(text, most)
        expect(short.length).toBeLessThanOrEqual(most)
        expect(short.isWellFormed()).toBe(true)
        expect(cut(short, most)).toBe(short)
      }),
    )
  })

  it('is one of a list, which says how many more there were', () => {
    expect(cutEach(['a', 'b'.repeat(60)], 2, 50)).toEqual(['a', `${'b'.repeat(10)} … (50 more characters)`])
    expect(cutEach(['a', 'b', 'c'], 1, 50)).toEqual(['a', '… (2 more)'])
  })
})
