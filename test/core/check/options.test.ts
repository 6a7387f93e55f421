import { describe, expect, it } from 'vitest'
import { checkOptions, MAX_ITEM_NODES, MAX_ITEMS, type PlanOptions } from '../../../src/core/check/options.ts'
import type { Json } from '../../../src/core/json.ts'
import type { Items } from '../../../src/core/patterns/compiler.ts'
import { AGGREGATES, FAILURE_POLICIES, type Manager, type Pattern, PATTERNS } from '../../../src/core/plan.ts'
import { part } from '../sessions.ts'

const PARTS = [part('a'), part('b'), part('c')]
const MANAGER: Manager = { maxRounds: 5, maxReplans: 1, maxStalls: 3, maxChildren: 20 }
const items = (change: Partial<Items> = {}): PlanOptions => {
  return { items: { list: [1], buffer: 1, onFailure: 'STOP', ...change } }
}

/** What is wrong with how three parts are to be planned. */
function wrongs(pattern: Pattern, options: object, parts = PARTS): [path: string, message: string][] {
  return checkOptions(parts, pattern, options).map(({ path, message }) => [path.join('.'), message])
}

describe('how a caller wants a task planned', () => {
  it.each(PATTERNS)('can be left open: %s', (pattern) => {
    expect(wrongs(pattern, {})).toEqual([])
  })

  it.each<[Pattern, PlanOptions]>([
    ...AGGREGATES.map((aggregate): [Pattern, PlanOptions] => ['PARALLEL', { aggregate }]),
    ...(['NONE', 'COLLECT', 'AGENT'] as const).map((aggregate): [Pattern, PlanOptions] => [
      'SEQUENTIAL',
      { aggregate },
    ]),
    ['PARALLEL', { aggregate: 'VOTE', votes: 1 }],
    ['PARALLEL', { aggregate: 'VOTE', votes: 3 }],
    ...PATTERNS.map((pattern): [Pattern, PlanOptions] => [pattern, { onFailure: 'QUORUM', quorum: 3 }]),
    ['PIPELINE', { onFailure: 'CONTINUE' }],
    ['PIPELINE', { ...items(), aggregate: 'NONE' }],
    ['PIPELINE', items({ buffer: 1_000, onFailure: 'DEAD_LETTER' })],
    ['HIERARCHICAL', { manager: MANAGER, aggregate: 'NONE' }],
    ['HIERARCHICAL', { manager: { ...MANAGER, agent: 'boss', maxRounds: 100, maxReplans: 0, maxStalls: 0 } }],
    ['HIERARCHICAL', { manager: MANAGER, onFailure: 'QUORUM', quorum: 20 }],
  ])('fits the pattern %s: %j', (pattern, options) => {
    expect(wrongs(pattern, options)).toEqual([])
  })

  it('says its problems below the place that it stands at', () => {
    const at = (...rest: string[]): string[] => ['session', ...rest]
    expect(checkOptions(PARTS, 'PARALLEL', { aggregate: 'VOTE', votes: 0 }, at)[0]?.path).toEqual(['session', 'votes'])
  })
})

describe('E44: an aggregate', () => {
  it('exists', () => {
    const message = `aggregate is "MEAN": it must be one of ${AGGREGATES.join(', ')}`
    expect(wrongs('PARALLEL', { aggregate: 'MEAN' })).toEqual([['aggregate', message]])
  })

  it.each(['REDUCE', 'VOTE', 'FIRST'] as const)('%s brings branches together, so it needs PARALLEL', (aggregate) => {
    for (const pattern of ['SEQUENTIAL', 'PIPELINE', 'HIERARCHICAL'] as const) {
      const message = `${aggregate} brings the branches of PARALLEL together, but the pattern is ${pattern}`
      expect(wrongs(pattern, { aggregate })).toEqual([['aggregate', message]])
    }
  })

  it('gives way to items and to a manager', () => {
    expect(wrongs('PIPELINE', { ...items(), aggregate: 'COLLECT' })).toEqual([
      ['aggregate', 'items are put back into their order: aggregate must be NONE, not COLLECT'],
    ])
    expect(wrongs('HIERARCHICAL', { manager: MANAGER, aggregate: 'AGENT' })).toEqual([
      ['aggregate', 'the manager brings the results together: aggregate must be NONE, not AGENT'],
    ])
  })

  it.each([0, 4, 1.5, Number.NaN])('VOTE can be won: not with %d votes of three branches', (votes) => {
    const given = JSON.stringify(votes)
    const message = `votes is ${given}: it must be a whole number from 1 to 3, the number of branches`
    expect(wrongs('PARALLEL', { aggregate: 'VOTE', votes })).toEqual([['votes', message]])
  })

  it('counts votes only when it is VOTE', () => {
    const problem = ['votes', 'votes are counted by the aggregate VOTE alone']
    expect(wrongs('PARALLEL', { aggregate: 'FIRST', votes: 2 })).toEqual([problem])
    expect(wrongs('PARALLEL', { votes: 2 })).toEqual([problem])
  })
})

