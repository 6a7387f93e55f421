import { describe, expect, it } from 'vitest'
import { planOf } from '../sessions.ts'

describe('PIPELINE', () => {
  it('hands each stage the output of the stage before and nothing else', () => {
    const { nodes } = planOf('PIPELINE', ['a', 'b', 'c'])
    expect(nodes.map(({ key, after, needs }) => ({ key, after, needs }))).toEqual([
      { key: 'a', after: [], needs: [] },
      { key: 'b', after: ['a'], needs: ['a'] },
      { key: 'c', after: ['b'], needs: ['b'] },
    ])
  })

  it('is one group that fails fast, one stage at a time', () => {
    const { groups } = planOf('PIPELINE', ['a', 'b'], { concurrency: 7 })
    expect(groups).toEqual([{ key: 'stages', pattern: 'PIPELINE', onFailure: 'FAIL_FAST', concurrency: 1 }])
  })
})
