import { describe, expect, it } from 'vitest'
import { part, planOf } from '../sessions.ts'

describe('SEQUENTIAL', () => {
  it('starts each part after the one before and hands it every earlier output', () => {
    const { nodes } = planOf('SEQUENTIAL', ['a', 'b', 'c'])
    expect(nodes.map(({ key, after, needs }) => ({ key, after, needs }))).toEqual([
      { key: 'a', after: [], needs: [] },
      { key: 'b', after: ['a'], needs: ['a'] },
      { key: 'c', after: ['b'], needs: ['a', 'b'] },
    ])
  })

  it('is a total order even where parts do not depend on each other', () => {
    const { nodes } = planOf('SEQUENTIAL', [part('z', { dependsOn: ['y'] }), part('x'), part('y')])
    expect(nodes.map(({ key, after }) => [key, ...after])).toEqual([['x'], ['y', 'x'], ['z', 'y']])
  })

  it('is one group that fails fast, one at a time', () => {
    const { groups, nodes } = planOf('SEQUENTIAL', ['a', 'b'], { concurrency: 7 })
    expect(groups).toEqual([{ key: 'sequence', pattern: 'SEQUENTIAL', onFailure: 'FAIL_FAST', concurrency: 1 }])
    expect(nodes.map(({ group }) => group)).toEqual(['sequence', 'sequence'])
  })
})
