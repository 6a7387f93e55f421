import { validate, version } from 'uuid'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { newId } from '../src/ids.ts'

const made = (count: number): string[] => Array.from({ length: count }, newId)

describe('ids', () => {
  afterEach(() => vi.useRealTimers())

  it('are UUIDs of version 7, each another one, in the order in which they were made', () => {
    const ids = made(50_000)
    expect(ids.filter((id) => !validate(id) || version(id) !== 7)).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.toSorted()).toEqual(ids)
  })

  it('tell when they were made', () => {
    vi.useFakeTimers({ now: Date.parse('2100-01-01T00:00:00.123Z') })
    expect(Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16)).toBe(Date.now())
  })

  it('keep their order though the clock goes back', () => {
    vi.useFakeTimers({ now: Date.parse('2200-01-01') })
    const before = made(10)
    vi.setSystemTime(Date.parse('2199-12-31'))
    const ids = [...before, ...made(1_000)]
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.toSorted()).toEqual(ids)
  })
})
