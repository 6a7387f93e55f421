import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  confidenceOf,
  type Found,
  freshnessOf,
  HALF_LIFE_DAYS,
  KNOWLEDGE_KINDS,
  KNOWLEDGE_REVIEWS,
  MAX_SEARCH_TERMS,
  MAX_SOURCES,
  rank,
  retold,
  reviewed,
  sameness,
  searchTerms,
  sourceKey,
  staleAt,
  type Standing,
  termsOf,
} from '../../src/core/knowledge.ts'
import './seed.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 0, 1)

const standing = (more: Partial<Standing> = {}): Standing => ({
  kind: 'TIP',
  review: 'PROPOSED',
  superseded: false,
  said: [0.5],
  confirmedAt: NOW,
  ...more,
})

const sure = fc.double({ min: 0, max: 1, noNaN: true })
const standings = fc.record({
  kind: fc.constantFrom(...KNOWLEDGE_KINDS),
  review: fc.constantFrom(...KNOWLEDGE_REVIEWS),
  superseded: fc.boolean(),
  said: fc.array(sure, { minLength: 1, maxLength: MAX_SOURCES }),
  confirmedAt: fc.integer({ min: NOW - 1_000 * DAY, max: NOW + DAY }),
  expiresAt: fc.option(fc.integer({ min: NOW - 1_000 * DAY, max: NOW + 1_000 * DAY }), { nil: undefined }),
})

describe('the same', () => {
  it('K1: is a text whatever its white space, its Unicode form and the full stop at its end are', () => {
    const text = 'Run the café tests\nwith --bail'
    for (const other of [` ${text} `, `${text}.`, text.replace('\n', '  '), text.normalize('NFD')]) {
      expect(sameness(other)).toBe(sameness(text))
    }
  })

  it('K1: is no text that differs in case, punctuation or words', () => {
    const texts = [
      'git branch -d x',
      'git branch -D x',
      'git branch d x',
      'git branch -d y',
      'retries > 0',
      'retries < 0',
    ]
    expect(new Set(texts.map(sameness)).size).toBe(texts.length)
  })

  it('K2: is a source with the same name, reference, session, execution and agent', () => {
    const source = { by: 'ada', reference: 'x', sessionId: 's', executionId: 'e', agentId: 'a' }
    expect(sourceKey({ ...source })).toBe(sourceKey(source))
    for (const name of ['by', 'reference', 'sessionId', 'executionId', 'agentId']) {
      expect(sourceKey({ ...source, [name]: 'other' })).not.toBe(sourceKey(source))
    }
    expect(sourceKey({ by: 'ada', reference: undefined })).toBe(sourceKey({ by: 'ada' }))
  })
})

describe('confidence', () => {
  it.each([
    ['PROPOSED', [0.5], 0.6],
    ['PROPOSED', [0], 0.5],
    ['PROPOSED', [1], 2 / 3],
    ['PROPOSED', [0.5, 0.5], 2 / 3],
    ['PROPOSED', [1, 1, 1], 0.8],
    ['APPROVED', [0.5], 9.5 / 10.5],
    ['REJECTED', [1, 1, 1], 0],
  ] as const)('K4: of what is %s and said with %j is %f', (review, said, expected) => {
    expect(confidenceOf({ review, said })).toBeCloseTo(expected, 12)
  })

  it('K4: lies between 0 and 1, grows with every source, and does not depend on their order', () => {
    fc.assert(
      fc.property(standings, sure, ({ review, said }, more) => {
        const before = confidenceOf({ review, said })
        const after = confidenceOf({ review, said: [...said, more] })
        expect(before).toBeGreaterThanOrEqual(0)
        expect(after).toBeLessThan(1)
        expect(after).toBeGreaterThanOrEqual(before)
        expect(confidenceOf({ review, said: said.toReversed() })).toBeCloseTo(before, 9)
        expect(confidenceOf({ review: 'APPROVED', said })).toBeGreaterThan(confidenceOf({ review: 'PROPOSED', said }))
      }),
    )
  })
})

describe('freshness', () => {
  it.each(KNOWLEDGE_KINDS)(
    'K5: of what is a %s halves with each half-life, and half as fast once it is approved',
    (kind) => {
      const life = HALF_LIFE_DAYS[kind] * DAY
      const proposed = standing({ kind })
      expect([0, life, 2 * life].map((age) => freshnessOf(proposed, NOW + age))).toEqual([1, 0.5, 0.25])
      expect(freshnessOf(standing({ kind, review: 'APPROVED' }), NOW + 2 * life)).toBe(0.5)
    },
  )

  it('K5: is all there before its time, and gone once it has expired', () => {
    expect(freshnessOf(standing(), NOW - DAY)).toBe(1)
    const expiring = standing({ expiresAt: NOW + DAY })
    expect(freshnessOf(expiring, NOW + DAY - 1)).toBeGreaterThan(0.9)
    expect(freshnessOf(expiring, NOW + DAY)).toBe(0)
  })

  it('K6: makes stale what is left a quarter of or has expired, and nothing else', () => {
    expect(staleAt(standing())).toBe(NOW + 360 * DAY)
    expect(staleAt(standing({ expiresAt: NOW + DAY }))).toBe(NOW + DAY)
    fc.assert(
      fc.property(standings, fc.integer({ min: NOW - 500 * DAY, max: NOW + 2_000 * DAY }), (one, now) => {
        expect(now >= staleAt(one)).toBe(freshnessOf(one, now) <= 0.25)
        expect(freshnessOf(one, now + DAY)).toBeLessThanOrEqual(freshnessOf(one, now))
      }),
    )
  })
})

