import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, hash, idFrom } from '../../src/core/hash.ts'
import './seed.ts'

describe('canonical JSON', () => {
  it('sorts keys at every depth and leaves lists in their order', () => {
    expect(canonical({ b: [{ d: 1, c: 2 }, 0], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1},0]}')
  })

  it('leaves out members that are undefined, as JSON does', () => {
    expect(canonical({ a: undefined, b: 1 })).toBe('{"b":1}')
  })

  it('writes null for an undefined value outside of an object, as JSON does in lists', () => {
    expect(canonical([undefined])).toBe('[null]')
    expect(canonical(undefined)).toBe('null')
  })

  it('says the same as JSON, whatever the order of the keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonical(reversed(value))).toBe(canonical(value))
      }),
    )
  })
})

describe('E15: the hash of a frozen input', () => {
  it('is the SHA-256 of the canonical JSON in hexadecimal', () => {
    // printf '{"a":1}' | sha256sum
    expect(hash({ a: 1 })).toBe('015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862')
  })

  it('is equal for equal values and differs for different ones', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(hash(a) === hash(b)).toBe(canonical(a) === canonical(b))
      }),
    )
  })
})

describe('an id that follows from what it is for', () => {
  it('is a UUID of version 8 with the first digits of the hash of its parts', () => {
    const hex = hash(['session', 'child', 'part', 1])
    const id = idFrom('session', 'child', 'part', 1)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const [a, b, c, d, e] = id.split('-') as [string, string, string, string, string]
    expect([a, b, c.slice(1), d.slice(1), e]).toEqual([
      hex.slice(0, 8),
      hex.slice(8, 12),
      hex.slice(13, 16),
      hex.slice(17, 20),
      hex.slice(20, 32),
    ])
    // The two highest bits are the variant's, the two others those of the hash.
    expect(Number.parseInt(d.slice(0, 1), 16)).toBe(8 + (Number.parseInt(hex.slice(16, 17), 16) % 4))
  })

  it('is another one for other parts', () => {
    expect(idFrom('a', 'bc')).not.toBe(idFrom('ab', 'c'))
    expect(idFrom('a', 1)).not.toBe(idFrom('a', '1'))
  })
})

/** The same JSON with every object's keys in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  )
}
