import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aggregate, type Branch, branch, branches, enough } from '../../src/core/aggregate.ts'
import { MAX_GATHERED } from '../../src/core/gather.ts'
import type { Json } from '../../src/core/json.ts'
import './seed.ts'

const error = { class: 'AGENT', message: 'it broke' } as const
const accepted = (key: string, output: Json, more: Partial<Branch> = {}): Branch => {
  return { id: `id-${key}`, key, status: 'ACCEPTED', output, summary: `Did ${key}`, endedAt: 1, ...more }
}
const failed = (key: string, more: Partial<Branch> = {}): Branch => {
  return { id: `id-${key}`, key, status: 'FAILED', error, endedAt: 1, ...more }
}
const skipped = (key: string, more: Partial<Branch> = {}): Branch => {
  return { id: `id-${key}`, key, status: 'SKIPPED', endedAt: 1, ...more }
}
const large = (characters: number): string => 'x'.repeat(characters - 2)

describe('what branches hand to their aggregator', () => {
  it('is what became of them in declared order, failures included', () => {
    expect(branches([failed('b'), accepted('a', [1]), skipped('c')])).toEqual([
      { branch: 'b', status: 'FAILED', summary: null, output: null, error },
      { branch: 'a', status: 'ACCEPTED', summary: 'Did a', output: [1], error: null },
      { branch: 'c', status: 'SKIPPED', summary: null, output: null, error: null },
    ])
    expect(branches([])).toEqual([])
  })

  it('says of an error only its class and its message', () => {
    const handed = branch(failed('a', { error: { ...error, stack: 'secret' } as never }), null)
    expect(handed).toMatchObject({ error: { class: 'AGENT', message: 'it broke' } })
    expect(JSON.stringify(handed)).not.toContain('secret')
  })

  it('leaves out what is too large', () => {
    const output = large(MAX_GATHERED)
    expect(branches([accepted('a', output), accepted('b', 'small')])).toMatchObject([
      { output: { omitted: true, executionId: 'id-a', characters: MAX_GATHERED } },
      { output: 'small' },
    ])
  })
})

describe('E80: COLLECT', () => {
  it('hands on all branches and says how many were accepted', () => {
    const all = [accepted('a', 1), failed('b'), accepted('c', 2)]
    expect(aggregate('COLLECT', all)).toEqual({ output: branches(all), summary: '2 of 3 branches accepted' })
    expect(aggregate('COLLECT', [failed('b')])).toMatchObject({ summary: '0 of 1 branches accepted' })
  })
})

describe('E81: REDUCE', () => {
  it('merges the objects of the accepted branches', () => {
    const merged = aggregate('REDUCE', [
      accepted('a', { x: 1 }),
      failed('b', { output: { y: 9 } }),
      accepted('c', { y: 2 }),
    ])
    expect(merged).toEqual({ output: { x: 1, y: 2 }, summary: '2 of 3 branches merged' })
  })

  it('takes a key twice if its value is the same, in whatever order its keys are', () => {
    const merged = aggregate('REDUCE', [accepted('a', { k: { x: 1, y: 2 } }), accepted('b', { k: { y: 2, x: 1 } })])
    expect(merged).toEqual({ output: { k: { x: 1, y: 2 } }, summary: '2 of 2 branches merged' })
  })

  it('knows no keys but those that were put out', () => {
    const output = JSON.parse('{"__proto__": 1, "constructor": 2}') as Json
    const merged = aggregate('REDUCE', [accepted('a', output)])
    expect(JSON.stringify(merged)).toContain('{"__proto__":1,"constructor":2}')
  })

  it.each<[string, Branch[], string]>([
    [
      'a key has two values',
      [accepted('a', { k: 1 }), accepted('b', { k: 1 }), accepted('c', { k: 2 })],
      '"k" has one value from "a" and another from "c"',
    ],
    ['an output is a list', [accepted('a', {}), accepted('b', [])], '"b" put out no object, so it cannot be merged'],
    ['an output is a text', [accepted('a', 'x')], '"a" put out no object, so it cannot be merged'],
    ['an output is null', [accepted('a', null)], '"a" put out no object, so it cannot be merged'],
    ['there is no output', [skipped('a', { status: 'ACCEPTED' })], '"a" put out no object, so it cannot be merged'],
    ['nothing was accepted', [failed('a'), skipped('b')], 'no branch was accepted: a failed: it broke; b skipped'],
  ])('is an error if %s', (_, all, message) => {
    expect(aggregate('REDUCE', all)).toEqual({ error: message })
  })
})

