import { describe, expect, it } from 'vitest'
import { count, duration, inWords, lastLine, oneLine } from '../../src/cli/words.ts'

describe('words for people', () => {
  it.each([
    [0, '0 ms'],
    [99, '99 ms'],
    [100, '0.1 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [59_499, '59 s'],
    [59_500, '1 m 00 s'],
    [125_000, '2 m 05 s'],
    [3_599_600, '1 h 00 m'],
    [7_620_000, '2 h 07 m'],
    [-5, '0 ms'],
  ])('says %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })

  it('counts and names', () => {
    expect([count(0, 'artifact'), count(1, 'artifact'), count(2, 'artifact')]).toEqual([
      '0 artifacts',
      '1 artifact',
      '2 artifacts',
    ])
    expect(inWords('TIMED_OUT')).toBe('timed out')
  })

  it('makes one line of any text, without anything that moves a terminal', () => {
    expect(oneLine('a\r\n\tb \u001B[2J\u001B]0;title\u0007c\u202Ed\u0000')).toBe('a b cd')
  })

  it('finds the last line that says something', () => {
    expect(lastLine('one\ntwo\r\n \u001B[0m\n')).toBe('two')
    expect(lastLine(' \n\n')).toBeUndefined()
  })
})