describe('E44: a failure policy', () => {
  it('exists', () => {
    const message = `onFailure is "PANIC": it must be one of ${FAILURE_POLICIES.join(', ')}`
    expect(wrongs('PARALLEL', { onFailure: 'PANIC' })).toEqual([['onFailure', message]])
  })

  it('QUORUM needs a quorum, and a quorum needs QUORUM', () => {
    expect(wrongs('PARALLEL', { onFailure: 'QUORUM' })).toEqual([
      ['quorum', 'QUORUM needs quorum: how many have to be accepted'],
    ])
    const problem = ['quorum', 'quorum needs onFailure to be QUORUM']
    expect(wrongs('PARALLEL', { quorum: 1 })).toEqual([problem])
    expect(wrongs('PARALLEL', { onFailure: 'CONTINUE', quorum: 1 })).toEqual([problem])
  })

  it.each([0, 4])('QUORUM can be reached: not %d of three', (quorum) => {
    const message = `quorum is ${quorum}: it must be a whole number from 1 to 3, the number of parts`
    expect(wrongs('SEQUENTIAL', { onFailure: 'QUORUM', quorum })).toEqual([['quorum', message]])
  })

  it('is said of items by the items themselves', () => {
    expect(wrongs('PIPELINE', { ...items(), onFailure: 'CONTINUE' })).toEqual([
      ['onFailure', 'what a failed item does is said by items.onFailure: leave onFailure out'],
    ])
  })
})

describe('E44: items', () => {
  const list = (length: number): Json[] => Array.from({ length }, (_, at) => at)

  it.each(['SEQUENTIAL', 'PARALLEL', 'HIERARCHICAL'] as const)('go through stages, which %s has none of', (pattern) => {
    expect(wrongs(pattern, items())).toEqual([['items', `items go through the stages of PIPELINE, not of ${pattern}`]])
  })

  it(`are 1 to ${MAX_ITEMS}, of at most ${MAX_ITEM_NODES} executions in all`, () => {
    expect([MAX_ITEMS, MAX_ITEM_NODES]).toEqual([1_000, 2_000])
    expect(wrongs('PIPELINE', items({ list: list(1_000) }), PARTS.slice(1))).toEqual([])
    expect(wrongs('PIPELINE', items({ list: [] }))).toEqual([['items.list', '0 items: from 1 to 1000 are possible']])
    expect(wrongs('PIPELINE', items({ list: list(1_001) }))).toEqual([
      ['items.list', '1001 items: from 1 to 1000 are possible'],
    ])
    expect(wrongs('PIPELINE', items({ list: list(667) }))).toEqual([
      ['items.list', '667 items in 3 stages are 2001 executions: at most 2000 are possible'],
    ])
  })

  it('go no deeper than what can be stored with their executions', () => {
    const nested = (levels: number): Json => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as Json
    expect(wrongs('PIPELINE', items({ list: [nested(99)] }))).toEqual([])
    expect(wrongs('PIPELINE', items({ list: [1, nested(100)] }))).toEqual([
      ['items.list.1', 'the item is nested deeper than 99 levels: write it flatter'],
    ])
  })

  it.each([0, 1_001, 0.5])('have a buffer that can be kept: not %d', (buffer) => {
    const message = `items.buffer is ${buffer}: it must be a whole number from 1 to 1000`
    expect(wrongs('PIPELINE', items({ buffer }))).toEqual([['items.buffer', message]])
  })

  it('stop everything or are left out when they fail', () => {
    const message = 'items.onFailure is "RETRY": it must be one of STOP, DEAD_LETTER'
    expect(wrongs('PIPELINE', items({ onFailure: 'RETRY' as 'STOP' }))).toEqual([['items.onFailure', message]])
  })

  it('can go through no stage that would begin without them', () => {
    const parts = [part('a'), part('b', { dependsOn: ['a'], evenIfSkipped: true })]
    const message = '"b" has no item to work on once the stage before was skipped: evenIfSkipped is not possible'
    expect(wrongs('PIPELINE', items(), parts)).toEqual([['items', message]])
  })
})

describe('E44: a manager', () => {
  it.each(['SEQUENTIAL', 'PARALLEL', 'PIPELINE'] as const)('delegates, which %s does not', (pattern) => {
    const message = `a manager delegates in HIERARCHICAL, not in ${pattern}`
    expect(wrongs(pattern, { manager: MANAGER })).toEqual([['manager', message]])
  })

  it.each([
    ['maxRounds', 0, 1, 100],
    ['maxRounds', 101, 1, 100],
    ['maxReplans', -1, 0, 20],
    ['maxReplans', 21, 0, 20],
    ['maxStalls', -1, 0, 20],
    ['maxStalls', 21, 0, 20],
    ['maxChildren', 0, 1, 20],
    ['maxChildren', 21, 1, 20],
    ['maxChildren', undefined, 1, 20],
  ])('has limits: %s cannot be %s', (name, value, from, to) => {
    const message = `manager.${name} is ${value}: it must be a whole number from ${from} to ${to}`
    expect(wrongs('HIERARCHICAL', { manager: { ...MANAGER, [name]: value } })).toEqual([[`manager.${name}`, message]])
  })

  it('has a name, if it is a certain one', () => {
    expect(wrongs('HIERARCHICAL', { manager: { ...MANAGER, agent: '' } })).toEqual([
      ['manager.agent', "the name of the manager's agent must say something"],
    ])
  })
})