describe('E82: VOTE', () => {
  const three = [accepted('a', { x: 1, y: 2 }), accepted('b', 'other'), accepted('c', { y: 2, x: 1 }), failed('d')]

  it('takes the output that enough agree on, whatever the order of its keys', () => {
    expect(aggregate('VOTE', three, 2)).toEqual({ output: { x: 1, y: 2 }, summary: '2 of 4 branches agree' })
    expect(enough('VOTE', 2, three)).toBe(true)
  })

  it('is an error with the tally if there are not enough', () => {
    expect(aggregate('VOTE', three, 3)).toEqual({
      error: 'no output has the votes of 3 branches: 2 for that of a, c; 1 for that of b',
    })
    expect(enough('VOTE', 3, three)).toBe(false)
  })

  it('takes the output of most, and of equally many the one declared first', () => {
    const most = [accepted('a', 1), accepted('b', 2), accepted('c', 2)]
    expect(aggregate('VOTE', most, 1)).toMatchObject({ output: 2 })
    expect(aggregate('VOTE', most.slice(0, 2))).toMatchObject({ output: 1 })
  })

  it('counts only what was accepted', () => {
    const output = 'same'
    expect(enough('VOTE', 2, [accepted('a', output), failed('b', { output })])).toBe(false)
    expect(aggregate('VOTE', [failed('b', { output })], 1)).toEqual({
      error: 'no branch was accepted: b failed: it broke',
    })
  })

  it('takes no output for one that is null', () => {
    const { output: _, ...silent } = accepted('a', null)
    expect(aggregate('VOTE', [silent, accepted('b', null)], 2)).toEqual({
      output: null,
      summary: '2 of 2 branches agree',
    })
  })
})

describe('E83: FIRST', () => {
  it('takes what was accepted first, and of two at once what was declared first', () => {
    const all = [
      accepted('a', 'late', { endedAt: 9 }),
      failed('b', { endedAt: 1 }),
      accepted('c', 'c'),
      accepted('d', 'd'),
    ]
    expect(aggregate('FIRST', all)).toEqual({ output: 'c', summary: '"c" was accepted first' })
    expect(enough('FIRST', 1, all)).toBe(true)
  })

  it('takes what has no end for the last', () => {
    const { endedAt: _, output: __, ...open } = accepted('a', 'a')
    expect(aggregate('FIRST', [open, accepted('b', 'b', { endedAt: 99 })])).toMatchObject({ output: 'b' })
    expect(aggregate('FIRST', [open])).toEqual({ output: null, summary: '"a" was accepted first' })
  })

  it('is an error that names what became of every branch', () => {
    const all = [failed('a'), skipped('b', { culprit: { key: 'x', error } }), skipped('c', { status: 'CANCELED' })]
    expect(enough('FIRST', 1, all)).toBe(false)
    expect(aggregate('FIRST', all)).toEqual({
      error: 'no branch was accepted: a failed: it broke; b skipped because of x; c canceled',
    })
  })
})

describe('E85: ITEMS', () => {
  it('puts outputs into the order of their items, and says what became of the missing ones', () => {
    const all = [
      accepted('c', 'two', { item: 2 }),
      accepted('a', 'none', { item: 0 }),
      skipped('b', { item: 1, culprit: { key: 'b-before', error } }),
      failed('d', { item: 3 }),
      skipped('e', { item: 4 }),
      skipped('f', { item: 5, error, culprit: { key: 'f-before' } }),
    ]
    expect(aggregate('ITEMS', all)).toEqual({
      output: {
        items: ['none', null, 'two', null, null, null],
        deadLetters: [
          { item: 2, stage: 'b-before', error },
          { item: 4, stage: 'd', error },
          { item: 5, stage: 'e', error: null },
          { item: 6, stage: 'f-before', error: null },
        ],
      },
      summary: '2 of 6 items came through',
    })
  })

  it('takes the place of a branch for its item if it has none', () => {
    expect(aggregate('ITEMS', [accepted('a', 'a'), failed('b')])).toMatchObject({
      output: { items: ['a', null], deadLetters: [{ item: 2 }] },
    })
    expect(aggregate('ITEMS', [])).toMatchObject({ output: { items: [], deadLetters: [] } })
  })

  it('leaves out what is too large', () => {
    const all = [accepted('a', large(MAX_GATHERED), { item: 1 }), accepted('b', 'small', { item: 0 })]
    expect(aggregate('ITEMS', all)).toMatchObject({
      output: { items: ['small', { omitted: true, executionId: 'id-a' }] },
    })
  })
})

describe('aggregators', () => {
  const anyBranch = fc.record({
    status: fc.constantFrom('ACCEPTED' as const, 'FAILED' as const, 'SKIPPED' as const),
    output: fc.constantFrom<Json>({ a: 1 }, { b: 2 }, { a: 2 }, 'x'),
    endedAt: fc.integer({ min: 1, max: 3 }),
  })

  it('that need no more branches say the same once all have settled (VOTE by number, FIRST at all)', () => {
    fc.assert(
      fc.property(fc.array(anyBranch, { maxLength: 6 }), fc.integer({ min: 1, max: 4 }), (drawn, votes) => {
        const all = drawn.map((one, at): Branch => ({ ...one, id: `${at}`, key: `k${at}` }))
        for (const kind of ['FIRST', 'VOTE'] as const) {
          expect('output' in aggregate(kind, all, votes)).toBe(enough(kind, votes, all))
        }
      }),
    )
  })
})
