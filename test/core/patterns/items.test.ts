import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topological } from '../../../src/core/graph.ts'
import type { Json } from '../../../src/core/json.ts'
import type { Items } from '../../../src/core/patterns/compiler.ts'
import type { Plan } from '../../../src/core/plan.ts'
import '../seed.ts'
import { part, planOf } from '../sessions.ts'

const items = (list: Json[], change: Partial<Items> = {}): { items: Items } => {
  return { items: { list, buffer: 1, onFailure: 'STOP', ...change } }
}

describe('PIPELINE with items', () => {
  it('has a node for each stage and item, which is handed the item and what the stage before made of it', () => {
    const { nodes } = planOf('PIPELINE', [part('read', { input: { deep: true } }), 'write'], items(['x', null]))
    expect(nodes.map(({ key, item, input, after, needs, join }) => ({ key, item, input, after, needs, join }))).toEqual(
      [
        { key: 'read-1', item: 0, input: { item: 'x', index: 0, input: { deep: true } }, after: [], join: 'ACCEPTED' },
        { key: 'write-1', item: 0, input: { item: 'x', index: 0 }, after: ['read-1'], join: 'ACCEPTED' },
        { key: 'read-2', item: 1, input: { item: null, index: 1, input: { deep: true } }, after: [], join: 'ACCEPTED' },
        { key: 'write-2', item: 1, input: { item: null, index: 1 }, after: ['read-2'], join: 'ACCEPTED' },
        { key: 'items', after: ['write-1', 'write-2'], join: 'SETTLED' },
      ].map((node) => ({ item: undefined, input: undefined, needs: node.after, ...node })),
    )
  })

  it('does one item at a time in each stage, so that stages overlap on different items', () => {
    const { groups, nodes } = planOf('PIPELINE', ['a', 'b'], { ...items([1, 2]), concurrency: 7 })
    expect(groups).toEqual([
      { key: 'stages', pattern: 'PIPELINE', onFailure: 'FAIL_FAST', concurrency: 7 },
      { key: 'stage-1', parent: 'stages', pattern: 'SEQUENTIAL', onFailure: 'CONTINUE', concurrency: 1 },
      { key: 'stage-2', parent: 'stages', pattern: 'SEQUENTIAL', onFailure: 'CONTINUE', concurrency: 1 },
      { key: 'closing', pattern: 'SEQUENTIAL', onFailure: 'CONTINUE', concurrency: 1 },
    ])
    expect(nodes.map(({ key, group }) => [key, group])).toEqual([
      ['a-1', 'stage-1'],
      ['b-1', 'stage-2'],
      ['a-2', 'stage-1'],
      ['b-2', 'stage-2'],
      ['items', 'closing'],
    ])
  })

  it('stands behind the next stage by as many items as the buffer holds, and the one that it works on', () => {
    const { nodes } = planOf('PIPELINE', ['a', 'b', 'c'], items([1, 2, 3, 4], { buffer: 2 }))
    const edges = (kind: 'behind' | 'onceBegun') => nodes.flatMap((node) => node[kind]?.map((key) => [node.key, key]))
    expect(edges('onceBegun').filter(Boolean)).toEqual([
      ['a-3', 'b-1'],
      ['b-3', 'c-1'],
      ['a-4', 'b-2'],
      ['b-4', 'c-2'],
    ])
    expect(edges('behind').filter(Boolean)).toEqual([
      ['a-4', 'b-1'],
      ['b-4', 'c-1'],
    ])
  })

  it('STOP: the first failure stops everything', () => {
    const { groups, nodes } = planOf('PIPELINE', ['a'], items([1]))
    expect(groups[0]?.onFailure).toBe('FAIL_FAST')
    expect(nodes.map(({ optional }) => optional)).toEqual([false, false])
  })

  it('DEAD_LETTER: no item is required, and none stops another', () => {
    const { groups, nodes } = planOf('PIPELINE', ['a', 'b'], items([1], { onFailure: 'DEAD_LETTER' }))
    expect(groups[0]?.onFailure).toBe('CONTINUE')
    expect(nodes.map(({ key, optional }) => [key, optional])).toEqual([
      ['a-1', true],
      ['b-1', true],
      ['items', false],
    ])
  })

  it('is closed by the coordinator, which puts the items back into their order', () => {
    const { nodes, outputs } = planOf('PIPELINE', ['b', part('a', { dependsOn: ['b'] })], items([1, 2, 3]))
    const closing = nodes.at(-1)
    expect(closing).toMatchObject({ key: 'items', kind: 'ITEMS', title: 'Put the items in order', capabilities: [] })
    expect(closing).toMatchObject({ needs: ['a-1', 'a-2', 'a-3'], group: 'closing' })
    expect(outputs).toEqual(['items'])
  })

  it('takes keys that nobody else has, of at most 64 characters', () => {
    const long = 'x'.repeat(64)
    const taken = [long, `${'x'.repeat(63)}y`, 'x'.repeat(62), `${'x'.repeat(60)}-2`, 'a', 'a-1']
    const { nodes } = planOf('PIPELINE', taken, items([1, 2]))
    expect(nodes.slice(0, 6).map(({ key }) => key)).toEqual([
      `${'x'.repeat(60)}-1-1`,
      `${'x'.repeat(60)}-3-1`,
      `${'x'.repeat(62)}-1`,
      `${'x'.repeat(60)}-2-1`,
      'a-1',
      'a-1-1',
    ])
    expect(new Set(nodes.map(({ key }) => key)).size).toBe(nodes.length)
  })

  it('never lets more items stand finished between two stages than the buffer holds, whatever fails', () => {
    fc.assert(
      fc.property(
        fc.record({
          stages: fc.integer({ min: 1, max: 4 }),
          count: fc.integer({ min: 1, max: 9 }),
          buffer: fc.integer({ min: 1, max: 4 }),
          picks: fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
          failures: fc.array(fc.nat({ max: 35 }), { maxLength: 6 }),
        }),
        ({ stages, count, buffer, picks, failures }) => {
          const names = Array.from({ length: stages }, (_, at) => `s${at}`)
          const list = Array.from({ length: count }, (_, at) => at)
          const plan = planOf('PIPELINE', names, items(list, { buffer, onFailure: 'DEAD_LETTER' }))
          const vertices = plan.nodes.map(({ key, after, behind = [], onceBegun = [] }) => {
            return { key, after: [...after, ...behind, ...onceBegun] }
          })
          expect(topological(vertices)).toEqual(vertices)
          let [fullest, most] = [0, 0]
          const settled = simulate(plan, picks, new Set(failures), (begun, done) => {
            for (let stage = 0; stage < stages - 1; stage++) {
              const finished = list.filter((at) => done.get(`s${stage}-${at + 1}`) === 'ACCEPTED')
              const open = finished.filter((at) => !done.has(`s${stage + 1}-${at + 1}`))
              const standing = open.filter((at) => !begun.has(`s${stage + 1}-${at + 1}`))
              fullest = Math.max(fullest, standing.length)
              most = Math.max(most, open.length)
            }
          })
          expect(settled.size).toBe(plan.nodes.length)
          expect(fullest).toBeLessThanOrEqual(buffer)
          expect(most).toBeLessThanOrEqual(buffer + 1)
        },
      ),
    )
  })
})