describe('what is said again', () => {
  it('K2, K3: raises its confidence by a source that has not said it, and is fresh again by any', () => {
    const old = standing({ confirmedAt: NOW - DAY })
    expect(retold(old, { confidence: 1, isNew: true }, NOW)).toEqual({ ...old, said: [0.5, 1], confirmedAt: NOW })
    expect(retold(old, { confidence: 1, isNew: false }, NOW)).toEqual({ ...old, confirmedAt: NOW })
    // The clock of another server may be ahead.
    expect(retold(old, { confidence: 1, isNew: false }, NOW - 2 * DAY)).toEqual(old)
  })

  it('K3: has so many sources and no more', () => {
    const full = standing({ said: Array.from({ length: MAX_SOURCES }, () => 1) })
    expect(retold(full, { confidence: 1, isNew: true }, NOW + DAY)).toEqual({ ...full, confirmedAt: NOW + DAY })
  })

  it('K7: stays rejected, and stays replaced', () => {
    expect(retold(standing({ review: 'REJECTED' }), { confidence: 1, isNew: true }, NOW)).toBeUndefined()
    expect(retold(standing({ superseded: true }), { confidence: 1, isNew: true }, NOW)).toBeUndefined()
  })
})

describe('what a person has looked at', () => {
  it('K8: is fresh again if they approve, and as old as before if they reject', () => {
    const old = standing({ confirmedAt: NOW - DAY })
    expect(reviewed(old, 'APPROVED', NOW)).toEqual({ ...old, review: 'APPROVED', confirmedAt: NOW })
    expect(reviewed(old, 'REJECTED', NOW)).toEqual({ ...old, review: 'REJECTED' })
    expect(reviewed(standing({ review: 'REJECTED' }), 'APPROVED', NOW)).toMatchObject({ review: 'APPROVED' })
  })
})

describe('a search', () => {
  const found = (id: string, title: string, text: string, more: Partial<Found> = {}): Found => ({
    id,
    kind: 'TIP',
    review: 'PROPOSED',
    terms: termsOf({ title, text, tags: [] }),
    confidence: 0.6,
    confirmedAt: NOW,
    ...more,
  })
  const ids = (search: string, ...all: Found[]): string[] => rank(searchTerms(search), all, NOW).map(({ id }) => id)

  it('K9: goes by the stems of words, those of title and tags twice', () => {
    expect(termsOf({ title: 'Running tests', text: 'The tests run.', tags: ['ci'] })).toEqual([
      'run',
      'test',
      'ci',
      'run',
      'test',
      'ci',
      'test',
      'run',
    ])
    expect(searchTerms('How do I run the tests that are running?')).toEqual(['run', 'test'])
    expect(searchTerms('of the and')).toEqual([])
    const many = Array.from({ length: 50 }, (_, index) => `w${index}`).join(' ')
    expect(searchTerms(many)).toHaveLength(MAX_SEARCH_TERMS)
  })

  it('K10: leaves out what shares no word with it', () => {
    expect(ids('deploy', found('a', 'Deploying', 'Push a tag.'), found('b', 'Tests', 'Run them.'))).toEqual(['a'])
    expect(ids('', found('a', 'Deploying', 'Push a tag.'))).toEqual([])
    expect(ids('deploy')).toEqual([])
  })

  it('K10: puts first what says more of it, then what is believed more, then what is fresher, then the newest', () => {
    const plain = found('a', 'Cache', 'Clear the cache before the build of the release.')
    expect(ids('cache', found('b', 'Build', 'A build may need the cache cleared.'), plain)).toEqual(['a', 'b'])
    expect(ids('cache', plain, { ...plain, id: 'b', confidence: 0.9 })).toEqual(['b', 'a'])
    expect(ids('cache', { ...plain, id: 'c', confirmedAt: NOW - 400 * DAY }, plain)).toEqual(['a', 'c'])
    expect(ids('cache', plain, { ...plain, id: 'b' })).toEqual(['b', 'a'])
  })

  it('K10: counts half what nobody vouches for, and never less', () => {
    const [best, worst] = rank(['cach'], [
      found('a', 'Cache', '', { confidence: 1 }),
      found('b', 'Cache', '', { confidence: 1, expiresAt: NOW }),
    ], NOW) // prettier-ignore
    expect([best?.id, worst?.id]).toEqual(['a', 'b'])
    expect((worst?.score ?? 0) / (best?.score ?? 1)).toBeCloseTo(0.5, 12)
  })

  it('K10: orders in the same way whatever order it was found in, and never puts one lower for being believed more', () => {
    const words = fc.constantFrom('cache', 'build', 'deploy', 'test', 'release')
    const some = fc.uniqueArray(
      fc.record({
        id: fc.uuid(),
        title: words,
        text: fc.array(words, { maxLength: 8 }).map((list) => list.join(' ')),
        confidence: sure,
        age: fc.integer({ min: 0, max: 1_000 }),
      }),
      { selector: ({ id }) => id, maxLength: 12 },
    )
    fc.assert(
      fc.property(some, words, fc.nat(), (list, search, nth) => {
        const all = list.map(({ id, title, text, confidence, age }) =>
          found(id, title, text, { confidence, confirmedAt: NOW - age * DAY }),
        )
        const order = ids(search, ...all)
        expect(ids(search, ...all.toReversed())).toEqual(order)
        const one = order[nth % order.length]
        const raised = all.map((each) => (each.id === one ? { ...each, confidence: 1, confirmedAt: NOW } : each))
        const after = ids(search, ...raised)
        expect(after.indexOf(one ?? '')).toBeLessThanOrEqual(order.indexOf(one ?? ''))
        expect(after.filter((id) => id !== one)).toEqual(order.filter((id) => id !== one))
      }),
    )
  })
})
