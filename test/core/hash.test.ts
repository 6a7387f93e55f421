import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, hash } from '../../src/core/hash.ts'
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
