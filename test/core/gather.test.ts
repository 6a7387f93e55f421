import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gather, MAX_GATHERED } from '../../src/core/gather.ts'
import './seed.ts'

const text = (characters: number): string => 'x'.repeat(characters - 2)

describe('outputs that are gathered', () => {
  it('stand side by side as they are; what put out nothing has null', () => {
    expect(gather([{ id: 'a', output: { n: 1 } }, { id: 'b' }])).toEqual([{ n: 1 }, null])
    expect(gather([])).toEqual([])
  })

  it('may take all there is, whoever takes it', () => {
    const large = text(MAX_GATHERED - 3)
    expect(
      gather([
        { id: 'a', output: large },
        { id: 'b', output: 'b' },
      ]),
    ).toEqual([large, 'b'])
  })

  it('are left out if they take more than their share of what is too much in all, and say where they stand', () => {
    const omitted = { omitted: true, executionId: 'a', characters: MAX_GATHERED - 2 }
    expect(
      gather([
        { id: 'a', output: text(MAX_GATHERED - 2) },
        { id: 'b', output: 'b' },
      ]),
    ).toEqual([omitted, 'b'])
  })

  it('never take much more than the limit', () => {
    const sizes = fc.array(fc.integer({ min: 2, max: MAX_GATHERED }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(sizes, (lengths) => {
        const gathered = gather(lengths.map((length, at) => ({ id: `${at}`, output: text(length) })))
        expect(JSON.stringify(gathered).length).toBeLessThan(MAX_GATHERED + 100 * lengths.length)
      }),
      { numRuns: 50 },
    )
  })
})
