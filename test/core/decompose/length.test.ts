import { describe, expect, it } from 'vitest'
import { decompose } from '../../../src/core/decompose.ts'

describe('long text', () => {
  it.each([
    'a',
    ' ',
    '\n',
    '\t',
    '"',
    "'a ",
    '(',
    '`',
    '```',
    ', ',
    '. ',
    ': ',
    '# ',
    '**',
    '- x\n',
    '  - x\n',
    'a@',
    'http://',
    'step 1: ',
    '1-999,',
    'run the tests, ',
    'run the tests. Then ',
    'please ',
    'to run and ',
    'before running after running ',
    'if when once, ',
    '1. a 2. b ',
    '。',
    'aB',
    '🎉',
  ])('of 100 KB is read in time linear in its length: %j', (unit) => {
    const seconds = (size: number): number => {
      const description = unit.repeat(Math.ceil(size / unit.length))
      const start = performance.now()
      decompose({ title: '', description })
      return (performance.now() - start) / 1_000
    }
    seconds(10_000)
    // A quadratic reading of 100 KB takes a minute; the bound leaves room for a busy machine.
    expect(seconds(100_000)).toBeLessThan(3)
  })
})
