import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoOf, PARSERS } from '../../src/store/values.ts'
import '../core/seed.ts'

const TIMESTAMPTZ = 1184
const read = (text: string): Date => PARSERS[TIMESTAMPTZ]?.(text) as Date

describe('a time as PostgreSQL tells it', () => {
  it('is read and said as Date does, whatever time it is', () => {
    const times = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(times, fc.constantFrom('', '0', '00', '123'), (time, micros) => {
        const iso = time.toISOString()
        const fraction = `${iso.slice(19, -1)}${micros}`.replace(/\.?0+$/, '')
        const date = read(`${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction}+00`)
        expect(date.getTime()).toBe(time.getTime())
        expect(isoOf(date)).toBe(iso)
      }),
    )
  })

  it('is read in other time zones, and before Christ, too', () => {
    expect(isoOf(read('2026-01-31 12:00:00.5+05:30'))).toBe('2026-01-31T06:30:00.500Z')
    expect(read('0044-03-15 12:00:00+00 BC').getUTCFullYear()).toBe(-43)
    expect(isoOf(new Date(0))).toBe('1970-01-01T00:00:00.000Z')
  })
})
