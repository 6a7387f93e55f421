import { describe, expect, it } from 'vitest'
import { planOf } from '../sessions.ts'

describe('PARALLEL', () => {
  it('starts every branch at once and lets them share nothing', () => {
    const { nodes } = planOf('PARALLEL', ['a', 'b'])
    expect(nodes.map(({ key, after, needs }) => ({ key, after, needs }))).toEqual([
      { key: 'a', after: [], needs: [] },
      { key: 'b', after: [], needs: [] },
    ])
  })

  it('is one group that goes on when a branch fails, as many at once as it was told', () => {
    const { groups } = planOf('PARALLEL', ['a', 'b'], { concurrency: 7 })
    expect(groups).toEqual([{ key: 'branches', pattern: 'PARALLEL', onFailure: 'CONTINUE', concurrency: 7 }])
  })
})
