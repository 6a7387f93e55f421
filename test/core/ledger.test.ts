import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topological } from '../../src/core/graph.ts'
import { close, grow, judgeRound } from '../../src/core/ledger.ts'
import type { LedgerEntry } from '../../src/core/ledger/entry.ts'
import type { Manager, Plan } from '../../src/core/plan.ts'
import type { Ledger } from '../../src/core/state.ts'
import './seed.ts'
import { deepFreeze, part, planOf } from './sessions.ts'

const entryOf = (more: Partial<LedgerEntry> = {}): LedgerEntry => {
  return { satisfied: false, looping: false, progressing: true, next: [], instruction: 'On', reasons: [], ...more }
}

describe('what follows from a round', () => {
  const manager: Manager = { maxRounds: 10, maxReplans: 1, maxStalls: 3, maxChildren: 20 }
  const at = (round: number, stalls = 0, replans = 0): Ledger => ({ round, stalls, replans, satisfied: false })
  const good = {}
  const looping = { looping: true }
  const idle = { progressing: false }

  it.each<[before: Ledger, entry: Partial<LedgerEntry>, course: string, after: Ledger]>([
    [at(0), good, 'GO_ON', at(1)],
    [at(4, 2), good, 'GO_ON', at(5, 1)],
    [at(4), looping, 'GO_ON', at(5, 1)],
    [at(4), idle, 'GO_ON', at(5, 1)],
    [at(4), { ...looping, ...idle }, 'GO_ON', at(5, 1)],
    [at(4, 2), looping, 'GO_ON', at(5, 3)],
    [at(4, 3), looping, 'REPLAN', at(5, 0, 1)],
    [at(4, 3, 1), good, 'GO_ON', at(5, 2, 1)],
    [at(4, 2, 1), idle, 'GO_ON', at(5, 3, 1)],
    [
      at(4, 3, 1),
      idle,
      'LIMIT',
      { ...at(5, 4, 1), limit: 'the manager makes no progress after 1 replan, which is its limit' },
    ],
    [
      at(4, 3, 2),
      idle,
      'LIMIT',
      { ...at(5, 4, 2), limit: 'the manager makes no progress after 2 replans, which is its limit' },
    ],
    [at(8), good, 'GO_ON', at(9)],
    [at(9, 1), good, 'LIMIT', { ...at(10), limit: 'the manager is not satisfied after 10 rounds, which is its limit' }],
    [
      at(9, 3),
      idle,
      'LIMIT',
      { ...at(10, 4), limit: 'the manager is not satisfied after 10 rounds, which is its limit' },
    ],
    [at(9, 3, 1), { satisfied: true, ...idle }, 'DONE', { ...at(10, 3, 1), satisfied: true }],
    [at(0), { satisfied: true }, 'DONE', { ...at(1), satisfied: true }],
  ])('from %j with %j is %s', (before, entry, course, after) => {
    expect(judgeRound(deepFreeze(before), entryOf(entry), manager)).toEqual({ course, ledger: after })
  })

  it('is the end after the only round', () => {
    const { ledger } = judgeRound(at(0), entryOf(), { ...manager, maxRounds: 1 })
    expect(ledger.limit).toBe('the manager is not satisfied after 1 round, which is its limit')
  })

  it('is an end in any case, within the rounds and the replans', () => {
    const entries = fc.array(fc.record({ looping: fc.boolean(), progressing: fc.boolean() }), {
      minLength: 20,
      maxLength: 20,
    })
    const limits = fc.record({
      maxRounds: fc.integer({ min: 1, max: 15 }),
      maxReplans: fc.nat(3),
      maxStalls: fc.nat(3),
      maxChildren: fc.constant(20),
    })
    fc.assert(
      fc.property(entries, limits, (rounds, drawn) => {
        let now = at(0)
        let ended = false
        for (const round of rounds) {
          const { ledger, course } = judgeRound(now, entryOf(round), drawn)
          expect(ledger.round).toBe(now.round + 1)
          expect(ledger.replans).toBeLessThanOrEqual(drawn.maxReplans)
          expect(ledger.limit !== undefined).toBe(course === 'LIMIT')
          expect(course === 'LIMIT' || ledger.stalls <= drawn.maxStalls).toBe(true)
          now = ledger
          ended = course === 'LIMIT'
          if (ended) break
        }
        expect(ended && now.round <= drawn.maxRounds).toBe(true)
      }),
    )
  })
})

