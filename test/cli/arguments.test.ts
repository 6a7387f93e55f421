import { describe, expect, it } from 'vitest'
import { asWords, oneOf, parseDuration, parseExpiry, parseServer, wholeNumber } from '../../src/cli/arguments.ts'

describe('arguments', () => {
  it.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
  ])('takes %s for a length of time', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '10', 'm', '-5m', '10 minutes', '10m!', '0s', '169h', '1e9h', 'NaNs'])('refuses "%s" as one', (text) => {
    expect(() => parseDuration(text)).toThrow('such as 90s, 10m or 1h30m')
  })

  it('takes a length of time or a date for a time to come', () => {
    const from = (ms: number) => expect.closeTo(Date.now() + ms, -5)
    expect(parseExpiry('30d').getTime()).toEqual(from(30 * 86_400_000))
    expect(parseExpiry('12h').getTime()).toEqual(from(12 * 3_600_000))
    const date = `${new Date().getUTCFullYear() + 1}-06-01`
    expect(parseExpiry(date)).toEqual(new Date(date))
  })

  it.each(['0d', '-1d', '3661d', '2001-01-01', '9999-01-01', '2030-99-99', 'soon', ''])(
    'refuses "%s" as one',
    (text) => {
      expect(() => parseExpiry(text)).toThrow(/It wants/)
    },
  )

  it.each(['0', '101', '1.5', '', 'x', '1e3', '0x1F4'])('refuses "%s" as a whole number from 1 to 100', (text) => {
    expect(() => wholeNumber(1, 100)(text)).toThrow('from 1 to 100')
  })

  it('takes a list for words, and not for an option', () => {
    expect(['- one\n- two', '-- one', '--json', '-o', '-', 'one'].map(asWords)).toEqual([
      ' - one\n- two',
      ' -- one',
      '--json',
      '-o',
      '-',
      'one',
    ])
  })

  it('takes a choice in whatever case', () => {
    expect(oneOf(['AUTO', 'PARALLEL'])('parallel')).toBe('PARALLEL')
    expect(() => oneOf(['AUTO', 'PARALLEL'])('together')).toThrow('AUTO, PARALLEL')
  })

  it.each([
    ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
    ['http://127.0.0.1:4000/graphql', 'http://127.0.0.1:4000'],
    ['localhost:4000', 'http://localhost:4000'],
    ['https://tutti.example.org/', 'https://tutti.example.org'],
    ['[::1]:4000', 'http://[::1]:4000'],
  ])('takes %s for a server', (text, origin) => {
    expect(parseServer(text)).toBe(origin)
  })

  it.each(['', 'http://', 'ftp://example.org', 'not a host'])('refuses "%s" as a server', (text) => {
    expect(() => parseServer(text)).toThrow('http://127.0.0.1:4000')
  })
})
