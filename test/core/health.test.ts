import { describe, expect, it } from 'vitest'
import { DEGRADED_MS, degradedBy, type Ended } from '../../src/core/health.ts'
import type { ErrorClass } from '../../src/core/retry.ts'

const NOW = Date.UTC(2026, 0, 1)
const failed = (errorClass: ErrorClass | null, ago = 1_000): Ended => {
  return { status: 'ERROR', errorClass, message: `it is ${errorClass}`, endedAt: NOW - ago }
}
const fine: Ended = { status: 'OK', errorClass: null, message: null, endedAt: NOW }

describe('the health of an agent that can be reached', () => {
  it.each<[string, Ended[], boolean]>([
    ['nothing is known of', [], false],
    [
      'has failed through its own fault three times in a row',
      [failed('CRASH'), failed('TIMEOUT'), failed('UNAVAILABLE')],
      true,
    ],
    ['has failed so twice', [failed('CRASH'), failed('CRASH')], false],
    ['has succeeded since', [fine, failed('CRASH'), failed('CRASH'), failed('CRASH')], false],
    ['has succeeded in between', [failed('CRASH'), failed('CRASH'), fine, failed('CRASH')], false],
    ['was given work that cannot be done', [failed('VALIDATION'), failed('AGENT'), failed('EMPTY')], false],
    ['has not failed for ten minutes', [1, 2, 3].map(() => failed('CRASH', DEGRADED_MS)), false],
    [
      'was stopped, or lost with its server, in between',
      [
        { ...fine, status: 'CANCELED' },
        failed('AUTH'),
        { ...failed('LOST'), status: 'LOST' },
        failed('RATE_LIMIT'),
        failed('CRASH'),
      ],
      true,
    ],
  ])('E113: one that %s', (_, last, degraded) => {
    expect(degradedBy(last, NOW) !== undefined).toBe(degraded)
  })

  it('E113: says what it was last, and how it gets well again', () => {
    const three = [failed('AUTH'), failed('CRASH'), failed('CRASH')]
    expect(degradedBy(three, NOW)).toBe(
      'its last 3 attempts failed, the last one with AUTH: it is AUTH. It is well again once an attempt succeeds, or after 10 minutes.',
    )
    expect(degradedBy([{ ...failed('AUTH'), message: null }, ...three], NOW)).toContain('AUTH: . It')
  })
})