type End = 'ACCEPTED' | 'FAILED' | 'SKIPPED'

/**
 * Carries a plan out in a random order. Nothing begins, and nothing is skipped, before what it stands behind has settled
 * and what it waits for to begin has begun.
 *
 * @param failing places of the nodes that fail
 */
function simulate(
  { nodes }: Plan,
  picks: readonly number[],
  failing: ReadonlySet<number>,
  look: (begun: ReadonlySet<string>, done: ReadonlyMap<string, End>) => void,
): Map<string, End> {
  const done = new Map<string, End>()
  const begun = new Set<string>()
  for (let turn = 0; done.size < nodes.length; turn++) {
    const can = nodes.filter(({ key, after, behind = [], onceBegun = [] }) => {
      const isFree = onceBegun.every((before) => begun.has(before) || done.has(before))
      return !done.has(key) && isFree && [...after, ...behind].every((before) => done.has(before))
    })
    const skipped = can.filter(({ after, join }) => {
      return join === 'ACCEPTED' && after.some((before) => done.get(before) !== 'ACCEPTED')
    })
    for (const { key } of skipped) done.set(key, 'SKIPPED')
    const ready = can.filter((node) => !skipped.includes(node))
    const chosen = ready[(picks[turn % picks.length] as number) % Math.max(1, ready.length)]
    if (chosen && begun.has(chosen.key))
      done.set(chosen.key, failing.has(nodes.indexOf(chosen)) ? 'FAILED' : 'ACCEPTED')
    else if (chosen) begun.add(chosen.key)
    look(begun, done)
  }
  return done
}
