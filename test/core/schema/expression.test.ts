import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { growth } from '../../../src/core/schema/expression.ts'
import '../seed.ts'

const SLOW = 'could take very long: begin it with ^, and let what repeats differ from what follows it'

describe('the time that a regular expression takes', () => {
  it.each([
    'TODO',
    '',
    'a|b',
    '^a*$',
    '^a{2,}$',
    '^a+b*c?$',
    '^[a-z0-9]+(-[a-z0-9]+)*$',
    '^[a-z0-9]+(?:-[a-z0-9]+)*$',
    '^\\s*\\S+\\s*$',
    '^(\\d{1,3}\\.){3}\\d{1,3}$',
    '^\\d{4}-\\d{2}-\\d{2}$',
    '^(?:foo|bar)*$',
    '^(?<year>\\d+)-\\d+$',
    '^\\p{L}+\\p{N}*$',
    '^[\\]x]+y',
    '^[^"]*"',
    '^a+|^b*',
    '/',
    '^(|a)$',
    '^(((a)))+$',
    '^[\\u{1F600}-\\u{1F64F}]*[\\u{1F680}]$',
    '^\\uD83D\\uDE00*\\uD83D\\uDE01$',
    '^\\x41*\\u0042\\cA\\0\\/$',
    '^a\\b\\Bb$',
    'a{2}b{3,4}',
    '(?:a{50}){10}',
    '(?:a{250}|b)c{250}',
    '^(?:a{999}){999}$',
    '^/+a',
  ])('grows as the text: %s', (pattern) => {
    expect(growth(pattern)).toEqual({ degree: 1 })
  })

  it.each([
    'a+',
    'a{3,}',
    'a(?:a{50}){10}',
    'a(?:a{250}|b)c{250}',
    '(?:ab)+',
    '^a+|b*',
    '^a*|^b*',
    '(^a*)',
    '^.+@.+$',
    '^a*a*$',
    '^a?a$',
    '^a{1,2}a',
    '^(ts|tsx)$',
    '^(|a)a$',
    '^(a|)a',
    '^[a-f]*[f-z]$',
    '^[f-z]*[a-f]$',
    '^\\p{Lu}*\\p{L}$',
    '^\\u{1F600}*[\\u{1F5FF}-\\u{1F600}]$',
    '^\\u{1F600}*\\uD83D\\uDE00$',
    '^\\x41*A',
    '^(a*)(b*)a',
    '^(?:a*|b)c*a$',
  ])('grows as its square: %s', (pattern) => {
    expect(growth(pattern)).toEqual({ degree: 2 })
  })

  it.each([
    '(a+)+$',
    '^(a+)+$',
    '^(a*)*$',
    '^(a?)*$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '^(\\w|\\d)*$',
    '^(.*a){10}$',
    '^(a{0,30}){0,30}$',
    '^(?:(?:a|ab)c?)*$',
    '^(a(b|bc)){2}$',
    '^.*foo.*bar',
    'foo.*bar',
    '^(|)(|)a(a|a)(b|b)$',
    '^a?a?a',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
  ])('could be very long: %s', (pattern) => {
    expect(growth(pattern)).toEqual({ problem: SLOW })
  })

  it.each([
    ['(?=a)b', '(?='],
    ['(?!a)b', '(?!'],
    ['(?<=a)b', '(?<='],
    ['(?<!a)b', '(?<!'],
    ['(a)\\1', '\\1'],
    ['(?<n>a)\\k<n>', '\\k'],
    ['(?i:a)', '(?i:'],
  ])('cannot be foreseen: %s', (pattern, what) => {
    expect(growth(pattern)).toEqual({ problem: `uses "${what}", whose time cannot be foreseen` })
  })

  it.each(['[', 'a**', '(', '\\', '{', '\\-'])('is none at all of %s', (pattern) => {
    expect(growth(pattern)).toEqual({ problem: 'is no regular expression' })
  })

  it('is not looked for in what is too long or too varied', () => {
    expect(growth('a'.repeat(500))).toEqual({ degree: 1 })
    expect(growth('a'.repeat(501))).toEqual({ problem: 'is longer than 500 characters' })
    const kinds = (many: number): string => Array.from({ length: many }, (_, at) => `[a${at}]\\b`).join('')
    expect(growth(kinds(10))).toEqual({ degree: 1 })
    expect(growth(kinds(11))).toEqual({ problem: 'has more than 10 kinds of characters' })
  })

  it('is short for texts that almost fit', () => {
    const atom = fc.constantFrom('a', 'b', 'c', '.', '\\w')
    const quantifier = fc.constantFrom('', '', '*', '+', '?', '{1,3}')
    const { pattern } = fc.letrec<{ pattern: string; item: string }>((tie) => ({
      item: fc
        .tuple(
          fc.oneof(
            { maxDepth: 3, withCrossShrink: true },
            atom,
            tie('pattern').map((inner) => `(${inner})`),
          ),
          quantifier,
        )
        .map((pair) => pair.join('')),
      pattern: fc
        .array(fc.array(tie('item'), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 })
        .map((alternatives) => alternatives.map((items) => items.join('')).join('|')),
    }))
    const text = fc.array(fc.constantFrom('a', 'ab', 'abc', 'aab'), { minLength: 1, maxLength: 3 })
    let fine = 0
    fc.assert(
      fc.property(pattern, text, (drawn, piece) => {
        const anchored = `^(${drawn})$`
        if ('problem' in growth(anchored)) return
        fine++
        const expression = new RegExp(anchored, 'u')
        const began = performance.now()
        expression.test(`${piece.join('').repeat(60)}!`)
        // What is exponential does not come back at all.
        expect(performance.now() - began).toBeLessThan(1_000)
      }),
      { numRuns: 500 },
    )
    expect(fine).toBeGreaterThan(50)
  })
})
