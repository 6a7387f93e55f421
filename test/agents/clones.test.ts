import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MIN_TOKENS, findClones } from '../../src/agents/analysis/clones.ts'
import type { TokenFile } from '../../src/agents/analysis/clones.ts'

/** A file with one token on each line. */
const fileOf = (file: string, values: readonly (string | number)[], group = 'TypeScript'): TokenFile => ({
  file,
  group,
  tokens: values.map((value, index) => ({ value: String(value), line: index + 1, endLine: index + 1 })),
})
const own = (name: string, length: number): string[] => Array.from({ length }, (_, index) => `${name}${index}`)

describe('clones', () => {
  it('are found between files and within one, as long as they are', () => {
    const shared = own('s', 80)
    const clones = findClones([
      fileOf('a', [...own('a', 10), ...shared, ...own('x', 5)]),
      fileOf('b', [...shared, ...own('b', 10), ...shared]),
    ])
    expect(clones).toEqual([
      { lines: 80, tokens: 80, a: { file: 'a', start: 11, end: 90 }, b: { file: 'b', start: 1, end: 80 } },
      { lines: 80, tokens: 80, a: { file: 'a', start: 11, end: 90 }, b: { file: 'b', start: 91, end: 170 } },
    ])
  })

  it('are not looked for across languages, and a table of equal rows does not overlap itself', () => {
    const shared = own('s', 80)
    expect(findClones([fileOf('a', shared), fileOf('b', shared, 'Python')])).toEqual([])
    const [clone] = findClones([fileOf('table', Array(200).fill('1'))])
    expect(clone!.a.end).toBeLessThan(clone!.b.start)
  })

  it('are always real, and an inserted one is always found', () => {
    const noise = fc.array(fc.nat(3), { maxLength: 120 })
    fc.assert(
      fc.property(
        noise,
        noise,
        noise,
        fc.array(fc.nat(3), { minLength: MIN_TOKENS, maxLength: 90 }),
        (before, between, after, shared) => {
          const files = [fileOf('a', [...before, ...shared, ...between]), fileOf('b', [...after, ...shared])]
          const clones = findClones(files)
          const text = ({ file, start, end }: { file: string; start: number; end: number }): string =>
            files
              .find((one) => one.file === file)!
              .tokens.slice(start - 1, end)
              .map(({ value }) => value)
              .join(' ')
          for (const { a, b, tokens } of clones) {
            expect(text(a)).toBe(text(b))
            expect(tokens).toBeGreaterThanOrEqual(MIN_TOKENS)
          }
          expect(clones.length).toBeGreaterThan(0)
        },
      ),
      { numRuns: 200, verbose: true },
    )
  })
})