describe('a plan that grows', () => {
  const manager: Manager = { maxRounds: 10, maxReplans: 1, maxStalls: 3, maxChildren: 20, agent: 'boss' }
  const begun = (): Plan =>
    deepFreeze(
      planOf('HIERARCHICAL', [part('hint')], {
        manager,
        concurrency: 4,
        timeouts: { queueMs: 1, attemptMs: 2, idleMs: 3 },
        retry: { maxAttempts: 7, initialMs: 1, factor: 2, maxMs: 3 },
      }),
    )
  const next = [
    part('a', { capabilities: ['run-tests'], input: { n: 1 } }),
    part('b', { dependsOn: ['a'], optional: false, agent: 'coder' }),
    part('c', { session: { pattern: 'PARALLEL', parts: [part('x')] } }),
  ]

  it('has what a round delegates, and the next round behind it', () => {
    const plan = begun()
    const [first] = plan.nodes
    const grown = grow(plan, 1, entryOf({ next, instruction: 'Look at b' }), false)
    const same = { group: 'round-1', join: 'ACCEPTED', timeouts: first?.timeouts, retry: first?.retry }
    expect(grown.nodes).toEqual([
      first,
      {
        ...same,
        key: 'a',
        kind: 'TASK',
        title: 'Do a',
        description: '',
        capabilities: ['run-tests'],
        input: { n: 1 },
        optional: true,
        after: [],
        needs: [],
      },
      {
        ...same,
        key: 'b',
        kind: 'TASK',
        title: 'Do b',
        description: '',
        capabilities: [],
        agent: 'coder',
        optional: false,
        after: ['a'],
        needs: ['a'],
      },
      {
        ...same,
        key: 'c',
        kind: 'SESSION',
        title: 'Do c',
        description: '',
        capabilities: [],
        optional: true,
        after: [],
        needs: [],
        session: next[2]?.session,
      },
      {
        ...first,
        key: 'manage-2',
        input: { round: 2, replan: false, instruction: 'Look at b' },
        after: ['a', 'b', 'c'],
        needs: ['a', 'b', 'c'],
        join: 'SETTLED',
      },
    ])
    expect(first).toMatchObject({ key: 'manage-1', kind: 'MANAGE', agent: 'boss', retry: { maxAttempts: 7 } })
    expect(grown.groups).toEqual([
      { key: 'manager', pattern: 'HIERARCHICAL', onFailure: 'CONTINUE', concurrency: 4 },
      { key: 'round-1', parent: 'manager', pattern: 'PARALLEL', onFailure: 'CONTINUE', concurrency: 4 },
    ])
    expect(grown.manager).toEqual(manager)
    expect(grown.outputs).toEqual([])
  })

  it('grows round by round and says when it begins anew', () => {
    const grown = grow(
      grow(begun(), 1, entryOf({ next }), false),
      2,
      entryOf({ next: [part('d', { dependsOn: ['a'] })] }),
      true,
    )
    expect(grown.nodes.map(({ key }) => key)).toEqual(['manage-1', 'a', 'b', 'c', 'manage-2', 'd', 'manage-3'])
    expect(grown.nodes.at(-1)).toMatchObject({
      input: { round: 3, replan: true, instruction: 'On' },
      after: ['d'],
      kind: 'MANAGE',
    })
    expect(grown.groups.map(({ key }) => key)).toEqual(['manager', 'round-1', 'round-2'])
  })

  it('gives way to the keys that a manager has chosen', () => {
    const grown = close(
      grow(begun(), 1, entryOf({ next: [part('manage-2'), part('manage-2-'), part('collect')] }), false),
    )
    expect(grown.nodes.map(({ key }) => key)).toEqual([
      'manage-1',
      'manage-2',
      'manage-2-',
      'collect',
      'manage-2--',
      'collect-',
    ])
  })

  it('closes with what brings all that was delegated together', () => {
    const grown = deepFreeze(grow(begun(), 1, entryOf({ next }), false))
    const closed = close(grown)
    expect(closed.nodes.slice(0, -1)).toEqual(grown.nodes)
    expect(closed.nodes.at(-1)).toMatchObject({
      key: 'collect',
      kind: 'COLLECT',
      after: ['a', 'b', 'c'],
      needs: ['a', 'b', 'c'],
      join: 'SETTLED',
      group: 'closing',
      optional: false,
      retry: { maxAttempts: 7 },
    })
    expect(closed.outputs).toEqual(['collect'])
    expect(closed.groups.map(({ key }) => key)).toEqual(['manager', 'round-1', 'closing'])
  })

  it('closes without anything if nothing was delegated', () => {
    expect(close(begun()).nodes.at(-1)).toMatchObject({ key: 'collect', after: [], needs: [] })
  })

  it('keeps its keys apart and goes round in no circle, whatever is delegated', () => {
    const names = fc.uniqueArray(
      fc.constantFrom('a', 'b', 'c', 'manage-2', 'manage-3', 'manage-3-', 'collect', 'round-1', '__proto__'),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 4 }), (rounds) => {
        let plan = begun()
        rounds.forEach((keys, at) => {
          const free = keys.filter((key) => !plan.nodes.some((node) => node.key === key))
          plan = grow(plan, at + 1, entryOf({ next: free.map((key) => part(key)) }), false)
        })
        const closed = close(plan)
        const keys = closed.nodes.map(({ key }) => key)
        expect(new Set(keys).size).toBe(keys.length)
        const groups = closed.groups.map(({ key }) => key)
        expect(new Set(groups).size).toBe(groups.length)
        expect(closed.nodes.every(({ group }) => groups.includes(group))).toBe(true)
        expect(topological(closed.nodes)?.length).toBe(closed.nodes.length)
      }),
    )
  })
})
