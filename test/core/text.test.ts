import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bm25, isStopWord, kebab, likeness, stem, stems, words } from '../../src/core/text.ts'

const SEED = 20261122

describe('words', () => {
  it('are runs of letters and digits in lower case', () => {
    expect(words('Run the 3 Tests, now!')).toEqual(['run', 'the', '3', 'tests', 'now'])
  })

  it('fall apart at camel case, dashes and underscores', () => {
    expect(words('runTests kebab-case snake_case v2Beta')).toEqual([
      'run',
      'tests',
      'kebab',
      'case',
      'snake',
      'case',
      'v2',
      'beta',
    ])
  })

  it('are found in any script, however its accents are written', () => {
    expect(words('Prüfe das Café')).toEqual(['prüfe', 'das', 'café'])
    expect(words('Cafe\u0301')).toEqual(['café'])
    expect(words('проверь код')).toEqual(['проверь', 'код'])
  })

  it('are none in emoji and punctuation', () => {
    expect(words('🎉 … !?')).toEqual([])
  })
})

describe('stem', () => {
  it.each([
    ['analyse', 'analyze', 'analysing', 'analyzing', 'analysis', 'analyses', 'analysed'],
    ['document', 'documents', 'documentation', 'documenting', 'documented', 'docs', 'doc'],
    ['test', 'tests', 'testing', 'tested'],
    ['run', 'runs', 'running', 'runner'],
    ['generate', 'generates', 'generation', 'generator', 'generating'],
    ['dependency', 'dependencies'],
    ['release', 'released', 'releasable', 'releases'],
    ['summarise', 'summarize', 'summary', 'summaries'],
    ['classify', 'classification', 'classified', 'classifier'],
    ['process', 'processes', 'processing'],
    ['branch', 'branches'],
    ['deploy', 'deployment', 'deploying'],
  ])('agrees for the forms of %s', (first, ...others) => {
    expect(new Set(others.map(stem))).toEqual(new Set([stem(first)]))
  })

  it('keeps apart what is not the same', () => {
    expect(stem('test')).not.toBe(stem('text'))
    expect(stem('review')).not.toBe(stem('release'))
  })

  it('leaves short words and words of other scripts as they are', () => {
    expect(['go', 'bus', 'this', 'код', '測試'].map(stem)).toEqual(['go', 'bus', 'this', 'код', '測試'])
  })

  it('never grows a word and never loses all of it', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,20}$/), (word) => {
        fc.pre(!/^(?:docs?|repos?|codebase|config|db|deps|apps?|photos?|pictures?|info)$/.test(word))
        const stemmed = stem(word)
        expect(stemmed.length).toBeGreaterThan(0)
        expect(stemmed.length).toBeLessThanOrEqual(word.length + 1)
      }),
      { seed: SEED },
    )
  })
})

describe('stems', () => {
  it('leave out the words that say nothing', () => {
    expect(stems('Please run all of its tests for me')).toEqual(['run', 'test'])
    expect(isStopWord('please')).toBe(true)
    expect(isStopWord('tests')).toBe(false)
  })
})

describe('kebab', () => {
  it('joins words with dashes', () => {
    expect(kebab('Run the Tests')).toBe('run-the-tests')
    expect(kebab('run-the-tests')).toBe('run-the-tests')
  })
})

describe('bm25', () => {
  const scores = (documents: string[][], query: string[]): number[] =>
    bm25(documents, (terms) => terms)(query).map(({ score }) => score)
  const corpus = [['run', 'test'], ['write', 'document', 'document'], ['run', 'lint', 'run', 'run'], []]
  const rank = (query: string[]): number[] => scores(corpus, query)

  it('scores the documents that share a term, and no others', () => {
    const [tests, docs, lint, empty] = rank(['test'])
    expect(tests).toBeGreaterThan(0)
    expect([docs, lint, empty]).toEqual([0, 0, 0])
  })

  it('values a rare term above a common one', () => {
    const scores = rank(['run', 'document'])
    expect(scores[1]).toBeGreaterThan(scores[2]!)
  })

  it('values a term more the more often it is said', () => {
    const [tests, , lint] = rank(['run'])
    expect(lint).toBeGreaterThan(tests!)
  })

  it('counts a term of the query once', () => {
    expect(rank(['run', 'run'])).toEqual(rank(['run']))
  })

  it('gives nothing for unknown terms, for no terms and for no documents', () => {
    expect(rank(['poem'])).toEqual([0, 0, 0, 0])
    expect(rank([])).toEqual([0, 0, 0, 0])
    expect(scores([], ['run'])).toEqual([])
    expect(scores([[]], ['run'])).toEqual([0])
  })
})

describe('likeness', () => {
  it('is 1 for the same words and 0 for nothing in common', () => {
    expect(likeness('run tests', 'Run Tests')).toBe(1)
    expect(likeness('run tests', 'github')).toBe(0)
    expect(likeness('', '')).toBe(0)
  })

  it('is high for other forms and slips of the pen, lower for other things', () => {
    expect(likeness('write documentation', 'documentation-writing')).toBeGreaterThan(0.7)
    expect(likeness('analyse-structure', 'analyse-strcture')).toBeGreaterThan(
      likeness('analyse-structure', 'analyse-churn'),
    )
  })

  it('does not depend on the order of its arguments and stays between 0 and 1', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const alike = likeness(a, b)
        expect(alike).toBe(likeness(b, a))
        expect(alike).toBeGreaterThanOrEqual(0)
        expect(alike).toBeLessThanOrEqual(1)
      }),
      { seed: SEED },
    )
  })
})
