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
      // Of the processor, for others may keep it busy.
      const before = process.threadCpuUsage()
      decompose({ title: '', description })
      return process.threadCpuUsage(before).user / 1e6
    }
    seconds(10_000)
    // A quadratic reading of 100 KB takes a minute.
    expect(seconds(100_000)).toBeLessThan(6)
  })
})
